/**
 * The four checks of a record (design section 5): its content matches its CID, its commit matches its anchor, the signature is the author's, and the
 * author held write consent when it was anchored. Nothing here trusts the index: blocks are read and hashed again.
 */
import { AppError } from '../../../src-shared/errors.ts';
import type { CheckResult, RecordState, VerifyReport } from '../../../src-shared/view-types.ts';
import type { OperationCodecPort, RecordCryptoPort, StoredOperation, WorkstationStorePort } from '../ports.ts';
import type { CommitReader, KeysOf } from './commit-reader.ts';
import { isOfContent, isUnreachable } from './content-errors.ts';
import type { Consents } from './consents.ts';
import type { Directory } from './directory.ts';
import type { NetworkService } from './network.ts';
import { commitDigest } from './records.ts';
import type { ReencryptionCheck } from './reencryption-check.ts';
import { explainRefusal } from './sync/refusals.ts';

export interface CommitVerdict {
  readonly content: CheckResult;
  readonly anchor: CheckResult;
  readonly signature: CheckResult;
  readonly consent: CheckResult;
  readonly chip: RecordState['chip'];
  readonly reason: string | null;
  readonly records: number;
  /** CIDs of the commits that this one follows; none where its block is not here. */
  readonly parents: readonly string[];
  /** Its contents were encrypted anew under a key that the reader does not hold. */
  readonly lockedSince: boolean;
  /** Entries whose content is bad, by version id. */
  readonly badVersions: ReadonlyMap<string, { readonly recordId: string; readonly reason: string }>;
}

/** A report without what only a person at the screen has: names and titles. */
export interface PatientVerdict extends Pick<VerifyReport, 'records' | 'verified' | 'waiting' | 'notShared'> {
  readonly failures: readonly (Pick<VerifyReport['failures'][number], 'commit' | 'recordId' | 'check' | 'text'> & {
    readonly operation: StoredOperation;
  })[];
}

export interface Verification {
  /** Reads everything of the commit again, with the keys that the reader holds. */
  verify(operation: StoredOperation, keysOf: KeysOf, offline: boolean): Promise<CommitVerdict>;
  /** What is known of a record version without reading anything. */
  state(opId: string, versionId: string): RecordState;
  /** All commits of a patient that these keys open. `offline`: looks at nothing that is not held here. */
  verifyPatient(
    patient: string,
    keysOf: KeysOf,
    offline: boolean,
    onProgress?: (done: number, total: number) => void,
  ): Promise<PatientVerdict>;
  invalidate(): void;
}

const ok = (text: string): CheckResult => ({ ok: true, text });
const bad = (text: string): CheckResult => ({ ok: false, text });
const open = (text: string): CheckResult => ({ ok: null, text });

export function createVerification(deps: {
  readonly store: WorkstationStorePort;
  readonly codec: OperationCodecPort;
  readonly crypto: Pick<RecordCryptoPort, 'cidOfDigest'>;
  readonly reader: CommitReader;
  readonly reencryptionCheck: ReencryptionCheck;
  readonly consents: Consents;
  readonly directory: Pick<Directory, 'signedBy'>;
  readonly network: NetworkService;
}): Verification {
  const { store, codec, crypto, reader, consents, directory, network } = deps;
  /** Verdicts of commits that were checked since the start, by opId; dropped when the operation's place on the ledger changes. */
  const verdicts = new Map<string, { readonly at: string; readonly verdict: CommitVerdict }>();
  const place = (o: StoredOperation) =>
    `${o.state === 'rejected' ? 'rejected' : (o.block ?? (isShared(o) ? 'shared' : 'waiting'))}/${o.txHash ?? ''}`;

  const checkSignature = (operation: StoredOperation): CheckResult => {
    const { signatures, ...unsigned } = operation.operation;
    const signer = codec.recover(codec.digest(operation.predecessor ?? network.require().config, unsigned), signatures[0] ?? '0x');
    return signer !== null && directory.signedBy(unsigned.actor, signer, operation)
      ? ok("The signature is the author's.")
      : bad('The signature is not the author’s: this was not written by the person it names.');
  };

  const checkContent = async (operation: StoredOperation, keysOf: KeysOf, offline: boolean) => {
    const none = new Map<string, { recordId: string; reason: string }>();
    try {
      const { header } = await reader.read(operation, { offline });
      if ((await keysOf(header.compartment, header.epoch)).length === 0) {
        const content = open('The key for this record is not here, so its content cannot be checked.');
        return { content, records: 0, parents: header.parents, badVersions: none };
      }
      if (header.originals.length > 0) {
        const count = await deps.reencryptionCheck.check(operation, keysOf, { offline });
        const content = ok(`The contents of ${count} earlier records lie here, encrypted anew; each is what its author signed.`);
        return { content, records: 0, parents: header.parents, badVersions: none };
      }
      const commit = await reader.open(operation, keysOf, { offline });
      const contents = await reader.contents(commit, { offline });
      const badVersions = new Map(none);
      let unavailable = 0;
      let locked = 0;
      contents.forEach((content, i) => {
        const entry = commit.entries[i];
        if (!(content instanceof AppError) || !entry) return;
        if (isUnreachable(content)) unavailable += 1;
        if (content.code === 'KEY_MISSING') locked += 1;
        badVersions.set(entry.versionId, { recordId: entry.recordId, reason: content.message });
      });
      const records = commit.entries.length;
      const { parents } = commit.header;
      if (badVersions.size === 0)
        return { content: ok('The content is what was signed, to the last byte.'), records, parents, badVersions };
      if (locked === records) {
        const content = open('The patient had this encrypted anew since, under a key that is not shared with you.');
        return { content, records, parents, badVersions, lockedSince: true };
      }
      const text = `${badVersions.size} of ${records} records ${unavailable === badVersions.size ? 'are not here yet' : 'do not match what was signed'}.`;
      return { content: unavailable === badVersions.size ? open(text) : bad(text), records, parents, badVersions };
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      // A disk that fails here is no fault of whoever wrote it.
      if (!isOfContent(error) || isUnreachable(error)) return { content: open(error.message), records: 0, parents: [], badVersions: none };
      const anchor = error.details['check'] === 'anchor' ? bad(error.message) : undefined;
      return {
        content: anchor ? open('Not looked at, because the commit does not match its anchor.') : bad(error.message),
        anchor,
        records: 0,
        parents: [],
        badVersions: none,
      };
    }
  };

  const checkAnchor = (operation: StoredOperation): CheckResult => {
    if (operation.state === 'rejected') return bad(explainRefusal(operation.rejectReason));
    if (operation.block === null) return open('Saved here; not anchored yet.');
    return ok(`Anchored in block ${operation.block}; the commit is the one that was signed.`);
  };

  const checkConsent = (operation: StoredOperation): CheckResult => {
    const decoded = codec.decodePayload(operation.operation);
    if (decoded.kind !== 'Commit') return bad('This operation is no commit.');
    const { patient, compartment, organization } = decoded.payload;
    const when = operation.block === null ? 'now' : 'when it was anchored';
    return consents.heldWrite(operation, patient, compartment, organization)
      ? ok(`The author was allowed to write ${when}.`)
      : bad(`The author was not allowed to write ${when}.`);
  };

  const verify = async (operation: StoredOperation, keysOf: KeysOf, offline: boolean): Promise<CommitVerdict> => {
    const checked = { anchor: undefined, lockedSince: false, ...(await checkContent(operation, keysOf, offline)) };
    const { content, anchor: mismatch, records, parents, lockedSince, badVersions } = checked;
    const anchor = mismatch ?? checkAnchor(operation);
    const signature = checkSignature(operation);
    const consent = checkConsent(operation);
    const failed = [signature, mismatch ?? content, anchor, consent].find((check) => check.ok === false);
    const chip = chipOf(operation, { content, anchor: mismatch, signature, consent });
    const reason = failed?.text ?? (chip === 'unavailable' ? content.text : null);
    const verdict = { content, anchor, signature, consent, chip, reason, records, parents, lockedSince, badVersions };
    verdicts.set(operation.operation.opId, { at: place(operation), verdict });
    return verdict;
  };

  const known = (operation: StoredOperation): CommitVerdict | null => {
    const entry = verdicts.get(operation.operation.opId);
    return entry && entry.at === place(operation) ? entry.verdict : null;
  };

  return {
    verify,
    state(opId, versionId) {
      const operation = store.operation(opId);
      if (!operation)
        return { chip: 'tampered', block: null, final: false, reason: 'The signed operation of this record is not known here.' };
      const verdict = known(operation);
      const badVersion = verdict?.badVersions.get(versionId);
      const chip =
        badVersion && verdict
          ? verdict.chip
          : verdict && verdict.badVersions.size > 0 && isContentOnly(verdict)
            ? 'verified'
            : (verdict?.chip ?? chipOf(operation, {}));
      return {
        chip,
        block: operation.block,
        final: operation.state === 'final',
        reason: badVersion?.reason ?? (chip === 'verified' ? null : (verdict?.reason ?? rejectionOf(operation))),
      };
    },
    async verifyPatient(patient, keysOf, offline, onProgress) {
      const commits = store.operations({ kinds: ['Commit'], patient });
      const known = new Set(commits.map(({ operation }) => crypto.cidOfDigest(commitDigest(operation.payload))));
      const failures: PatientVerdict['failures'][number][] = [];
      const count = { records: 0, verified: 0, waiting: 0, notShared: 0 };
      for (const [i, operation] of commits.entries()) {
        onProgress?.(i, commits.length);
        const decoded = codec.decodePayload(operation.operation);
        if (decoded.kind !== 'Commit') continue;
        const { compartment, epoch, commit } = decoded.payload;
        // Commits of compartments that are not shared with the reader are not theirs to check.
        if ((await keysOf(compartment, epoch)).length === 0) {
          count.notShared += 1;
          continue;
        }
        const verdict = await verify(operation, keysOf, offline);
        if (verdict.lockedSince) {
          count.notShared += 1;
          continue;
        }
        count.records += verdict.records;
        if (verdict.chip === 'verified') count.verified += verdict.records - verdict.badVersions.size;
        else if (verdict.chip === 'saved' || verdict.chip === 'shared' || verdict.chip === 'anchored') count.waiting += verdict.records;
        const add = (check: PatientVerdict['failures'][number]['check'], text: string, recordId: string | null = null) =>
          failures.push({ commit, recordId, check, text, operation });
        for (const check of ['content', 'anchor', 'signature', 'consent'] as const) {
          if (verdict[check].ok === false) add(check, verdict[check].text);
        }
        if (verdict.chip === 'unavailable') add('unavailable', verdict.content.text);
        else for (const { recordId, reason } of verdict.badVersions.values()) add('content', reason, recordId);
        for (const parent of verdict.parents) {
          if (!known.has(parent)) add('withheld', `It says that it follows the commit ${parent}, which is not known here.`);
        }
      }
      onProgress?.(commits.length, commits.length);
      return { ...count, failures };
    },
    invalidate: () => verdicts.clear(),
  };
}

/** Whether another computer of the clinic holds it too: it brought it, or said so. */
const isShared = (o: StoredOperation) => o.published || o.origin === 'peer';

const isContentOnly = (v: CommitVerdict) => v.anchor.ok === true && v.signature.ok === true && v.consent.ok === true;

const rejectionOf = (o: StoredOperation) => (o.state === 'rejected' ? explainRefusal(o.rejectReason) : null);

/** One word for a record's state; a check that has not been made counts as neither. */
function chipOf(
  operation: StoredOperation,
  checks: Partial<Record<'content' | 'anchor' | 'signature' | 'consent', CheckResult | undefined>>,
): RecordState['chip'] {
  if (checks.signature?.ok === false || checks.anchor?.ok === false || checks.content?.ok === false) return 'tampered';
  if (operation.state === 'rejected' || checks.consent?.ok === false) return 'refused';
  if (checks.content?.ok === null) return 'unavailable';
  if (operation.block === null) return isShared(operation) ? 'shared' : 'saved';
  return checks.content?.ok && checks.signature?.ok && checks.consent?.ok ? 'verified' : 'anchored';
}
