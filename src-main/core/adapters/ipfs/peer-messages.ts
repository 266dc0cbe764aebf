/**
 * Questions and answers between workstations: each on a stream of its own, one bounded message either way, within a time limit. That is all that
 * is spoken here besides bitswap; so an endless stream, a half-open one or a flood is ended in one place, whatever it was about.
 */
import type { HeliaWithLibp2p } from '@helia/libp2p';
import { AppError } from '../../../../src-shared/errors.ts';
import type { PeerService } from '../../ports.ts';
import { FrameError, readFrame, writeFrame } from './frames.ts';
import type { Connection, PeerStream } from './frames.ts';
import { patience, timeFor } from './patience.ts';
import { PeerBudget } from './peer-budget.ts';
import type { Budget } from './peer-budget.ts';

type Libp2p = HeliaWithLibp2p<Record<string, unknown>>['libp2p'];

/** Without anything of a question that arrives; and for an answer to be taken, besides the time for its bytes. */
const usualTransferMs = 15_000;
/** For an answer to be found. */
const answerMs = 20_000;
const streamsPerPeer = 16;
/** Requests beyond its budget after which a peer is cut off. */
const forgiven = 50;
const maxPeers = 1024;

export interface MessageOptions {
  /** A peer that is to be cut off. */
  readonly onFlood: (peer: string) => void;
  /** Told of each piece of an answer that comes. */
  readonly onHeard?: (connection: Connection) => void;
  readonly transferMs?: number;
  readonly budget?: Budget;
}

export class PeerMessages {
  readonly #libp2p: Libp2p;
  readonly #options: MessageOptions;
  readonly #transferMs: number;
  readonly #budgets = new Map<string, { readonly budget: PeerBudget; excess: number }>();

  constructor(libp2p: Libp2p, options: MessageOptions) {
    this.#libp2p = libp2p;
    this.#options = options;
    this.#transferMs = options.transferMs ?? usualTransferMs;
  }

  async serve(protocol: string, service: PeerService): Promise<void> {
    await this.#libp2p.handle(protocol, (stream: PeerStream, connection: Connection) => void this.#answer(stream, connection, service), {
      maxInboundStreams: streamsPerPeer,
      maxOutboundStreams: streamsPerPeer,
    });
  }

  /** @throws AppError PEER_UNREACHABLE where there is no connection, no such protocol there, no answer in time, or one that is too large. */
  async ask(peer: string, protocol: string, request: Uint8Array, options: { maxBytes: number; timeoutMs: number }): Promise<Uint8Array> {
    const connection = this.#libp2p.getConnections().find((one) => one.status === 'open' && one.remotePeer.toString() === peer);
    if (connection === undefined) throw unreachable(peer, 'not-connected');
    const wait = patience(timeFor(options.timeoutMs, request.length));
    const { signal } = wait;
    let stream: PeerStream | undefined;
    try {
      stream = await connection.newStream(protocol, { signal });
      const end = abortOn(stream, signal);
      try {
        await writeFrame(stream, request, signal);
        return await readFrame(stream, options.maxBytes, (bytes) => {
          wait.note(bytes);
          this.#options.onHeard?.(connection);
        });
      } finally {
        end();
      }
    } catch (error) {
      stream?.abort(error as Error);
      throw unreachable(peer, signal.aborted ? 'timeout' : error instanceof FrameError ? 'bad-answer' : 'refused', error);
    } finally {
      wait.end();
      void stream?.close().catch(() => stream?.abort(new FrameError('The stream did not close')));
    }
  }

  forget(peer: string): void {
    const entry = this.#budgets.get(peer);
    // A peer that comes back at once comes back with the budget that it left with.
    if (entry !== undefined && entry.budget.request()) this.#budgets.delete(peer);
  }

  async #answer(stream: PeerStream, connection: Connection, service: PeerService): Promise<void> {
    const peer = connection.remotePeer.toString();
    const entry = this.#budgetOf(peer);
    if (!entry.budget.request()) {
      stream.abort(new FrameError('Too many requests'));
      if (++entry.excess > forgiven) this.#options.onFlood(peer);
      return;
    }
    const arrival = patience(this.#transferMs);
    const arriving = abortOn(stream, arrival.signal);
    try {
      const request = await readFrame(stream, service.maxRequestBytes, arrival.note);
      arriving();
      entry.budget.spend(request.length);
      const answering = abortOn(stream, AbortSignal.timeout(answerMs));
      const answer = await service.answer(peer, request).finally(answering);
      if (answer === null || answer.length > service.maxAnswerBytes) return stream.abort(new FrameError('No answer to this'));
      entry.budget.spend(answer.length);
      const signal = AbortSignal.timeout(timeFor(this.#transferMs, answer.length));
      const leaving = abortOn(stream, signal);
      await writeFrame(stream, answer, signal)
        .then(() => stream.close({ signal }))
        .finally(leaving);
    } catch (error) {
      arriving();
      stream.abort(error as Error);
      this.#libp2p.logger.forComponent('anamnesis:messages')('%s of %s ended: %e', stream.protocol, peer, error as Error);
    } finally {
      arrival.end();
    }
  }

  #budgetOf(peer: string): { readonly budget: PeerBudget; excess: number } {
    const known = this.#budgets.get(peer);
    if (known !== undefined) return known;
    if (this.#budgets.size >= maxPeers) this.#budgets.delete(this.#budgets.keys().next().value ?? '');
    const entry = { budget: new PeerBudget(() => performance.now(), this.#options.budget), excess: 0 };
    this.#budgets.set(peer, entry);
    return entry;
  }
}

/** Aborts the stream with the signal; gives what takes that back. */
function abortOn(stream: PeerStream, signal: AbortSignal): () => void {
  const abort = () => stream.abort(new FrameError('Out of time'));
  signal.addEventListener('abort', abort, { once: true });
  return () => signal.removeEventListener('abort', abort);
}

function unreachable(peer: string, reason: string, cause?: unknown): AppError {
  return new AppError(
    'PEER_UNREACHABLE',
    'The other workstation does not answer. Work goes on here, and what you save is kept. It is asked again.',
    { peer, reason },
    { cause },
  );
}
