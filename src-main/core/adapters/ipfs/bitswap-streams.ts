/**
 * Limits of bitswap's streams that fit a line of any speed, in place of its own ten seconds for each: a stream that brings something may go on, one that brings
 * nothing is ended, and what is sent gets time by the byte. A message to a peer that takes nothing must not hold up those to others for long.
 */
import { timeFor } from './patience.ts';
import type { PeerStream } from './frames.ts';

/** A stream that brings nothing for so long is ended. */
const quietMs = 30_000;
/** For a message to a peer to be taken, and for its bytes besides. */
const sendMs = 10_000;
/** Of what is sent at once, the other side sees nothing before it has all of it: small, so that a slow line is seen to carry something. */
const frameBytes = 16 * 1024;
/** Above all limits here: what bitswap is told (milliseconds). */
export const bitswapLimitMs = 900_000;

/** Ends an incoming stream that brings nothing; tells how many bytes came. */
export function watchIncoming(stream: PeerStream, came: (bytes: number) => void): void {
  const timer = setTimeout(() => stream.abort(new Error('Nothing came')), quietMs).unref();
  stream.addEventListener('close', () => clearTimeout(timer));
  // Not before bitswap listens itself: what came before would be given to this one alone.
  const listen = stream.addEventListener.bind(stream);
  stream.addEventListener = ((...listening: Parameters<typeof listen>) => {
    listen(...listening);
    if (listening[0] !== 'message') return;
    stream.addEventListener = listen;
    listen('message', ({ data }) => {
      timer.refresh();
      came(data.byteLength);
    });
  }) as typeof stream.addEventListener;
}

/** Ends an outgoing stream whose peer does not take what is sent; tells when it is over. */
export function limitOutgoing(stream: PeerStream, over: () => void): void {
  const begun = performance.now();
  let bytes = 0;
  const giveUp = () => stream.abort(new Error('Not taken in time'));
  let timer = setTimeout(giveUp, sendMs).unref();
  stream.addEventListener('close', () => {
    clearTimeout(timer);
    over();
  });
  const send = stream.send.bind(stream);
  stream.send = (data) => {
    bytes += data.byteLength;
    clearTimeout(timer);
    timer = setTimeout(giveUp, Math.max(0, timeFor(sendMs, bytes) - (performance.now() - begun))).unref();
    let mayGoOn = true;
    for (let at = 0; at < data.byteLength; at += frameBytes) mayGoOn = send(data.subarray(at, Math.min(at + frameBytes, data.byteLength)));
    return mayGoOn;
  };
}
