/** Reads a QR code off a picture of the screen, as a scanner would: pixels only, no knowledge of the page. */
import type { Locator } from 'playwright-core';
import decodeQR from 'qr/decode.js';

/** The text of the one QR code in this part of the screen. */
export async function readQrCode(place: Locator): Promise<string> {
  const png = await place.screenshot({ scale: 'css' });
  // The page's Chromium only unpacks the PNG; the code is read by a decoder of our own, from the pixels.
  const picture = await place.page().evaluate(async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    const bitmap = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
    const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d');
    if (!context) throw new Error('No canvas');
    context.drawImage(bitmap, 0, 0);
    const { width, height, data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
    return { width, height, data: Array.from(data) };
  }, png.toString('base64'));
  return decodeQR({ ...picture, data: Uint8ClampedArray.from(picture.data) });
}
