/** Reads a QR code from a picture file: decoding happens in the window, the picture goes nowhere. */
import decodeQR from 'qr/decode.js';
import { AppError } from '../../../src-shared/errors.ts';

/** Larger pictures are refused before they are opened. */
const maxBytes = 20 * 1024 * 1024;
/** Longest edge that is looked at first; phones' pictures are larger than needed, and small codes are lost when shrunk too far. */
const edges = [1000, 1800, 600];

const noCode = () =>
  new AppError(
    'CARD_INVALID',
    'No code could be read in this picture. Take it again: straight from above, sharp, with the whole code and its white border.',
  );

/** @throws AppError CARD_INVALID where the file is no picture, too large, or holds no readable code. */
export async function readCode(file: Blob): Promise<string> {
  if (file.size > maxBytes) throw new AppError('CARD_INVALID', 'This picture is larger than 20 MB. Choose a smaller one of the card.');
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    throw new AppError('CARD_INVALID', 'This file is not a picture that can be opened. Choose a PNG or JPEG picture of the card.');
  }
  try {
    for (const edge of edges) {
      const scale = Math.min(1, edge / Math.max(bitmap.width, bitmap.height));
      const width = Math.max(1, Math.round(bitmap.width * scale));
      const height = Math.max(1, Math.round(bitmap.height * scale));
      const canvas = new OffscreenCanvas(width, height);
      const context = canvas.getContext('2d', { willReadFrequently: true });
      if (!context) throw noCode();
      // A transparent picture would come out black on black.
      context.fillStyle = '#fff';
      context.fillRect(0, 0, width, height);
      context.drawImage(bitmap, 0, 0, width, height);
      const { data } = context.getImageData(0, 0, width, height);
      try {
        const text = decodeQR({ width, height, data }, { timeLimit: 1500 });
        if (text) return text;
      } catch {
        // Not readable at this size: the next one may be.
      }
    }
  } finally {
    bitmap.close();
  }
  throw noCode();
}
