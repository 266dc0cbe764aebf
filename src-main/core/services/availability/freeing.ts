/**
 * Frees space on a workstation that is short of it (ADR 14): takes out contents that enough other computers of the clinic hold and have promised to keep. Off
 * unless an admin turned it on here. What is new, at hand or was looked at lately stays; what was freed comes back when somebody opens the patient, or when
 * too few others have it.
 */
import { AppError } from '../../../../src-shared/errors.ts';
import type { FreeingPreview, FreeingResult, FreeingView, WantedCopies } from '../../../../src-shared/view-types.ts';
import type { BlockCarePort, FreeableOperation, FreeingPort, HoldingsPort, WorkstationStorePort } from '../../ports.ts';
import type { ContentProofs } from './content-proof.ts';
import type { FreeRound } from './free-round.ts';
import { roundBytes, roundLimit, type Promises } from './promises.ts';

export interface Freeing {
  view(): FreeingView;
  /** What would be freed for that size, as far as is known without asking the others. */
  preview(limits: FreeingLimits): Promise<FreeingPreview>;
  /** Null turns it off; what was freed stays so until it is opened. */
  set(limits: FreeingLimits | null): void;
  /** Frees what is too much now. Throws NOT_ALLOWED where it is off, CANCELLED where it runs already. */
  run(): Promise<FreeingResult>;
  /** Somebody opened this patient's chart, or their card: what of them was freed comes back. */
  visited(patient: string): void;
  /** Brings back what too few others have. */
  review(): void;
  start(): void;
  stop(): Promise<void>;
}

export interface FreeingLimits {
  /** What may lie in `blocks.db`. */
  readonly keepBytes: number;
  /** What was signed, or whose patient was seen here, in so many days stays. */
  readonly recentDays: number;
}

const setting = 'availability.freeing';
const page = 200;
const compactBytes = 16 * 1024 * 1024;
/** Rounds in which nobody promised anything, after which it is left for another time. */
const patience = 3;
const dayMs = 24 * 60 * 60_000;
const firstMs = 10 * 60_000;
const everyMs = 60 * 60_000;

export function createFreeing(deps: {
  readonly store: Pick<WorkstationStorePort, 'setting' | 'setSetting' | 'awaitBlocks'>;
  readonly held: HoldingsPort;
  readonly table: FreeingPort;
  readonly care: BlockCarePort;
  readonly proofs: ContentProofs;
  readonly promises: Pick<Promises, 'review'>;
  readonly round: FreeRound;
  readonly wanted: () => WantedCopies;
  /** Whether this computer has all it keeps pinned: then nothing goes before it is. */
  readonly isPinned: () => boolean;
  /** Patients whose chart or card is open. */
  readonly atHand: () => readonly string[];
  readonly connected: () => number;
  readonly wakeFetcher: () => void;
  readonly onChange: () => void;
  readonly clock: () => number;
  readonly report: (error: unknown) => void;
}): Freeing {
  const { store, held, table, care, proofs, round, clock } = deps;
  let timer: NodeJS.Timeout | null = null;
  let running: Promise<FreeingResult> | null = null;
  let last: FreeingView['last'] = null;
  /** Since the last run began. */
  const seen = new Set<string>();
  let stopped = false;

  const breathe = () => new Promise((resolve) => setImmediate(resolve));
  const limits = () => store.setting<FreeingLimits>(setting) ?? null;
  const used = () => care.space().bytes - care.space().free;

  /** What may go, with its bytes: those that have any. */
  async function* freeable({ recentDays }: FreeingLimits): AsyncGenerator<FreeableOperation & { readonly bytes: number }> {
    const { computers, hub, outside } = deps.wanted();
    const since = clock() - recentDays * dayMs;
    const filter = {
      ...{ issuedBefore: Math.ceil(since / 1000), unseenSince: since, hub, outside: outside || deps.isPinned() },
      computers: Math.max(1, computers),
    };
    for (let after = 0; ;) {
      const found = table.freeable(filter, after, page);
      const atHand = new Set(deps.atHand().map((patient) => patient.toLowerCase()));
      for (const one of found) {
        if (atHand.has(one.patient.toLowerCase())) continue;
        const bytes = care.sizeOf(one.opId, proofs.keptOf(one.opId));
        if (bytes > 0) yield { ...one, bytes };
      }
      after = found.at(-1)?.seq ?? after;
      if (found.length < page || stopped) return;
      await breathe();
    }
  }

  const keepAgain = (opIds: readonly string[]) => {
    if (opIds.length === 0) return;
    held.note(opIds.map((opId) => ({ opId, whole: false, records: held.holding(opId)?.records ?? 0 })));
    store.awaitBlocks(opIds);
    deps.wakeFetcher();
    deps.onChange();
  };

  /** What of freed contents came back because it was read for a list, and nobody looked at: no copy that anybody counts. */
  const sweep = async ({ recentDays }: FreeingLimits): Promise<number> => {
    let bytes = 0;
    for (let after = 0; ;) {
      const found = table.freedAfter(after, page);
      for (const { opId, patient } of found) {
        if ((table.lastVisit(patient) ?? 0) > clock() - recentDays * dayMs) continue;
        bytes += care.drop((await proofs.contentsOf(opId)).cids);
      }
      after = found.at(-1)?.place ?? after;
      if (found.length < page || stopped) return bytes;
      await breathe();
    }
  };

  const work = async (now: FreeingLimits): Promise<FreeingResult> => {
    const sum = { bytes: await sweep(now), records: 0 };
    let failed = 0;
    const patients = new Map<string, string>();
    seen.clear();
    let batchBytes = 0;
    const over = () => used() - now.keepBytes;
    const flush = async () => {
      const freed = await round.free([...patients.keys()], (opId) => !seen.has(patients.get(opId) ?? ''));
      failed = freed.length > 0 ? 0 : failed + 1;
      for (const { opId, bytes } of freed) {
        sum.bytes += bytes;
        sum.records += held.holding(opId)?.records ?? 0;
      }
      if (freed.length > 0) deps.onChange();
      patients.clear();
      batchBytes = 0;
    };
    const isEnd = () => stopped || over() <= 0 || deps.connected() === 0 || failed >= patience;
    if (!isEnd()) {
      for await (const { opId, patient, bytes } of freeable(now)) {
        if (patients.size > 0 && (batchBytes + bytes > roundBytes || patients.size >= roundLimit || batchBytes >= over())) await flush();
        if (isEnd()) break;
        patients.set(opId, patient.toLowerCase());
        batchBytes += bytes;
      }
      if (!isEnd() && patients.size > 0) await flush();
    }
    const end = over() <= 0 ? 'enough' : failed > 0 || deps.connected() === 0 ? 'nobody' : 'nothing-left';
    while (!stopped && care.compact(compactBytes)) await breathe();
    return { ...sum, end };
  };

  const run = (): Promise<FreeingResult> => {
    const now = limits();
    if (!now) throw new AppError('NOT_ALLOWED', 'Freeing space is turned off on this computer. Nothing was freed.');
    if (running) throw new AppError('CANCELLED', 'Space is being freed already. Wait until it is done.');
    running = work(now)
      .then((result) => {
        last = { ...result, at: clock() };
        return result;
      })
      .finally(() => {
        running = null;
        deps.onChange();
      });
    return running;
  };

  const later = (ms: number) => {
    if (stopped) return;
    timer = setTimeout(() => {
      deps.promises.review();
      const now = limits();
      // Not at the same minute everywhere: who asks promises nothing.
      const next = () => later(everyMs * (0.75 + Math.random() / 2));
      if (now && !running && used() > now.keepBytes) run().then(next, (error: unknown) => (deps.report(error), next()));
      else next();
    }, ms);
    timer.unref();
  };

  return {
    view: () => ({ limits: limits(), usedBytes: used(), running: running !== null, last }),
    async preview(now) {
      const over = Math.max(0, used() - now.keepBytes);
      const sum = { over, bytes: 0, records: 0 };
      const patients = new Set<string>();
      if (over > 0) {
        for await (const { bytes, records, patient } of freeable(now)) {
          sum.bytes += bytes;
          sum.records += records;
          patients.add(patient);
          if (sum.bytes >= over) break;
        }
      }
      return { ...sum, patients: patients.size, stays: used() - sum.bytes, computers: deps.connected() };
    },
    set(next) {
      store.setSetting(setting, next ?? undefined);
      deps.onChange();
    },
    run: async () => run(),
    visited(patient) {
      seen.add(patient.toLowerCase());
      table.noteVisit(patient, clock());
      keepAgain(table.freedOf(patient));
    },
    review() {
      const computers = Math.max(1, deps.wanted().computers);
      // Nearly always there are none, and that is known without looking at each.
      while (held.tally().some((one) => one.freed && one.computers < computers)) {
        const some = table.freedBelow(computers, page);
        if (some.length === 0) return;
        keepAgain(some);
      }
    },
    start() {
      const here = round.settle();
      held.note(here.map((opId) => ({ opId, whole: care.isWhole(opId), records: held.holding(opId)?.records ?? 0 })));
      deps.promises.review();
      later(firstMs);
    },
    async stop() {
      stopped = true;
      if (timer) clearTimeout(timer);
      await running?.catch(() => undefined);
    },
  };
}
