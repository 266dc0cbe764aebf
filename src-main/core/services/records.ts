/**
 * Saving records: one commit per patient and compartment (design section 5). Contents are encrypted under their own DEKs, the small ones packed into
 * one file; the commit block names them with everything sealed under the epoch's KEK; the author's signed operation carries the commit's digest.
 */
import { categoryTitles, type Category } from '../../../src-shared/categories.ts';
import { AppError } from '../../../src-shared/errors.ts';
import type { SavedRecords } from '../../../src-shared/view-types.ts';
import type {
  AccountIndexPort,
  CommitEntry,
  CommitHeader,
  ContentLocation,
  EncodedFileBlock,
  IpfsPort,
  PersonKeys,
  RecordCryptoPort,
  RecordRow,
  RecordVersion,
  WorkstationStorePort,
} from '../ports.ts';
import { utf8, zero32 } from './bytes.ts';
import type { Consents } from './consents.ts';
import { keyInForce } from './epoch-keys.ts';
import type { NetworkService } from './network.ts';
import type { PreparedOperation, Signing } from './signing.ts';
import { recordRow } from './record-rows.ts';

/** Largest number of record versions in one commit (the block stays below what bitswap carries). */
export const maximumCommitEntries = 2000;
/** Plaintexts up to this size lie together in the commit's pack. */
const packLimit = 64 * 1024;

export interface RecordToSave extends RecordVersion {
  readonly category: Category;
  /** The FHIR resource exactly as it is kept. */
  readonly json: string;
}

/** A record as an index takes it in: its row, and the resource that the row was made from. */
export interface TakenRecord extends RecordRow {
  readonly json: string;
}

export interface PreparedCommit {
  readonly operation: PreparedOperation;
  readonly blocks: readonly EncodedFileBlock[];
  readonly commit: string;
  readonly rows: readonly TakenRecord[];
}

export interface CommitRequest {
  readonly patient: string;
  readonly category: Category;
  readonly compartment: string;
  readonly epoch: number;
  readonly kek: Uint8Array;
  /** '' directly or as the patient, otherwise the organization through which the author may write. */
  readonly through: string;
  readonly author: PersonKeys;
  readonly records: readonly RecordToSave[];
}

export interface Records {
  /** Encrypts and signs; nothing is stored yet. */
  prepare(request: CommitRequest): Promise<PreparedCommit>;
  /** Prepares the commits of records of any categories, checking consent and keys. Throws CONSENT_MISSING, KEY_MISSING. */
  prepareAll(author: PersonKeys, index: AccountIndexPort, patient: string, records: readonly RecordToSave[]): Promise<PreparedCommit[]>;
  /** CIDs of the commits that one written now follows. */
  parents(compartment: string): string[];
  /** Categories among these that an author may not write, or has no key for. */
  missing(author: string, index: AccountIndexPort, patient: string, categories: readonly Category[]): Category[];
}

export function savedRecords(commits: readonly PreparedCommit[]): SavedRecords {
  return {
    records: commits.flatMap((c) =>
      c.rows.map(({ recordId, versionId, resourceType, title }) => ({ recordId, versionId, resourceType, title })),
    ),
    operations: commits.map((c) => c.operation.operation.opId),
  };
}

/** How long a save waits for a key that is on its way. */
const keyWaitMs = 10_000;

export function createRecords(deps: {
  readonly store: WorkstationStorePort;
  readonly ipfs: IpfsPort;
  readonly crypto: RecordCryptoPort;
  readonly consents: Consents;
  readonly signing: Signing;
  readonly network: NetworkService;
  readonly clock: () => number;
  /** Resolves when the keys that are here have been opened. */
  readonly keysOpened: () => Promise<void>;
}): Records {
  const { store, ipfs, crypto, consents, signing, network, clock } = deps;

  const parentsOf = (compartment: string): string[] => {
    // Never one that the ledger refused: to everybody else it would look like one that is withheld from them.
    const states = ['pending', 'submitted', 'mined', 'final'] as const;
    const [last] = store.operations({ kinds: ['Commit'], compartment, states, order: 'seq', descending: true, limit: 1 });
    return last ? [crypto.cidOfDigest(commitDigest(last.operation.payload))] : [];
  };

  const prepare = async (request: CommitRequest): Promise<PreparedCommit> => {
    const header: CommitHeader = {
      network: network.ofPatient(request.patient),
      patient: request.patient,
      compartment: request.compartment,
      author: request.author.account,
      epoch: request.epoch,
      issuedAt: Math.floor(clock() / 1000),
      parents: parentsOf(request.compartment),
      originals: [],
    };
    const { pack, entries, blocks } = await layOutContents(header, request.records);
    const block = crypto.encodeCommit(header, pack, entries, request.kek);
    for (const entry of entries) entry.dek.fill(0);
    const payload = {
      patient: request.patient,
      compartment: request.compartment,
      epoch: request.epoch,
      organization: request.through === '' ? zero32 : request.through,
      commit: block.digest,
    };
    const label = `Save ${entries.length === 1 ? 'a record' : `${entries.length} records`}`;
    const operation = signing.make('Commit', payload, label, request.author, { opId: block.digest });
    const context = {
      patient: request.patient,
      author: request.author.account,
      commit: block.digest,
      opId: operation.operation.opId,
      // Its place among the operations is known when it has been published.
      position: 0,
    };
    const rows = request.records.map((record) => ({ ...recordRow(record, record.json, record.category, context), json: record.json }));
    return { operation, blocks: [...blocks, { cid: block.cid, bytes: block.bytes }], commit: block.digest, rows };
  };

  const layOutContents = async (header: CommitHeader, records: readonly RecordToSave[]) => {
    const entries: CommitEntry[] = [];
    const blocks: EncodedFileBlock[] = [];
    const packed: Uint8Array[] = [];
    let offset = 0;
    for (const record of records) {
      const plaintext = utf8(record.json);
      const { recordId, versionId, previous, resourceType } = record;
      const version = { recordId, versionId, previous, resourceType };
      const { ciphertext, dek, contentDigest } = crypto.encryptContent(header, version, plaintext);
      let location: ContentLocation;
      if (plaintext.length <= packLimit) {
        location = { pack: { offset, length: ciphertext.length } };
        packed.push(ciphertext);
        offset += ciphertext.length;
      } else {
        const file = await ipfs.layOut(ciphertext);
        blocks.push(...file.blocks);
        location = { file: { cid: file.cid, length: ciphertext.length } };
      }
      entries.push({ ...version, contentDigest, location, size: plaintext.length, dek });
    }
    if (packed.length === 0) return { pack: null, entries, blocks };
    const file = await ipfs.layOut(Buffer.concat(packed));
    blocks.push(...file.blocks);
    return { pack: file.cid, entries, blocks };
  };

  /** The compartment of a category, its current epoch and key, and through what the author may write it. */
  const target = (author: string, index: AccountIndexPort, patient: string, category: Category) => {
    // The account as it is written everywhere: the store finds it in any case, and records under another spelling would be in no chart.
    const keks = index.keks({ patient }).filter((kek) => kek.category === category && kek.patient === patient);
    const at = Math.floor(clock() / 1000);
    // A recovered patient may have two of a category, one from before that was brought back.
    const places = [...new Set(keks.map((kek) => kek.compartment))].flatMap((compartment) => {
      const through = consents.writesThrough(patient, compartment, author, at);
      return through === null ? [] : [{ compartment, through }];
    });
    const [place] = places;
    if (!place) return 'CONSENT_MISSING' as const;
    const { compartment, through } = place;
    const held = keks.filter((kek) => kek.compartment === compartment);
    const key = keyInForce(crypto, consents.of(patient).get(compartment), held);
    if (!key) return 'KEY_MISSING' as const;
    return { compartment, epoch: key.epoch, kek: key.kek, through };
  };

  return {
    prepare,
    parents: parentsOf,
    missing: (author, index, patient, categories) =>
      categories.filter((category) => typeof target(author, index, patient, category) === 'string'),
    async prepareAll(author, index, patient, records) {
      const byCategory = new Map<Category, RecordToSave[]>();
      for (const record of records) {
        const group = byCategory.get(record.category);
        if (group) group.push(record);
        else byCategory.set(record.category, [record]);
      }
      const find = (category: Category) => target(author.account, index, patient, category);
      // Right after a log-in the new key may lie here, not opened yet.
      if ([...byCategory.keys()].some((category) => find(category) === 'KEY_MISSING'))
        await Promise.race([deps.keysOpened(), new Promise((resolve) => setTimeout(resolve, keyWaitMs).unref())]);
      const targets = [...byCategory].map(([category, group]) => {
        const found = find(category);
        if (typeof found === 'string') throw refused(found, category);
        return { category, group, found };
      });
      const commits: PreparedCommit[] = [];
      for (const { category, group, found } of targets) {
        for (let start = 0; start < group.length; start += maximumCommitEntries) {
          const part = group.slice(start, start + maximumCommitEntries);
          commits.push(await prepare({ patient, category, ...found, author, records: part }));
        }
      }
      return commits;
    },
  };
}

/** The commit's digest is the last field of the operation's payload (five static words). */
export function commitDigest(payload: string): string {
  return `0x${payload.slice(-64).toLowerCase()}`;
}

function refused(code: 'CONSENT_MISSING' | 'KEY_MISSING', category: Category): AppError {
  const text =
    code === 'CONSENT_MISSING'
      ? `The patient has not allowed you to write in “${categoryTitles[category]}”. What you typed is kept; ask the patient to share this category with you.`
      : `The patient's key for “${categoryTitles[category]}” has changed and its new one has not arrived here yet. What you typed is kept; try again when the workstation is connected.`;
  return new AppError(code, text, { category });
}
