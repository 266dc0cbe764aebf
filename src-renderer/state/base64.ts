/** Slices of files, as they go to the core. */

/** Base64 of at most a slice; built in parts, since an argument list has a limit. */
export function base64Of(bytes: Uint8Array): string {
  let binary = '';
  for (let at = 0; at < bytes.length; at += 0x8000) binary += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(binary);
}
