/**
 * How workstations come to know each other: each asks the other for its voucher as soon as they are connected, and again when vouchers or the directory
 * changed. Until somebody is known to be a member, they get neither blocks nor operations nor the ledger; a few of them may wait, since their clinic may be
 * about to be admitted.
 */
import { z } from 'zod';
import { AppError } from '../../../../src-shared/errors.ts';
import type { PeerPort, RecordCryptoPort } from '../../ports.ts';
import type { Computers, Standing } from './computers.ts';

const protocol = '/anamnesis/hello/1';
const maxBytes = 1024 * 1024;
const timeoutMs = 10_000;
const retryMs = 3_000;
/** Connected workstations of which nobody knows whose they are. */
const maxWaiting = 16;
const outForMs = 60 * 60_000;
const pauseMs = 60_000;
const maxVouchers = 2000;

const message = z.strictObject({ vouchers: z.array(z.unknown()).max(maxVouchers) });

export interface Hello {
  /** Where a peer stands, after it had a chance to say so. */
  standing(peer: string): Promise<Standing>;
  /** Peers that are connected and known as workstations of this clinic. */
  own(): string[];
  /** The same, of any member. */
  members(): string[];
  /** After the directory or vouchers changed: looks again at everybody who is connected. */
  review(): void;
  /** Called with a peer whose standing is another than before, or that came or went. */
  onStanding(listener: (peer: string) => void): void;
  stop(): void;
}

export function createHello(deps: {
  readonly peers: PeerPort;
  readonly crypto: RecordCryptoPort;
  readonly computers: Computers;
  readonly report: (error: unknown) => void;
}): Hello {
  const { peers, crypto, computers } = deps;
  /** Connected peers, in the order in which they came, with what was last told about them. */
  const connected = new Map<string, Standing>();
  const asking = new Map<string, Promise<void>>();
  const timers = new Map<string, NodeJS.Timeout>();
  const listeners: ((peer: string) => void)[] = [];
  let stopped = false;

  const tell = (peer: string) => {
    for (const listener of listeners) listener(peer);
  };

  const judge = (peer: string) => {
    const standing = computers.standing(peer);
    if (standing === 'refused') return peers.cutOff(peer, outForMs);
    if (!connected.has(peer) || connected.get(peer) === standing) return;
    connected.set(peer, standing);
    tell(peer);
  };

  const encode = (peer: string) => crypto.encodeMessage({ vouchers: computers.toShow(peer) });

  const learn = (bytes: Uint8Array) => {
    const parsed = message.safeParse(crypto.decodeMessage(bytes, maxBytes));
    if (!parsed.success) return false;
    if (computers.learn(parsed.data.vouchers)) for (const peer of connected.keys()) judge(peer);
    return true;
  };

  const ask = (peer: string): Promise<void> => {
    const running = asking.get(peer);
    if (running) return running;
    const done = peers
      .ask(peer, protocol, encode(peer), { maxBytes, timeoutMs })
      .then((answer) => {
        learn(answer);
        judge(peer);
      })
      .catch((error: unknown) => {
        if (!(error instanceof AppError)) return stopped ? undefined : deps.report(error);
        // Busy, on its way out, or talking nonsense: asked again while it is connected.
        again(peer);
      })
      .finally(() => asking.delete(peer));
    asking.set(peer, done);
    return done;
  };

  const again = (peer: string) => {
    if (stopped || timers.has(peer) || !connected.has(peer)) return;
    const timer = setTimeout(() => {
      timers.delete(peer);
      if (connected.has(peer)) void ask(peer);
    }, retryMs);
    timer.unref();
    timers.set(peer, timer);
  };

  const standing = async (peer: string): Promise<Standing> => {
    if (computers.standing(peer) === 'unknown' && asking.has(peer)) await asking.get(peer);
    return computers.standing(peer);
  };

  peers.serve(protocol, {
    maxRequestBytes: maxBytes,
    maxAnswerBytes: maxBytes,
    answer(peer, request) {
      if (!learn(request)) return Promise.resolve(null);
      judge(peer);
      // It may be about to serve this one: what waits for that tries again.
      tell(peer);
      return Promise.resolve(encode(peer));
    },
  });
  peers.guardBlocks(async (peer) => ['own', 'member'].includes(await standing(peer)));
  peers.onPeer((peer, isConnected) => {
    if (!isConnected) {
      connected.delete(peer);
      computers.forgetPresented(peer);
      return tell(peer);
    }
    connected.set(peer, computers.standing(peer));
    const waiting = [...connected].filter(([, known]) => known === 'unknown').map(([id]) => id);
    // The one that has waited longest makes room.
    if (waiting.length > maxWaiting && waiting[0] !== undefined) peers.cutOff(waiting[0], pauseMs);
    judge(peer);
    tell(peer);
    void ask(peer);
  });
  computers.onChange(() => {
    for (const peer of connected.keys()) {
      judge(peer);
      if (!stopped) again(peer);
    }
  });

  return {
    standing,
    own: () => [...connected.keys()].filter((peer) => computers.standing(peer) === 'own'),
    members: () => [...connected.keys()].filter((peer) => ['own', 'member'].includes(computers.standing(peer))),
    review() {
      for (const peer of connected.keys()) {
        const before = connected.get(peer);
        judge(peer);
        // It may not know yet that this one knows it.
        if (connected.get(peer) !== before || computers.standing(peer) === 'unknown') void ask(peer);
      }
    },
    onStanding: (listener) => void listeners.push(listener),
    stop() {
      stopped = true;
      for (const timer of timers.values()) clearTimeout(timer);
    },
  };
}
