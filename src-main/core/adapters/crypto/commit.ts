/**
 * The commit block (design: "Records"): who wrote when into which compartment, and where each record version lies. The header is
 * readable by whoever has the block; entries are sealed under the epoch's KEK and bound by their AAD to header, pack, position and
 * count, so that none can be moved, dropped, repeated or taken to another commit.
 *
 * A commit with `originals` holds no records of its own: it says where the contents of earlier commits lie now, encrypted anew by the patient
 * (ADR 11). Its entries are those of the ranges that it names, one behind the other.
 */
import type { AppError } from '../../../../src-shared/errors.ts';
import type { CommitEntry, CommitHeader, ContentLocation, DecodedCommit, EncodedBlock, OriginalRange } from '../../ports.ts';
import { toHex, zero } from './bytes.ts';
import { checkCid, decodeCbor, encodeBlock, encodeCbor, maxBlockBytes, parseCid } from './cbor.ts';
import { entryKey, openEntry, sealedEntryBytes, sealEntry } from './commit-entry.ts';
import { invalid, tampered, type Refuse } from './failures.ts';
import { sha256 } from './hashing.ts';
import { addressBytes, addressOf, bytes32, checkBytes, checkInteger, checkList, checkMap } from './shapes.ts';

const maxEntries = 2_000;
const maxParents = 64;
const maxOriginals = 2_000;
const maxUint32 = 0xffff_ffff;
/** Seconds and sizes: far beyond any real one, and exact in a double. */
const maxLarge = 2 ** 40;

const headerKeys = [
  'v',
  'type',
  'network',
  'patient',
  'compartment',
  'author',
  'epoch',
  'issuedAt',
  'parents',
  'originals',
  'pack',
] as const;

const refuseInput: Refuse = (what: string): AppError => invalid(`A commit cannot be made: its ${what} is not valid.`);

/** Header and pack in the block's binary form. */
function wireHeader(header: CommitHeader, pack: string | null, refuse: Refuse): Record<(typeof headerKeys)[number], unknown> {
  const parents = checkList(header.parents, maxParents, 'parents', refuse).map((parent) =>
    checkCid(parseCid(parent, refuse), refuse, 'dag-cbor'),
  );
  if (new Set(header.parents).size !== parents.length) throw refuse('parents');
  const originals = checkList(header.originals, maxOriginals, 'originals', refuse).map((range) =>
    wireRange(range as OriginalRange, refuse),
  );
  return {
    v: 1,
    type: 'commit',
    network: bytes32(header.network, 'network', refuse),
    patient: addressBytes(header.patient, 'patient', refuse),
    compartment: bytes32(header.compartment, 'compartment', refuse),
    author: addressBytes(header.author, 'author', refuse),
    epoch: checkInteger(header.epoch, maxUint32, 'epoch', refuse),
    issuedAt: checkInteger(header.issuedAt, maxLarge, 'issuedAt', refuse),
    parents,
    originals,
    pack: pack === null ? null : parseCid(pack, refuse),
  };
}

/** Entries of an earlier commit as [CID, first, count]. */
function wireRange({ commit, first, count }: OriginalRange, refuse: Refuse): unknown[] {
  if (checkInteger(count, maxEntries, 'originals', refuse) === 0) throw refuse('originals');
  return [checkCid(parseCid(commit, refuse), refuse, 'dag-cbor'), checkInteger(first, maxEntries - 1, 'originals', refuse), count];
}

function readRange(value: unknown): OriginalRange {
  const [commit, first, count, ...rest] = checkList(value, 3, 'originals', tampered);
  if (rest.length > 0) throw tampered('originals');
  const range = {
    commit: checkCid(commit, tampered, 'dag-cbor').toString(),
    first: checkInteger(first, maxEntries - 1, 'originals', tampered),
    count: checkInteger(count, maxEntries, 'originals', tampered),
  };
  if (range.count === 0) throw tampered('originals');
  return range;
}

/** A commit that holds contents of others has an entry for each of theirs, and no more. */
const checkCount = (originals: readonly OriginalRange[], entries: number, refuse: Refuse): void => {
  if (originals.length > 0 && originals.reduce((sum, { count }) => sum + count, 0) !== entries) throw refuse('originals');
};

/** A location as [offset, length] in the pack or [CID, length] of a file. */
function wireLocation(location: ContentLocation, pack: string | null, refuse: Refuse): unknown[] {
  const { pack: inPack, file } = location;
  if (inPack !== undefined && file === undefined && pack !== null) {
    return [checkInteger(inPack.offset, maxUint32, 'offset', refuse), checkInteger(inPack.length, maxUint32, 'length', refuse)];
  }
  if (file !== undefined && inPack === undefined)
    return [parseCid(file.cid, refuse), checkInteger(file.length, maxLarge, 'length', refuse)];
  throw refuse('location');
}

function readLocation(value: unknown, hasPack: boolean): ContentLocation {
  const [where, length, ...rest] = checkList(value, 2, 'location', tampered);
  if (rest.length > 0 || length === undefined) throw tampered('location');
  if (typeof where !== 'number')
    return { file: { cid: checkCid(where, tampered).toString(), length: checkInteger(length, maxLarge, 'length', tampered) } };
  if (!hasPack) throw tampered('location');
  return {
    pack: { offset: checkInteger(where, maxUint32, 'offset', tampered), length: checkInteger(length, maxUint32, 'length', tampered) },
  };
}

const entryAad = (headerDigest: Uint8Array, index: number, location: unknown[], size: number, count: number): Uint8Array =>
  encodeCbor([headerDigest, index, location, size, count]);

/** Builds the block. Throws INVALID_INPUT for a header or entry out of bounds, no entries or more than 2,000, or over 2 MiB. */
export function encodeCommit(header: CommitHeader, pack: string | null, entries: readonly CommitEntry[], kek: Uint8Array): EncodedBlock {
  if (entries.length === 0 || entries.length > maxEntries) throw invalid(`A commit holds 1 to ${maxEntries} records.`);
  if (new Set(entries.map((entry) => entry.versionId)).size !== entries.length) throw refuseInput('versionId');
  if (kek.length !== 32) throw refuseInput('key');
  const wire = wireHeader(header, pack, refuseInput);
  checkCount(header.originals, entries.length, refuseInput);
  const headerDigest = sha256(encodeCbor(wire));
  const key = entryKey(kek, headerDigest);
  const sealedEntries = entries.map((entry, index) => {
    const location = wireLocation(entry.location, pack, refuseInput);
    const size = checkInteger(entry.size, maxLarge, 'size', refuseInput);
    const sealed = sealEntry(key, entryAad(headerDigest, index, location, size, entries.length), entry, refuseInput);
    return { location, size, sealed };
  });
  zero(key);
  return encodeBlock({ ...wire, entries: sealedEntries });
}

/** Parses and bounds a commit block; entries stay sealed. Throws TAMPERED for anything not in canonical form. */
export function decodeCommit(bytes: Uint8Array): DecodedCommit {
  const block = checkMap(decodeCbor(bytes, maxBlockBytes, tampered), [...headerKeys, 'entries'], tampered);
  if (block.v !== 1 || block.type !== 'commit') throw tampered('block type');
  const parents = checkList(block.parents, maxParents, 'parents', tampered).map((parent) =>
    checkCid(parent, tampered, 'dag-cbor').toString(),
  );
  if (new Set(parents).size !== parents.length) throw tampered('parents');
  const pack = block.pack === null ? null : checkCid(block.pack, tampered).toString();
  const entries = checkList(block.entries, maxEntries, 'entries', tampered).map((value) => {
    const entry = checkMap(value, ['location', 'size', 'sealed'], tampered);
    return {
      location: readLocation(entry.location, pack !== null),
      size: checkInteger(entry.size, maxLarge, 'size', tampered),
      sealed: checkBytes(entry.sealed, sealedEntryBytes.min, 'sealed', tampered, sealedEntryBytes.max),
    };
  });
  if (entries.length === 0) throw tampered('entries');
  const originals = checkList(block.originals, maxOriginals, 'originals', tampered).map(readRange);
  checkCount(originals, entries.length, tampered);
  const header: CommitHeader = {
    network: toHex(checkBytes(block.network, 32, 'network', tampered)),
    patient: addressOf(checkBytes(block.patient, 20, 'patient', tampered)),
    compartment: toHex(checkBytes(block.compartment, 32, 'compartment', tampered)),
    author: addressOf(checkBytes(block.author, 20, 'author', tampered)),
    epoch: checkInteger(block.epoch, maxUint32, 'epoch', tampered),
    issuedAt: checkInteger(block.issuedAt, maxLarge, 'issuedAt', tampered),
    parents,
    originals,
  };
  return { header, pack, entries };
}

/** The key of this commit's entries alone: derived from KEK and header, so that whoever is given it can open nothing else. */
export function commitKey(commit: DecodedCommit, kek: Uint8Array): Uint8Array {
  return entryKey(kek, sha256(encodeCbor(wireHeader(commit.header, commit.pack, tampered))));
}

/** Opens the entries from `first` on, `count` of them. Throws TAMPERED, also where there are not so many. */
export function openSomeEntries(commit: DecodedCommit, kek: Uint8Array, first: number, count: number): CommitEntry[] {
  const headerDigest = sha256(encodeCbor(wireHeader(commit.header, commit.pack, tampered)));
  const key = entryKey(kek, headerDigest);
  try {
    const chosen = commit.entries.slice(first, first + count);
    if (chosen.length !== count) throw tampered('entries');
    return chosen.map(({ location, size, sealed }, i) => {
      const aad = entryAad(headerDigest, first + i, wireLocation(location, commit.pack, tampered), size, commit.entries.length);
      return { ...openEntry(key, aad, sealed), location, size };
    });
  } finally {
    zero(key);
  }
}

/** Opens all entries, in order. Throws TAMPERED, also for another epoch's or compartment's KEK. */
export function openEntries(commit: DecodedCommit, kek: Uint8Array): CommitEntry[] {
  const entries = openSomeEntries(commit, kek, 0, commit.entries.length);
  if (new Set(entries.map((entry) => entry.versionId)).size !== entries.length) throw tampered('versionId');
  return entries;
}
