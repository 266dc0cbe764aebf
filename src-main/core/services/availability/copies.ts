/**
 * Who else holds what this workstation keeps. Each connected computer of the clinic is asked now and again what changed in its list since the last time: one
 * small question while nothing does. What it says is a statement with a time, no proof.
 */
import { AppError } from '../../../../src-shared/errors.ts';
import type { BlockCarePort, Holder, HoldingsPort, PeerPort, RecordCryptoPort, WorkstationStorePort } from '../../ports.ts';
import { bytesOf, hexOf } from '../bytes.ts';
import type { Hello } from '../peers/hello.ts';
import type { CopyPolicy } from './copy-policy.ts';
import { answers, askLimit, pageLimit, request, type Answer, type Request } from './holding-messages.ts';

export const holdingsProtocol = '/anamnesis/holdings/1';
const maxBytes = 256 * 1024;
const timeoutMs = 15_000;
const everyMs = 60_000;
const retryMs = 5_000;
/** After something changed, for what belongs to it to change too. */
const settleMs = 300;
/** A computer that was not heard of for so long counts no more: it may be gone for good. */
export const silentAfterMs = 14 * 24 * 60 * 60_000;
/** What others know and this one does not yet, beyond which a list is no list any more. */
const spareCopies = 100_000;

const outsidePrefix = 'outside:';
/** As a holder: the pinning service of another computer. */
const outsideOf = (peer: string) => `${outsidePrefix}${peer}`;
/** The computer that says what a holder holds: itself, or the one whose pinning service it is. */
export const speakerOf = (holder: string) => (holder.startsWith(outsidePrefix) ? holder.slice(outsidePrefix.length) : holder);

const runsSetting = 'availability.runs';
const keptRuns = 100;

interface Run {
  readonly run: string;
  readonly from: number;
}

export interface Copies {
  /** Something changed in the list of here: the others are told to read on. */
  tellNews(): void;
  /** Asks connected peers (also other clinics') whether they hold these, now. In the order asked. Throws as asking does. */
  ask(peer: string, opIds: readonly string[]): Promise<boolean[]>;
  /** Takes out holders that left the clinic, or that nobody has heard of for long. */
  review(): void;
  onChange(listener: () => void): void;
  stop(): void;
}

export function createCopies(deps: {
  readonly store: WorkstationStorePort;
  readonly holdings: HoldingsPort;
  readonly care: BlockCarePort;
  readonly peers: PeerPort;
  readonly crypto: RecordCryptoPort;
  readonly hello: Hello;
  /** Computers of this clinic that count, by their ids. */
  readonly members: () => readonly string[];
  readonly policy: CopyPolicy;
  readonly kind: 'workstation' | 'hub';
  readonly clock: () => number;
  readonly report: (error: unknown) => void;
}): Copies {
  const { store, holdings, care, peers, crypto, hello, policy, clock } = deps;
  const listeners: (() => void)[] = [];
  const timers = new Map<string, NodeJS.Timeout>();
  const running = new Set<string>();
  let runs: readonly Run[] | null = null;
  let newsTimer: NodeJS.Timeout | null = null;
  let stopped = false;

  const ask = async <T extends Request['type']>(peer: string, message: Request & { type: T }): Promise<Answer<T>> => {
    const bytes = await peers.ask(peer, holdingsProtocol, crypto.encodeMessage(message), { maxBytes, timeoutMs });
    const answer = answers[message.type].safeParse(crypto.decodeMessage(bytes, maxBytes));
    if (!answer.success) throw senseless();
    return answer.data as Answer<T>;
  };

  const tellNews = () => {
    newsTimer ??= setTimeout(() => {
      newsTimer = null;
      for (const peer of stopped ? [] : hello.own()) {
        // Whoever does not hear it asks by itself, later.
        ask(peer, { type: 'news' }).catch((error: unknown) => error instanceof AppError || deps.report(error));
      }
    }, settleMs);
    newsTimer.unref();
  };

  /** Reads a holder's list from where it was left. */
  const read = async (peer: string): Promise<void> => {
    for (;;) {
      const before = holdings.holders().find(({ holder }) => holder === peer);
      const answer: Answer<'changes'> = await ask(peer, {
        type: 'changes',
        after: before?.place ?? 0,
        run: before ? bytesOf(before.run) : null,
      });
      if (stopped) return;
      if (policy.learn(answer.policy)) {
        tellNews();
        for (const listener of listeners) listener();
      }
      const { kind, run, restart, ids, whole, pinned, place, more } = answer;
      if (ids.length !== whole.length || ids.length !== pinned.length) throw senseless();
      const holder: Holder = { holder: peer, kind, place, run: hexOf(run), confirmedAt: clock() };
      // A list that is longer than all that there is, or that does not get on, would never end.
      const room = store.lastSeq() + spareCopies - (restart ? 0 : holdings.countOf(peer));
      if (ids.length > room || (more && (ids.length === 0 || (!restart && place <= (before?.place ?? 0))))) throw senseless();
      holdings.hear(
        holder,
        ids.map((id, i) => ({ opId: hexOf(id), whole: whole[i] === true })),
        restart,
      );
      // Its pinning service is a holder of its own, of which only it says something.
      if (pinned.includes(true) || holdings.holders().some(({ holder: known }) => known === outsideOf(peer))) {
        const held = ids.map((id, i) => ({ opId: hexOf(id), whole: pinned[i] === true }));
        holdings.hear({ ...holder, holder: outsideOf(peer), kind: 'pinning' }, held, restart);
      }
      if (ids.length > 0 || restart) for (const listener of listeners) listener();
      if (!more) return;
    }
  };

  const later = (peer: string, ms: number) => {
    clearTimeout(timers.get(peer));
    if (stopped) return;
    const timer = setTimeout(() => {
      timers.delete(peer);
      start(peer);
    }, ms);
    timer.unref();
    timers.set(peer, timer);
  };

  const start = (peer: string) => {
    if (stopped || !hello.own().includes(peer)) return;
    if (running.has(peer)) return later(peer, settleMs);
    running.add(peer);
    read(peer)
      .then(
        () => later(peer, everyMs),
        (error: unknown) => {
          if (!(error instanceof AppError)) deps.report(error);
          later(peer, error instanceof AppError && error.code === 'INVALID_INPUT' ? everyMs : retryMs);
        },
      )
      .finally(() => running.delete(peer));
  };

  /**
   * From which place on each start of this program wrote. A data folder that was put back from a backup writes other things into the same places, in other
   * runs: so nobody goes on reading in a list that is another one now.
   */
  const ownRuns = (): readonly Run[] => {
    if (runs) return runs;
    const fresh = { run: hexOf(crypto.randomBytes(16)), from: holdings.lastPlace() };
    runs = [...(store.setting<Run[]>(runsSetting) ?? []).slice(1 - keptRuns), fresh];
    store.setSetting(runsSetting, runs);
    return runs;
  };
  const runOf = (place: number): string => ownRuns().findLast(({ from }, i) => from <= place || i === 0)?.run ?? '';
  const covers = (run: string, place: number): boolean => {
    const i = ownRuns().findIndex((one) => one.run === run);
    return i >= 0 && place >= (ownRuns()[i]?.from ?? 0) && place <= (ownRuns()[i + 1]?.from ?? holdings.lastPlace());
  };

  const answer = (peer: string, message: Request): Answer<Request['type']> => {
    if (message.type === 'news') {
      later(peer, 0);
      return {};
    }
    if (message.type === 'held') return { held: message.ids.map((id) => isHeld(hexOf(id))) };
    const { after, run } = message;
    const restart = after > 0 && (run === null || !covers(hexOf(run), after));
    const changes = holdings.changesAfter(restart ? 0 : after, pageLimit);
    const place = changes.at(-1)?.place ?? (restart ? 0 : after);
    return {
      ...{ kind: deps.kind, restart, place, run: bytesOf(runOf(place)), policy: policy.toShow() },
      ids: changes.map(({ opId }) => bytesOf(opId)),
      whole: changes.map(({ whole }) => whole),
      pinned: changes.map(({ pinned }) => pinned),
      more: changes.length === pageLimit,
    };
  };

  const isHeld = (opId: string) => holdings.holding(opId)?.whole ?? care.isWhole(opId);

  peers.serve(holdingsProtocol, {
    maxRequestBytes: maxBytes,
    maxAnswerBytes: maxBytes,
    async answer(peer, bytes) {
      const standing = stopped ? 'unknown' : await hello.standing(peer);
      const parsed = request.safeParse(crypto.decodeMessage(bytes, maxBytes));
      // Another clinic hears about what it names, as it could by asking for the blocks; not what there is.
      const may = standing === 'own' || (standing === 'member' && parsed.data?.type === 'held');
      return may && parsed.success ? crypto.encodeMessage(answer(peer, parsed.data)) : null;
    },
  });
  hello.onStanding((peer) => start(peer));

  return {
    tellNews,
    async ask(peer, opIds) {
      const held: boolean[] = [];
      for (let start = 0; start < opIds.length; start += askLimit) {
        const some = opIds.slice(start, start + askLimit);
        const answer = await ask(peer, { type: 'held', ids: some.map(bytesOf) });
        if (answer.held.length !== some.length) throw senseless();
        held.push(...answer.held);
      }
      return held;
    },
    review() {
      const members = new Set(deps.members());
      for (const { holder, kind, confirmedAt } of holdings.holders()) {
        const isOwnService = kind === 'pinning' && speakerOf(holder) === holder;
        if (isOwnService || (members.has(speakerOf(holder)) && confirmedAt > clock() - silentAfterMs)) continue;
        holdings.forget(holder);
        for (const listener of listeners) listener();
      }
    },
    onChange: (listener) => void listeners.push(listener),
    stop() {
      stopped = true;
      if (newsTimer) clearTimeout(newsTimer);
      for (const timer of timers.values()) clearTimeout(timer);
    },
  };
}

function senseless(): AppError {
  return new AppError(
    'INVALID_INPUT',
    'Another workstation of the clinic said something about its records that makes no sense. It is asked again.',
  );
}
