/**
 * Old records encrypted anew on the patient's request, after a revocation (ADR 11): their contents under new keys, in new packs and files, which a commit
 * signed by the patient at the desk names. Step by step, each whole and durable before the next; what a kill leaves half done is taken out at the next
 * start, and what is done is not done again. The patient's key is needed throughout: when the desk closes, it stops.
 */
import { categories, type Category } from '../../../src-shared/categories.ts';
import { AppError } from '../../../src-shared/errors.ts';
import type { EarlierRecords, InterruptedReencryption, ReencryptionResult } from '../../../src-shared/view-types.ts';
import type {
  CommitEntry,
  CommitHeader,
  EncodedFileBlock,
  IpfsPort,
  OriginalRange,
  RecordCryptoPort,
  WorkstationStorePort,
} from '../ports.ts';
import { zero32 } from './bytes.ts';
import { packLimit, type CommitReader, type ContentSource, type OpenedCommit } from './commit-reader.ts';
import { isOfContent } from './content-errors.ts';
import type { Consents } from './consents.ts';
import type { FactBus } from './facts.ts';
import { keysOfRecord } from './held-keys.ts';
import type { Keyring } from './keyring.ts';
import type { NetworkService } from './network.ts';
import type { Publisher } from './publisher.ts';
import type { Records } from './records.ts';
import type { CompartmentPlan, RangeToMove, ReencryptionPlans } from './reencryption-plan.ts';
import { nameOf, nextStep, without } from './reencryption-steps.ts';
import type { DeskSession, Sessions } from './sessions.ts';
import type { Signing } from './signing.ts';

export interface Reencrypting {
  /** What of the record at the desk lies under earlier keys. */
  earlier(desk: DeskSession): Promise<EarlierRecords>;
  /**
   * Resolves when it is done, or stopped. All categories where none is named. Asked again while it runs, the run takes on these categories too,
   * and both resolve at its end.
   */
  run(desk: DeskSession, wanted: readonly Category[]): Promise<ReencryptionResult>;
  /** What is done stays done, and the request is closed. */
  cancel(patient: string): void;
  /** Requests of this workstation that did not come to their end. */
  interrupted(): InterruptedReencryption[];
  /** Takes out what a run that was killed had laid down and not signed. */
  recover(): void;
}

const pieceBytes = 2 * 1024 * 1024;
/** After so many records the others in this process get their turn. */
const breath = 16;

const requestsSetting = 'reencryption.requests';
const unfinishedSetting = 'reencryption.unfinished';

interface Request {
  readonly compartments: readonly string[];
  /** Milliseconds. */
  readonly since: number;
  readonly done: number;
  readonly total: number;
}

/** Blocks that were laid down for a commit that may not have come about. */
interface Unfinished {
  readonly cids: readonly string[];
  /** opId of the commit, once it is about to be published. */
  readonly opId: string | null;
}

/** Thrown within a run, never out of it. */
class Stopped extends Error {}

/** The same: a revocation in the middle of a step began another epoch, whose key the step has to use. */
class EpochMoved extends Error {}

interface Job {
  readonly desk: DeskSession;
  /** A set, for more may be asked for while it runs. */
  readonly compartments: Set<string>;
  cancelled: boolean;
}

export function createReencrypting(deps: {
  readonly store: WorkstationStorePort;
  readonly ipfs: IpfsPort;
  readonly crypto: RecordCryptoPort;
  readonly network: NetworkService;
  readonly keyring: Keyring;
  readonly reader: CommitReader;
  readonly plans: ReencryptionPlans;
  readonly consents: Pick<Consents, 'epoch'>;
  readonly records: Pick<Records, 'parents'>;
  readonly signing: Signing;
  readonly publisher: Publisher;
  readonly sessions: Pick<Sessions, 'desk'>;
  readonly facts: FactBus;
  readonly clock: () => number;
}): Reencrypting {
  const { store, ipfs, crypto, network, keyring, reader, plans, consents, records, signing, publisher, sessions, facts, clock } = deps;
  let current: { readonly job: Job; readonly result: Promise<ReencryptionResult> } | null = null;

  const requests = (): Record<string, Request> => store.setting<Record<string, Request>>(requestsSetting) ?? {};
  const keepRequest = (patient: string, request: Request | null) => {
    const { [patient]: _, ...others } = requests();
    store.setSetting(requestsSetting, request ? { ...others, [patient]: request } : others);
    facts.tell('status', null);
  };

  const recover = () => {
    const unfinished = store.setting<Unfinished>(unfinishedSetting);
    if (!unfinished) return;
    const isPublished = unfinished.opId !== null && store.operation(unfinished.opId) !== undefined;
    if (!isPublished) ipfs.remove(unfinished.cids);
    store.setSetting(unfinishedSetting, null);
  };

  /** One step: contents, pack, commit, signature; published at its end. Says which records could not be read. */
  const takeStep = async (
    desk: DeskSession,
    plan: CompartmentPlan,
    ranges: readonly RangeToMove[],
    told: (records: number, isLarge: boolean) => void,
    check: () => void,
  ): Promise<{ moved: number; unreadable: string[] }> => {
    const id = network.ofPatient(desk.patient);
    const place = { network: id, patient: desk.patient, compartment: plan.compartment };
    const laidDown: string[] = [];
    const keep = (blocks: readonly EncodedFileBlock[]) => {
      laidDown.push(...blocks.map(({ cid }) => cid));
      store.setSetting(unfinishedSetting, { cids: laidDown, opId: null } satisfies Unfinished);
      ipfs.put(blocks);
    };
    const packed: Uint8Array[] = [];
    let offset = 0;
    const entries: CommitEntry[] = [];
    const originals: OriginalRange[] = [];
    let seen = 0;
    const unreadable: string[] = [];

    const moveSmall = async (opened: OpenedCommit, index: number, read: ReturnType<CommitReader['ciphertexts']>) => {
      const { source, ciphertext } = await firstReadable(opened, index, async (one) => {
        const bytes = await read(one);
        return crypto.reencryptContent(place, one.entry, one.entry.dek, bytes, false);
      });
      packed.push(ciphertext.ciphertext);
      const location = { pack: { offset, length: ciphertext.ciphertext.length } };
      offset += ciphertext.ciphertext.length;
      return { ...source.entry, dek: ciphertext.dek, location };
    };

    const moveLarge = async (opened: OpenedCommit, index: number) => {
      const { source, ciphertext } = await firstReadable(opened, index, async (one) => {
        const { file } = one.entry.location;
        if (!file) throw new AppError('TAMPERED', 'The commit does not say where this record lies.', { check: 'content' });
        const stream = crypto.reencryptChunked(place, one.entry, one.entry.dek);
        const pieces = async function* () {
          for (let at = 0; at < file.length; at += pieceBytes) {
            check();
            const length = Math.min(pieceBytes, file.length - at);
            yield stream.update(await ipfs.readFile(file.cid, { offset: at, length, offline: one.hereOnly }));
          }
          yield stream.final();
        };
        const before = laidDown.length;
        try {
          const cid = await ipfs.layOutStream(pieces(), keep);
          return { dek: stream.dek, file: { cid, length: file.length } };
        } catch (error) {
          // Another place of it may be whole; what came of this one is of no use.
          ipfs.remove(laidDown.splice(before));
          throw error;
        }
      });
      return { ...source.entry, dek: ciphertext.dek, location: { file: ciphertext.file } };
    };

    try {
      for (const { operation, cid, first, count } of ranges) {
        const opened = await reader.open(operation, keysOfRecord(keyring.of(desk)));
        const read = reader.ciphertexts(opened);
        for (let index = first; index < first + count; index++) {
          check();
          const isLarge = (opened.entries[index]?.size ?? 0) > packLimit;
          try {
            const entry = isLarge ? await moveLarge(opened, index) : await moveSmall(opened, index, read);
            entries.push(entry);
            const last = originals.at(-1);
            if (last?.commit === cid && last.first + last.count === index)
              originals[originals.length - 1] = { ...last, count: last.count + 1 };
            else originals.push({ commit: cid, first: index, count: 1 });
          } catch (error) {
            if (!isOfContent(error)) throw error;
            // Away, or damaged: it stays where it is, and is told.
            unreadable.push(nameOf(cid, index));
          }
          told(++seen, isLarge);
          if (seen % breath === 0) await new Promise((resolve) => setImmediate(resolve));
        }
        for (const { dek } of opened.entries) dek.fill(0);
      }
      check();
      if (entries.length > 0) await publish(desk, plan, originals, entries, packed, laidDown, check);
      return { moved: entries.length, unreadable };
    } finally {
      for (const { dek } of entries) dek.fill(0);
      recover();
    }
  };

  const firstReadable = async <T>(opened: OpenedCommit, index: number, read: (source: ContentSource) => Promise<T>) => {
    let failure = new AppError('BLOCK_UNAVAILABLE', 'The content of this record cannot be read now.');
    for (const source of reader.sources(opened, index)) {
      try {
        return { source, ciphertext: await read(source) };
      } catch (error) {
        if (!isOfContent(error)) throw error;
        failure = error;
      }
    }
    throw failure;
  };

  const publish = async (
    desk: DeskSession,
    { compartment, epoch }: CompartmentPlan,
    originals: readonly OriginalRange[],
    entries: readonly CommitEntry[],
    packed: readonly Uint8Array[],
    laidDown: readonly string[],
    check: () => void,
  ) => {
    const id = network.ofPatient(desk.patient);
    const pack = packed.length === 0 ? null : await ipfs.layOut(Buffer.concat(packed));
    check();
    const issuedAt = Math.floor(clock() / 1000);
    const parents = records.parents(compartment);
    const header: CommitHeader = {
      network: id,
      patient: desk.patient,
      compartment,
      author: desk.patient,
      epoch,
      issuedAt,
      parents,
      originals,
    };
    const kek = await keyring.of(desk).kek(compartment, epoch);
    check();
    if (!kek) {
      throw new AppError(
        'KEY_MISSING',
        'The present key of this part of the record has not arrived at this workstation yet. Nothing was changed; try again when connected.',
      );
    }
    // Nothing else happens from here to the end: what is signed is of the epoch that is in force.
    if (consents.epoch(desk.patient, compartment) !== epoch) {
      kek.fill(0);
      throw new EpochMoved();
    }
    const block = crypto.encodeCommit(header, pack?.cid ?? null, entries, kek);
    kek.fill(0);
    const payload = { patient: desk.patient, compartment, epoch, organization: zero32, commit: block.digest };
    const operation = signing.make('Commit', payload, 'Encrypt earlier records anew', desk.keys, { opId: block.digest });
    const blocks = [...(pack?.blocks ?? []), { cid: block.cid, bytes: block.bytes }];
    const cids = [...laidDown, ...blocks.map(({ cid }) => cid)];
    store.setSetting(unfinishedSetting, { cids, opId: block.digest } satisfies Unfinished);
    publisher.publish(blocks, [operation], refusedBefore(desk.patient, compartment));
  };

  /** Steps of an earlier run that the ledger refused because the epoch passed in the meantime: this takes their place. */
  const refusedBefore = (patient: string, compartment: string): string[] =>
    store
      .operations({ kinds: ['Commit'], patient, actor: patient, compartment, states: ['rejected'] })
      .filter(({ origin, rejectReason }) => origin === 'here' && rejectReason?.startsWith('EpochPassed'))
      .map(({ operation }) => operation.opId);

  const plansOf = async (patient: string, compartments: readonly string[]): Promise<CompartmentPlan[]> => {
    const found: CompartmentPlan[] = [];
    for (const compartment of compartments) found.push(await plans.of(patient, compartment));
    return found;
  };

  const sum = (all: readonly CompartmentPlan[], what: 'records' | 'later' | 'moved') => all.reduce((total, plan) => total + plan[what], 0);

  const work = async (job: Job): Promise<ReencryptionResult> => {
    const { desk, compartments } = job;
    const { patient } = desk;
    const check = () => {
      if (job.cancelled || sessions.desk() !== desk) throw new Stopped();
    };
    const since = clock();
    let done = 0;
    /** Records that are still to be moved, also those that cannot be read. A revocation in the meantime, or a further wish, makes them more. */
    const left = new Map<string, number>();
    const total = () => [...left.values()].reduce((all, records) => all + records, done);
    const tell = (now: number) =>
      facts.tell('progress', {
        ...{ job: `reencrypt:${patient}`, label: 'Encrypting earlier records anew' },
        ...{ done: Math.min(now, total()), total: total() },
      });
    const keep = () => keepRequest(patient, { compartments: [...compartments], since, done, total: total() });
    const countNew = async () => {
      for (const compartment of compartments)
        if (!left.has(compartment)) left.set(compartment, (await plans.of(patient, compartment)).records);
    };
    await countNew();
    keep();
    tell(0);
    /** What this run met and could not read: not tried again by it. */
    const passedOver = new Map<string, Set<string>>();
    for (;;) {
      for (const compartment of compartments) {
        const unreadable = passedOver.get(compartment) ?? new Set<string>();
        passedOver.set(compartment, unreadable);
        for (;;) {
          check();
          await countNew();
          // Asked again for each step: a revocation in the meantime has moved the epoch on.
          const plan = await plans.of(patient, compartment);
          left.set(compartment, plan.records);
          const ranges = nextStep(without(plan.ranges, unreadable));
          if (ranges.length === 0) break;
          const doneBefore = done;
          const told = (seen: number, isLarge: boolean) => (isLarge || seen % breath === 0) && tell(doneBefore + seen);
          try {
            const result = await takeStep(desk, plan, ranges, told, check);
            for (const name of result.unreadable) unreadable.add(name);
            done += result.moved;
            left.set(compartment, plan.records - result.moved);
          } catch (error) {
            if (!(error instanceof EpochMoved)) throw error;
          }
          tell(done);
          keep();
        }
      }
      // What was looked at first may have been left behind by a revocation since; then once more.
      const all = await plansOf(patient, [...compartments]);
      const isOpen = all.some((plan) => without(plan.ranges, passedOver.get(plan.compartment) ?? new Set()).length > 0);
      if (isOpen || all.length < compartments.size) continue;
      const unreadable = [...passedOver.values()].reduce((count, names) => count + names.size, 0);
      return { done, total: done + unreadable, unreadable, later: sum(all, 'later'), stopped: false };
    }
  };

  const finish = async (job: Job): Promise<ReencryptionResult> => {
    const { desk } = job;
    try {
      const result = await work(job);
      if (result.unreadable === 0 && result.later === 0) keepRequest(desk.patient, null);
      return result;
    } catch (error) {
      // With the desk closed under it, whatever the keys said then is no fault.
      if (!(error instanceof Stopped) && sessions.desk() === desk) throw error;
      const { done = 0, total = 0 } = requests()[desk.patient] ?? {};
      if (job.cancelled) keepRequest(desk.patient, null);
      return { done, total, unreadable: 0, later: 0, stopped: true };
    } finally {
      current = null;
      facts.tell('patientChanged', { patient: desk.patient });
    }
  };

  return {
    recover,
    async earlier(desk) {
      const names = keyring.of(desk).compartments;
      const all = await plansOf(desk.patient, [...names.keys()]);
      const request = requests()[desk.patient];
      const byCategory = all.flatMap(({ compartment, records: count, later }) => {
        const category = names.get(compartment);
        return category && count + later > 0 ? [{ category, records: count, later }] : [];
      });
      return {
        categories: byCategory.sort((a, b) => categories.indexOf(a.category) - categories.indexOf(b.category)),
        records: sum(all, 'records'),
        later: sum(all, 'later'),
        running: current?.job.desk.patient === desk.patient,
        interrupted: request && current?.job.desk.patient !== desk.patient ? { done: request.done, total: request.total } : null,
      };
    },
    async run(desk, wanted) {
      if (desk.keys.account !== desk.patient)
        throw new AppError('NOT_ALLOWED', 'Only the patient’s own card can have earlier records encrypted anew. Nothing was changed.');
      // One that was stopped, or whose desk was closed, is about to end.
      while (current && (current.job.cancelled || current.job.desk !== desk)) await current.result.catch(() => null);
      const names = keyring.of(desk).compartments;
      const chosen = [...names]
        .filter(([, category]) => wanted.length === 0 || wanted.includes(category))
        .map(([compartment]) => compartment);
      if (current) {
        for (const compartment of chosen) current.job.compartments.add(compartment);
        return current.result;
      }
      // What an interrupted request asked for is not forgotten by a smaller one.
      const compartments = new Set([...(requests()[desk.patient]?.compartments ?? []), ...chosen]);
      const job = { desk, compartments, cancelled: false };
      current = { job, result: finish(job) };
      return current.result;
    },
    cancel(patient) {
      if (current?.job.desk.patient === patient) current.job.cancelled = true;
      else keepRequest(patient, null);
    },
    interrupted: () =>
      Object.entries(requests()).flatMap(([patient, { since, done, total }]) =>
        current?.job.desk.patient === patient ? [] : [{ patient, since, done, total }],
      ),
  };
}
