/** UTF-8 text in and out of base64, as FHIR Attachment.data holds it (RFC 4648 section 4). */

/** Base64 of a text's UTF-8 bytes, and how many bytes they are. */
export function encodeText(value: string): { readonly base64: string; readonly size: number } {
  const bytes = new TextEncoder().encode(value);
  let binary = '';
  for (let at = 0; at < bytes.length; at += 8192) binary += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return { base64: btoa(binary), size: bytes.length };
}

/**
 * The text of base64 data, of which at most `maxBytes` are decoded; null where it is no base64 or no UTF-8. White space in the data is
 * tolerated, as R4 allows it.
 */
export function decodeText(base64: string, maxBytes: number): string | null {
  const cut = base64.length > Math.ceil(maxBytes / 3) * 4;
  const data = base64.slice(0, Math.ceil(maxBytes / 3) * 4).replace(/[\t\n\r ]/g, '');
  try {
    const binary = atob(cut ? data.slice(0, data.length - (data.length % 4)) : data);
    const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
    // A cut may fall within a character: `stream` leaves an incomplete last one out.
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: cut });
  } catch {
    return null;
  }
}
