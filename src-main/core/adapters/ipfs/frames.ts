/**
 * One message on a stream: its length in four bytes (big endian), then the bytes. The length is looked at before anything of the message is kept,
 * so that a peer that announces, or sends, more than is expected costs nothing but its own stream.
 */
import type { HeliaWithLibp2p } from '@helia/libp2p';

type Libp2p = HeliaWithLibp2p<Record<string, unknown>>['libp2p'];
export type Connection = Awaited<ReturnType<Libp2p['dial']>>;
export type PeerStream = Awaited<ReturnType<Connection['newStream']>>;

const headBytes = 4;
const chunkBytes = 64 * 1024;

/** What is wrong with what a peer sent; never shown to people. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
}

/**
 * Reads the one message of a stream. Throws FrameError, and what the stream ends with. Its time limit is the caller's: abort the stream.
 *
 * @param came told how many bytes came, each time.
 */
export async function readFrame(stream: PeerStream, maxBytes: number, came: (bytes: number) => void): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let received = 0;
  let expected: number | null = null;
  for await (const data of stream) {
    const chunk = data.subarray();
    if (chunk.length === 0) continue;
    chunks.push(chunk);
    received += chunk.length;
    came(chunk.length);
    if (expected === null && received >= headBytes) {
      expected = headBytes + Buffer.concat(chunks).readUInt32BE(0);
      if (expected - headBytes > maxBytes)
        throw new FrameError(`A message of ${expected - headBytes} bytes, where at most ${maxBytes} are taken`);
    }
    if (expected !== null && received > expected) throw new FrameError('More than one message on a stream');
    if (received === expected) break;
  }
  if (expected === null || received !== expected) throw new FrameError('The stream ended within a message');
  return Buffer.concat(chunks).subarray(headBytes);
}

/** Writes a message at the pace at which the peer takes it. */
export async function writeFrame(stream: PeerStream, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
  const head = Buffer.alloc(headBytes);
  head.writeUInt32BE(bytes.length);
  const frame = Buffer.concat([head, bytes]);
  for (let start = 0; start < frame.length; start += chunkBytes) {
    if (!stream.send(frame.subarray(start, start + chunkBytes))) await stream.onDrain({ signal });
  }
}
