/** A file on a stick: written so that it appears only whole, and read for as long as the stick is there. */
import { createReadStream, statSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';

/** @throws what the file system throws; then there is no such file. */
export async function writeWhole(file: string, source: AsyncIterable<Uint8Array>): Promise<void> {
  const partial = `${file}.part`;
  const handle = await open(partial, 'w', 0o600);
  try {
    for await (const bytes of source) await handle.write(bytes);
    await handle.sync();
  } catch (error) {
    await handle.close();
    await rm(partial, { force: true });
    throw error;
  }
  await handle.close();
  await rename(partial, file);
}

/** The bytes of a file; ends where they cannot be read any more, as if the file ended there. @throws where there is no such file. */
export function readWhileItLasts(file: string): AsyncIterable<Uint8Array> {
  statSync(file);
  return piecesOf(file);
}

async function* piecesOf(file: string): AsyncGenerator<Uint8Array> {
  const stream = createReadStream(file, { highWaterMark: 1024 * 1024 });
  let failed = false;
  stream.once('error', () => (failed = true));
  const pieces = stream[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  for (;;) {
    const next = await pieces.next().catch((error: unknown) => {
      if (failed) return null;
      throw error;
    });
    if (next === null || next.done === true) return;
    yield next.value;
  }
}
