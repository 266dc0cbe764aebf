/**
 * What time the connected workstations have: each is asked when it is known as a member's, and every minute, since clocks are set right, and computers sleep.
 */
import { z } from 'zod';
import { AppError } from '../../../../src-shared/errors.ts';
import type { PeerPort, RecordCryptoPort } from '../../ports.ts';
import type { ClockWatch } from '../clock-watch.ts';
import type { Hello } from './hello.ts';

const protocol = '/anamnesis/time/1';
const maxBytes = 64;
const timeoutMs = 10_000;
const everyMs = 60_000;

/** Milliseconds since 1970, no later than a Date holds. */
const answerTo = z.strictObject({ time: z.int().min(0).max(8.64e15) });

export function createTimes(deps: {
  readonly peers: PeerPort;
  readonly crypto: RecordCryptoPort;
  readonly hello: Hello;
  readonly clock: () => number;
  readonly clockWatch: ClockWatch;
  /** This computer's clock is known to be wrong, or is not any more. */
  readonly onChange: () => void;
  readonly report: (error: unknown) => void;
}): { stop(): void } {
  const { peers, crypto, hello, clock, clockWatch } = deps;
  const known = new Set<string>();

  const changing = (change: () => void) => {
    const before = clockWatch.view();
    change();
    if (clockWatch.view()?.wrong !== before?.wrong) deps.onChange();
  };

  const ask = async (peer: string): Promise<void> => {
    const asked = performance.now();
    try {
      const bytes = await peers.ask(peer, protocol, crypto.encodeMessage({}), { maxBytes, timeoutMs });
      const roundTripMs = performance.now() - asked;
      const answer = answerTo.safeParse(crypto.decodeMessage(bytes, maxBytes));
      if (answer.success && known.has(peer)) changing(() => clockWatch.notePeer(peer, answer.data.time, roundTripMs));
    } catch (error) {
      // Busy, or on its way out: it is asked again in a minute.
      if (!(error instanceof AppError)) deps.report(error);
    }
  };

  peers.serve(protocol, {
    maxRequestBytes: maxBytes,
    maxAnswerBytes: maxBytes,
    async answer(peer) {
      const standing = await hello.standing(peer);
      return standing === 'own' || standing === 'member' ? crypto.encodeMessage({ time: Math.floor(clock()) }) : null;
    },
  });
  hello.onStanding((peer) => {
    const isMember = hello.members().includes(peer);
    if (isMember && !known.has(peer)) {
      known.add(peer);
      void ask(peer);
    } else if (!isMember && known.delete(peer)) changing(() => clockWatch.forgetPeer(peer));
  });
  const timer = setInterval(() => {
    for (const peer of known) void ask(peer);
  }, everyMs);
  timer.unref();

  return {
    stop() {
      clearInterval(timer);
      // An answer that comes now changes nothing.
      known.clear();
    },
  };
}
