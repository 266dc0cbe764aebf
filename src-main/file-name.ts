/** Names of files that the workstation suggests. */

/** A file name from what the page suggests: no path, no control characters, not too long, `.pdf` at the end. */
export function fileNameOf(suggested: string): string {
  const base = suggested
    .replace(/\.pdf$/i, '')
    // eslint-disable-next-line no-control-regex -- control characters are what must not get into a file name
    .replace(/[\u0000-\u001f\u007f/\\:*?"<>|\u202a-\u202e\u2066-\u2069]/g, ' ')
    .replace(/\s+/g, ' ')
    .replace(/^[. ]+|[. ]+$/g, '')
    .slice(0, 100);
  return `${base || 'Anamnesis'}.pdf`;
}
