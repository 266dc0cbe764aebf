/** Hands bytes that this window holds to the person as a file. */

/** Both shells ask where to, or put it among the downloads; `name` is only proposed. */
export function saveFile(blob: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // The window reads the blob after this turn; a minute is more than it needs to begin.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
