/**
 * Workstations of one clinic keep each other's operations that the ledger does not have yet. What is new goes out at once (`offer`); whoever connects asks
 * for the list and then for what it does not have, page by page, so that it goes on where it was cut off; and a list is asked for now and again in case
 * something got lost. At most one question is under way to a peer, so a slow one slows down only itself.
 */
import { AppError } from '../../../../src-shared/errors.ts';
import type { SignedOperation } from '../../../../src-shared/operations.ts';
import type { PeerPort, RecordCryptoPort, StoredOperation, WorkstationStorePort } from '../../ports.ts';
import { bytesOf, hexOf } from '../bytes.ts';
import type { Arrivals } from './arrivals.ts';
import type { BlockFetcher } from './block-fetcher.ts';
import type { Hello } from './hello.ts';
import { answers, batchLimit, fromWire, listLimit, request, toWire, type Answer, type Request } from './operation-messages.ts';

const protocol = '/anamnesis/operations/1';
const maxBytes = 1024 * 1024;
const timeoutMs = 15_000;
const firstPauseMs = 500;
const longestPauseMs = 15_000;
/** Between two looks at the whole list of a peer. */
const listEveryMs = 30_000;
/** Bad operations after which a peer is not listened to any more for a while. */
const patience = 10;
const outForMs = 10 * 60_000;
/** Of a peer's own operations, so as not to offer them back. */
const maxRemembered = 20_000;
const maxBatchBytes = 512 * 1024;
/** What was signed in a former network goes to the ledger only: its signature is judged by what the governors recognized, in the ledger's order. */
export const isOfHere = ({ predecessor }: StoredOperation) => predecessor === null;
const unanchored = ['pending', 'submitted'] as const;

interface Neighbour {
  /** seq up to which it was offered what is here. */
  offered: number;
  /** Operations to tell it that they are held here. */
  readonly held: Set<string>;
  /** What it offered itself. */
  readonly theirs: Set<string>;
  list: boolean;
  bad: number;
  pauseMs: number;
  running: boolean;
  again: boolean;
  timer: NodeJS.Timeout | null;
}

export interface Exchange {
  /** After operations became known. `relist`: what peers brought may be founded now that was not before. */
  wake(relist: boolean): void;
  stop(): void;
}

export function createExchange(deps: {
  readonly store: WorkstationStorePort;
  readonly peers: PeerPort;
  readonly crypto: RecordCryptoPort;
  readonly hello: Hello;
  readonly arrivals: Arrivals;
  readonly fetcher: BlockFetcher;
  readonly checksummed: (account: string) => string;
  /** Another workstation holds operations that were made here. */
  readonly onPublished: (opIds: readonly string[]) => void;
  readonly report: (error: unknown) => void;
}): Exchange {
  const { store, peers, crypto, hello, arrivals, fetcher } = deps;
  const neighbours = new Map<string, Neighbour>();
  let stopped = false;

  const ask = async <T extends Request['type']>(peer: string, message: Request & { type: T }): Promise<Answer<T>> => {
    const bytes = await peers.ask(peer, protocol, crypto.encodeMessage(message), { maxBytes, timeoutMs });
    const answer = answers[message.type].safeParse(crypto.decodeMessage(bytes, maxBytes));
    if (!answer.success) throw new AppError('INVALID_INPUT', 'Another workstation of the clinic gave an answer that makes no sense.');
    return answer.data as Answer<T>;
  };

  const isHeld = (stored: StoredOperation | undefined) => stored !== undefined && !stored.awaitsBlocks;

  const notePublished = (ids: readonly Uint8Array[]) => {
    const published = store.markPublished(ids.map(hexOf));
    if (published.length > 0) deps.onPublished(published);
  };

  /** Takes what a peer brought. False where it is not listened to any more. */
  const take = async (peer: string, operations: readonly SignedOperation[]): Promise<boolean> => {
    const { added, bad } = await arrivals.accept(operations);
    if (added.length > 0) fetcher.wake();
    const neighbour = neighbours.get(peer);
    if (!neighbour) return false;
    neighbour.bad += bad;
    if (neighbour.bad <= patience) return true;
    peers.cutOff(peer, outForMs);
    return false;
  };

  const pull = async (peer: string, neighbour: Neighbour): Promise<void> => {
    for (let after: number | null = 0; after !== null && !stopped;) {
      const page: Answer<'list'> = await ask(peer, { type: 'list', after });
      notePublished(page.ids.filter((_, i) => page.held[i]));
      const missing = page.ids.filter((id) => store.operation(hexOf(id)) === undefined);
      for (let start = 0; start < missing.length && !stopped;) {
        const wanted = missing.slice(start, start + batchLimit);
        const { operations } = await ask(peer, { type: 'want', ids: wanted });
        if (
          !(await take(
            peer,
            operations.map((wire) => fromWire(wire, deps.checksummed)),
          ))
        )
          return;
        // What names no blocks is whole at once: its maker is told right after this, as it is of what has to be fetched.
        for (const { opId } of operations) if (isHeld(store.operation(hexOf(opId)))) neighbour.held.add(hexOf(opId));
        neighbour.again ||= neighbour.held.size > 0;
        // They come in the order asked for, as many as fit; what is anchored by now does not come at all.
        start += Math.max(1, operations.length === 0 ? wanted.length : operations.length);
      }
      // A list that does not get on would never end.
      after = page.next !== null && page.next > after ? page.next : null;
    }
  };

  const offer = async (peer: string, neighbour: Neighbour): Promise<void> => {
    for (;;) {
      const fresh = store.operations({ states: unanchored, order: 'seq', afterSeq: neighbour.offered, limit: batchLimit });
      if (fresh.length === 0 || stopped) return;
      const some = fitting(fresh);
      const operations = some
        .filter((one) => isOfHere(one) && !neighbour.theirs.has(one.operation.opId))
        .map(({ operation }) => toWire(operation));
      // From here on they may be anywhere.
      store.noteHandedOut(some.map(({ operation }) => operation.opId));
      if (operations.length > 0) notePublished((await ask(peer, { type: 'offer', operations })).held);
      neighbour.offered = some.at(-1)?.seq ?? neighbour.offered;
    }
  };

  const tellHeld = async (peer: string, neighbour: Neighbour): Promise<void> => {
    while (neighbour.held.size > 0 && !stopped) {
      const some = [...neighbour.held].slice(0, listLimit);
      await ask(peer, { type: 'held', ids: some.map(bytesOf) });
      for (const opId of some) neighbour.held.delete(opId);
    }
  };

  const run = async (peer: string, neighbour: Neighbour): Promise<void> => {
    neighbour.running = true;
    try {
      do {
        neighbour.again = false;
        await offer(peer, neighbour);
        await tellHeld(peer, neighbour);
        const list = neighbour.list;
        neighbour.list = false;
        if (list) await pull(peer, neighbour);
      } while (neighbour.again && neighbours.has(peer) && !stopped);
      neighbour.pauseMs = firstPauseMs;
      later(peer, neighbour, listEveryMs);
    } catch (error) {
      if (!(error instanceof AppError)) deps.report(error);
      neighbour.list = true;
      neighbour.pauseMs = Math.min(neighbour.pauseMs * 2, longestPauseMs);
      later(peer, neighbour, neighbour.pauseMs);
    } finally {
      neighbour.running = false;
    }
  };

  const later = (peer: string, neighbour: Neighbour, ms: number) => {
    if (neighbour.timer) clearTimeout(neighbour.timer);
    if (stopped || neighbours.get(peer) !== neighbour) return;
    neighbour.timer = setTimeout(() => {
      neighbour.list = true;
      start(peer, neighbour);
    }, ms);
    neighbour.timer.unref();
  };

  const start = (peer: string, neighbour: Neighbour) => {
    if (stopped) return;
    if (neighbour.running) neighbour.again = true;
    else void run(peer, neighbour);
  };

  const wake = (relist: boolean) => {
    for (const [peer, neighbour] of neighbours) {
      neighbour.list ||= relist;
      start(peer, neighbour);
    }
  };

  const answer = async (peer: string, message: Request): Promise<Answer<Request['type']>> => {
    switch (message.type) {
      case 'list': {
        const page = store.operations({ states: unanchored, order: 'seq', afterSeq: message.after, limit: listLimit });
        return {
          ids: page.filter(isOfHere).map(({ operation }) => bytesOf(operation.opId)),
          held: page.filter(isOfHere).map((stored) => isHeld(stored)),
          next: page.length < listLimit ? null : (page.at(-1)?.seq ?? null),
        };
      }
      case 'want': {
        const known = message.ids.flatMap((id) => store.operation(hexOf(id)) ?? []);
        store.noteHandedOut(known.map(({ operation }) => operation.opId));
        return {
          operations: fitting(known.filter((one) => one.state !== 'rejected' && isOfHere(one))).map(({ operation }) => toWire(operation)),
        };
      }
      case 'offer': {
        const neighbour = neighbours.get(peer);
        if (neighbour && neighbour.theirs.size > maxRemembered) neighbour.theirs.clear();
        for (const { opId } of message.operations) neighbour?.theirs.add(hexOf(opId));
        await take(
          peer,
          message.operations.map((wire) => fromWire(wire, deps.checksummed)),
        );
        return { held: message.operations.map(({ opId }) => opId).filter((id) => isHeld(store.operation(hexOf(id)))) };
      }
      case 'held': {
        notePublished(message.ids);
        return {};
      }
    }
  };

  peers.serve(protocol, {
    maxRequestBytes: maxBytes,
    maxAnswerBytes: maxBytes,
    async answer(peer, bytes) {
      if (stopped || (await hello.standing(peer)) !== 'own') return null;
      const parsed = request.safeParse(crypto.decodeMessage(bytes, maxBytes));
      return parsed.success ? crypto.encodeMessage(await answer(peer, parsed.data)) : null;
    },
  });
  hello.onStanding((peer) => {
    const isOwn = hello.own().includes(peer);
    const known = neighbours.get(peer);
    if (isOwn && !known) {
      // What is here already the other one asks for; what comes from now on is offered.
      const [last] = store.operations({ order: 'seq', descending: true, limit: 1 });
      const fresh: Neighbour = {
        ...{
          offered: last?.seq ?? 0,
          held: new Set<string>(),
          theirs: new Set<string>(),
          list: true,
          bad: 0,
          pauseMs: firstPauseMs,
          running: false,
          again: false,
          timer: null,
        },
      };
      neighbours.set(peer, fresh);
      start(peer, fresh);
    } else if (!isOwn && known) {
      if (known.timer) clearTimeout(known.timer);
      neighbours.delete(peer);
    }
  });
  fetcher.onComplete((done) => {
    const opIds = done.filter((opId) => store.operation(opId)?.block === null);
    if (opIds.length === 0) return;
    for (const [peer, neighbour] of neighbours) {
      for (const opId of opIds) neighbour.held.add(opId);
      start(peer, neighbour);
    }
  });

  return {
    wake,
    stop() {
      stopped = true;
      for (const { timer } of neighbours.values()) if (timer) clearTimeout(timer);
      neighbours.clear();
    },
  };
}

/** As many from the start as one message holds; at least one. */
export function fitting(operations: readonly StoredOperation[]): readonly StoredOperation[] {
  let bytes = 0;
  const end = operations.findIndex(({ operation: { payload, signatures } }, i) => {
    bytes += 200 + payload.length / 2 + signatures.reduce((sum, signature) => sum + signature.length / 2, 0);
    return i > 0 && bytes > maxBatchBytes;
  });
  return end < 0 ? operations : operations.slice(0, end);
}
