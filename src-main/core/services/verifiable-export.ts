/**
 * A patient's records in one file that anybody can check without this workstation: records, commits as they are, a key for each commit, the signed
 * operations that say who wrote it and that they were allowed to, and where those stand on the ledger. Sealed by whoever makes it.
 * docs/verifiable-export.md describes the file; resources/verify-export checks it.
 */
import { AppError } from '../../../src-shared/errors.ts';
import { kindOf } from '../../../src-shared/operations.ts';
import type {
  CommitEntry,
  IpfsPort,
  OperationCodecPort,
  PersonKeys,
  RecordCryptoPort,
  StoredOperation,
  WorkstationStorePort,
} from '../ports.ts';
import { hexOf, utf8 } from './bytes.ts';
import { packLimit, type CommitReader, type KeysOf, type OpenedCommit } from './commit-reader.ts';
import { isOfContent, isUnreachable } from './content-errors.ts';
import { exportedOperations } from './export-operations.ts';
import type { FactBus } from './facts.ts';
import type { NetworkService } from './network.ts';
import { commitDigest } from './records.ts';

export interface VerifiableExport {
  readonly json: string;
  readonly records: number;
  readonly commits: number;
  /** Commits whose content is not here. */
  readonly missing: number;
}

export interface VerifiableExports {
  /**
   * `by` seals the file; `keysOf`: what whoever asks may use; commits without a key are left out. Reads from the peers what is not here.
   * Throws NOT_FOUND where there is nothing to export, FILE_TOO_LARGE, TAMPERED where a commit is not what was signed.
   */
  create(request: { readonly patient: string; readonly by: PersonKeys; readonly keysOf: KeysOf }): Promise<VerifiableExport>;
}

/** Characters of the file. A string in the core may have about twice as many. */
const maximumLength = 256 * 1024 * 1024;

export function createVerifiableExports(deps: {
  readonly store: WorkstationStorePort;
  readonly ipfs: IpfsPort;
  readonly crypto: RecordCryptoPort;
  readonly codec: OperationCodecPort;
  readonly reader: CommitReader;
  readonly network: NetworkService;
  readonly facts: FactBus;
  readonly clock: () => number;
  /** A block's hash from the ledger, for blocks older than those that are kept; null where it cannot be asked. */
  readonly blockHash: (block: number) => Promise<string | null>;
}): VerifiableExports {
  const { store, ipfs, crypto, codec, reader, network, facts, clock } = deps;

  /** One commit: its record versions in the order of its entries, and all blocks that they lie in. */
  const readCommit = async (stored: StoredOperation, keysOf: KeysOf, blocks: Map<string, Uint8Array>) => {
    const digest = commitDigest(stored.operation.payload);
    const opened = await reader.open(stored, keysOf);
    const own = new Map<string, Uint8Array>();
    own.set(crypto.cidOfDigest(digest), await ipfs.get(crypto.cidOfDigest(digest)));
    // Contents that were encrypted anew go with the commit of their author; the patient's commit only says where they lie.
    const isOriginal = opened.header.originals.length === 0;
    const { contents, files } = isOriginal ? await readContents(opened) : { contents: [], files: [] };
    for (const cid of files) {
      if (blocks.has(cid)) continue;
      const file = await ipfs.layOut(await ipfs.readFile(cid));
      if (file.cid !== cid) throw new AppError('TAMPERED', 'A stored file is laid out in another way than this workstation does it.');
      for (const block of file.blocks) own.set(block.cid, block.bytes);
    }
    for (const [cid, bytes] of own) blocks.set(cid, bytes);
    const records = contents.map((content, i) => {
      const { recordId, versionId, previous, resourceType } = opened.entries[i] as CommitEntry;
      return { commit: digest, recordId, versionId, previous, resourceType, content };
    });
    const key = crypto.commitKey(await reader.read(stored), opened.kek);
    const commit = { commit: digest, opId: stored.operation.opId, key: Buffer.from(key).toString('base64') };
    key.fill(0);
    for (const entry of opened.entries) entry.dek.fill(0);
    return { commit, records };
  };

  /** Texts in the order of the entries, and the files in which they lie now. */
  const readContents = async (opened: OpenedCommit): Promise<{ contents: string[]; files: string[] }> => {
    const read = reader.ciphertexts(opened);
    const files = new Set<string>();
    const contents: string[] = [];
    for (const index of opened.entries.keys()) {
      let failure: AppError | null = null;
      for (const source of reader.sources(opened, index)) {
        try {
          const { header, entry, pack } = source;
          const bytes = crypto.decryptContent(header, entry, entry.dek, await read(source), entry.size > packLimit);
          contents.push(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
          files.add(entry.location.file?.cid ?? pack ?? '');
          failure = null;
          break;
        } catch (error) {
          if (!isOfContent(error)) throw error;
          failure ??= error;
        }
      }
      if (failure) throw failure;
    }
    return { contents, files: [...files] };
  };

  /** A ledger that goes away meanwhile takes nothing from the file but the hashes of old blocks. */
  const askBlockHash = async (block: number): Promise<string | null> => {
    try {
      return await deps.blockHash(block);
    } catch (error) {
      if (error instanceof AppError) return null;
      throw error;
    }
  };

  const anchorsOf = async (operations: readonly StoredOperation[]) => {
    const hashes = new Map(store.followedBlocks(1_000_000).map(({ number, hash }) => [number, hash]));
    for (const block of new Set(operations.flatMap(({ block }) => block ?? []))) {
      const hash = hashes.get(block) ?? (await askBlockHash(block));
      if (hash === null) break;
      hashes.set(block, hash);
    }
    return operations.map((stored) => ({ ...plain(stored), anchor: anchorOf(stored, hashes) }));
  };

  /** Names of clinics and authors, so far as they are here. */
  const addProfiles = async (digests: readonly string[], blocks: Map<string, Uint8Array>) => {
    for (const cid of digests.map((digest) => crypto.cidOfDigest(digest)))
      if (ipfs.has(cid)) blocks.set(cid, await ipfs.get(cid, { offline: true }));
  };

  return {
    async create({ patient, by, keysOf }) {
      const { config } = network.require();
      const written: { stored: StoredOperation; compartment: string }[] = [];
      for (const stored of store.operations({ kinds: ['Commit'], patient })) {
        const decoded = codec.decodePayload(stored.operation);
        if (decoded.kind !== 'Commit' || stored.state === 'rejected') continue;
        const { compartment, epoch } = decoded.payload;
        const keks = await keysOf(compartment, epoch);
        if (keks.length > 0) written.push({ stored, compartment });
      }
      if (written.length === 0) throw new AppError('NOT_FOUND', 'There are no records to export: none that you may read is here.');
      const blocks = new Map<string, Uint8Array>();
      const commits: { commit: string; opId: string; key: string }[] = [];
      const records: { commit: string; content: string }[] = [];
      const missing: { commit: string; reason: string }[] = [];
      let length = 0;
      for (const [i, { stored }] of written.entries()) {
        try {
          const read = await readCommit(stored, keysOf, blocks);
          commits.push(read.commit);
          records.push(...read.records);
          // Text and its ciphertext in base64.
          length += read.records.reduce((sum, { content }) => sum + content.length * 2.5, 2048);
        } catch (error) {
          if (!(error instanceof AppError) || !isUnreachable(error)) throw error;
          missing.push({ commit: commitDigest(stored.operation.payload), reason: error.message });
        }
        if (length > maximumLength)
          throw new AppError('FILE_TOO_LARGE', 'These records are too large for one verifiable file (256 MB). Nothing was written.');
        facts.tell('progress', { job: `export:${patient}`, label: 'Reading the records', done: i + 1, total: written.length });
      }
      const compartments = new Set(written.map(({ compartment }) => compartment));
      const { operations, profiles } = exportedOperations(store, codec, {
        patient,
        sealedBy: by.account,
        commits: written.map(({ stored }) => stored),
        compartments,
      });
      await addProfiles(profiles, blocks);
      const [asOf] = store.followedBlocks(1);
      const content = {
        format: 'anamnesis-verifiable-export',
        version: 2,
        network: { chainId: config.chainId, operations: config.operations },
        patient,
        createdAt: Math.floor(clock() / 1000),
        asOf: asOf ? { block: asOf.number, hash: asOf.hash } : null,
        operations: await anchorsOf(operations),
        commits,
        records,
        missing,
        blocks: Object.fromEntries([...blocks].map(([cid, bytes]) => [cid, Buffer.from(bytes).toString('base64')])),
      };
      const text = `Anamnesis verifiable export\nsha256: ${hexOf(crypto.sha256(utf8(canonicalJson(content))))}`;
      const seal = { account: by.account, signature: by.sign(codec.messageDigest(text)) };
      const json = `${JSON.stringify({ export: content, seal }, null, 1)}\n`;
      return { json, records: records.length, commits: commits.length, missing: missing.length };
    },
  };
}

/** An operation with its kind by name, and the domain of the network in which it was signed where that is a predecessor of this one. */
function plain({ operation, predecessor }: StoredOperation) {
  const { kind, opId, actor, issuedAt, deadline, payload, signatures } = operation;
  return { kind: kindOf(kind), opId, actor, issuedAt, deadline, payload: payload.toLowerCase(), signatures, predecessor };
}

function anchorOf({ block, logIndex, txHash }: StoredOperation, hashes: ReadonlyMap<number, string>) {
  if (block === null || logIndex === null || txHash === null) return null;
  return { block, blockHash: hashes.get(block)?.toLowerCase() ?? null, transaction: txHash, logIndex };
}

/** JSON in the form of RFC 8785 (JCS): keys in order, no white space. Our numbers are integers, whose form JSON.stringify's is. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonicalJson(inner)}`).join(',')}}`;
}
