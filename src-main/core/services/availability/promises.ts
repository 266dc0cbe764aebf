/**
 * Promises between computers of a clinic, so that contents are freed at one only while enough others keep them (ADR 14). Who wants to free something asks in
 * a round; while it asks, it promises the same to nobody. Who promises notes that durably, proves that it holds the bytes, and frees nothing of it
 * until the round is over. So of those that ask each other at the same time none relies on another.
 */
import { z } from 'zod';
import { AppError } from '../../../../src-shared/errors.ts';
import type { FreeingPort, PeerPort, RecordCryptoPort } from '../../ports.ts';
import { bytesOf, hexOf, isEqual } from '../bytes.ts';
import type { Hello } from '../peers/hello.ts';
import type { ContentProofs } from './content-proof.ts';

const promisesProtocol = '/anamnesis/promises/1';
/** Operations of one question. */
export const roundLimit = 50;
const maxBytes = 16 * 1024;
/** Contents that are read for one question, but for a single operation that has more. */
export const roundBytes = 16 * 1024 * 1024;
/** The other reads all contents that it is asked about. */
const timeoutMs = 40_000;

const bytes = (length: number) => z.custom<Uint8Array>((value) => value instanceof Uint8Array && value.length === length);
const request = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('keep'), round: bytes(16), nonce: bytes(32), ids: z.array(bytes(32)).min(1).max(roundLimit) }),
  /** What was promised in other rounds than this one is not relied on any more; null: nothing is. */
  z.strictObject({ type: z.literal('rounds'), open: bytes(16).nullable() }),
]);
const keepAnswer = z.strictObject({ proofs: z.array(bytes(32).nullable()).max(roundLimit) });

interface Round {
  /** Of those asked for, what this computer promised to nobody. */
  readonly opIds: readonly string[];
  /** Asks a computer of the clinic to keep these. Gives those that it promised and proved to hold; none where it does not answer. */
  ask(peer: string, opIds: readonly string[]): Promise<string[]>;
  /** Nothing is relied on any more. Tells those who were asked. */
  end(): void;
}

export interface Promises {
  /** Until it ends none of these is promised from here. One round at a time. */
  begin(opIds: readonly string[]): Round;
  /** Ends what was promised to computers that are none of this clinic's any more, or were not heard of for long. */
  review(): void;
}

export function createPromises(deps: {
  readonly table: Pick<FreeingPort, 'promise' | 'release' | 'takeBack' | 'isPromised' | 'promisedTo'>;
  readonly proofs: Pick<ContentProofs, 'of'>;
  readonly peers: Pick<PeerPort, 'ask' | 'serve'>;
  readonly crypto: Pick<RecordCryptoPort, 'encodeMessage' | 'decodeMessage' | 'randomBytes'>;
  readonly hello: Pick<Hello, 'own' | 'standing' | 'onStanding'>;
  /** Of this workstation; null before it has one. */
  readonly ownPeer: () => string | null;
  /** Bytes of an operation's contents. */
  readonly sizeOf: (opId: string) => number;
  readonly counts: (peer: string) => boolean;
  /** What was promised could not be proven: it is damaged or missing, though it was thought to be whole. */
  readonly onMissing: (opIds: readonly string[]) => void;
  readonly report: (error: unknown) => void;
}): Promises {
  const { table, proofs, peers, crypto, hello } = deps;
  let open: { readonly id: Uint8Array; readonly asking: ReadonlySet<string>; readonly asked: Set<string> } | null = null;

  const tell = (peer: string) => {
    const message = crypto.encodeMessage({ type: 'rounds', open: open?.id ?? null });
    // Whoever does not hear it keeps its promise longer than needed, and is told again when it is connected the next time.
    peers.ask(peer, promisesProtocol, message, { maxBytes, timeoutMs }).catch((error: unknown) => {
      if (!(error instanceof AppError)) deps.report(error);
    });
  };

  const keep = async (peer: string, round: Uint8Array, nonce: Uint8Array, opIds: readonly string[]): Promise<(Uint8Array | null)[]> => {
    table.release(peer, round);
    const free = opIds.filter((opId) => !open?.asking.has(opId));
    const promised = new Set(table.promise(peer, round, free));
    const missing: string[] = [];
    const found: (Uint8Array | null)[] = [];
    let read = 0;
    for (const opId of opIds) {
      const size = promised.has(opId) ? deps.sizeOf(opId) : 0;
      const isTooMuch = read > 0 && read + size > roundBytes;
      const proof = promised.has(opId) && !isTooMuch ? await proofs.of(opId, nonce, deps.ownPeer() ?? '') : null;
      if (proof) read += size;
      else if (promised.has(opId)) {
        table.takeBack(peer, opId);
        if (!isTooMuch) missing.push(opId);
      }
      found.push(proof);
    }
    if (missing.length > 0) deps.onMissing(missing);
    return found;
  };

  peers.serve(promisesProtocol, {
    maxRequestBytes: maxBytes,
    maxAnswerBytes: maxBytes,
    async answer(peer, question) {
      const parsed = request.safeParse(crypto.decodeMessage(question, maxBytes));
      if (!parsed.success || (await hello.standing(peer)) !== 'own') return null;
      const message = parsed.data;
      if (message.type === 'keep')
        return crypto.encodeMessage({ proofs: await keep(peer, message.round, message.nonce, message.ids.map(hexOf)) });
      table.release(peer, message.open);
      return crypto.encodeMessage({});
    },
  });
  // What it promised before this program was started, or while the way to it was cut off, is not relied on.
  hello.onStanding((peer) => {
    if (hello.own().includes(peer)) tell(peer);
  });

  return {
    begin(wanted) {
      if (open) throw new AppError('INTERNAL', 'A round is under way already.');
      const opIds = wanted.filter((opId) => !table.isPromised(opId));
      const round = { id: crypto.randomBytes(16), asking: new Set(opIds), asked: new Set<string>() };
      open = round;
      return {
        opIds,
        async ask(peer, some) {
          if (open !== round || peer === deps.ownPeer()) return [];
          round.asked.add(peer);
          const nonce = crypto.randomBytes(32);
          const message = crypto.encodeMessage({ type: 'keep', round: round.id, nonce, ids: some.map(bytesOf) });
          try {
            const answer = keepAnswer.safeParse(
              crypto.decodeMessage(await peers.ask(peer, promisesProtocol, message, { maxBytes, timeoutMs }), maxBytes),
            );
            if (!answer.success || answer.data.proofs.length !== some.length) return [];
            const kept: string[] = [];
            for (const [i, opId] of some.entries()) {
              const proof = answer.data.proofs[i];
              const own = proof ? await proofs.of(opId, nonce, peer) : null;
              if (proof && own && isEqual(proof, own)) kept.push(opId);
            }
            return kept;
          } catch (error) {
            if (error instanceof AppError) return [];
            throw error;
          }
        },
        end() {
          if (open !== round) return;
          open = null;
          for (const peer of round.asked) tell(peer);
        },
      };
    },
    review() {
      for (const peer of table.promisedTo()) if (!deps.counts(peer)) table.release(peer, null);
    },
  };
}
