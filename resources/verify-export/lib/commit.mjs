/**
 * Commit blocks and the contents they name: decoded strictly, opened with the commit's own key, each content with its own. The formats are those of
 * the workstation (src-main/core/adapters/crypto), written down here a second time so that this program shares nothing with it.
 */
import { createDecipheriv, createHmac } from 'node:crypto';
import * as dagCbor from '@ipld/dag-cbor';
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { bytesOf, cidOf, concat, equal, fail, hexOf, readCid, sha256, utf8 } from './bytes.mjs';

/** Plaintexts above this are chunked. */
const packLimit = 64 * 1024;
const maxFileBytes = 512 * 1024 * 1024;

/** Canonical DAG-CBOR: what does not encode to the same bytes again has no one meaning. */
function decode(bytes, what) {
  try {
    const value = dagCbor.decode(bytes);
    if (equal(dagCbor.encode(value), bytes)) return value;
  } catch {
    // The same fault for the reader.
  }
  return fail(`${what} is not in canonical form`);
}

const headerKeys = ['v', 'type', 'network', 'patient', 'compartment', 'author', 'epoch', 'issuedAt', 'parents', 'originals', 'pack'];

/** The header of a commit block, its sealed entries, and the digest that the entries are bound to. */
export function readCommit(bytes) {
  const block = decode(bytes, 'the commit');
  if (block === null || typeof block !== 'object' || block.v !== 1 || block.type !== 'commit' || !Array.isArray(block.entries))
    fail('the commit is none');
  const header = Object.fromEntries(headerKeys.map((key) => [key, block[key]]));
  const link = (cid) => readCid(cid.bytes).text;
  try {
    return {
      network: hexOf(block.network),
      patient: hexOf(block.patient),
      compartment: hexOf(block.compartment),
      author: hexOf(block.author),
      epoch: block.epoch,
      issuedAt: block.issuedAt,
      parents: block.parents.map(link),
      originals: block.originals.map(([commit, first, count]) => ({ commit: link(commit), first, count })),
      pack: block.pack === null ? null : readCid(block.pack.bytes),
      entries: block.entries,
      headerDigest: sha256(dagCbor.encode(header)),
    };
  } catch {
    return fail('the commit has not the form of one');
  }
}

/** Opens the entries with the commit's key. An entry that was changed, moved, dropped or repeated does not open. */
export function openEntries(commit, key) {
  return commit.entries.map(({ location, size, sealed }, i) => {
    const aad = dagCbor.encode([commit.headerDigest, i, location, size, commit.entries.length]);
    let padded;
    try {
      padded = xchacha20poly1305(key, sealed.subarray(0, 24), aad).decrypt(sealed.subarray(24));
    } catch {
      fail(`entry ${i + 1} does not open: the entry or its key was changed`);
    }
    const { recordId, versionId, previous, resourceType, contentDigest, dek } = decode(
      padded.subarray(0, padded.lastIndexOf(0x80)),
      'an entry',
    );
    return { recordId, versionId, previous, resourceType, contentDigest, dek, location, size };
  });
}

/** The plaintext of one entry, read from the file's blocks. `block(cid)` returns checked bytes, or fails where they are missing. */
export function readContent(commit, entry, block) {
  const [where, length] = entry.location;
  const aad = dagCbor.encode([
    bytesOf(commit.network, 32),
    bytesOf(commit.patient, 20),
    bytesOf(commit.compartment, 32),
    entry.recordId,
    entry.versionId,
    entry.resourceType,
  ]);
  if (typeof where !== 'number') return open(entry, aad, readFile(readCid(where.bytes), block));
  if (commit.pack === null) fail('the commit does not say where a record lies');
  return open(entry, aad, readFile(commit.pack, block).subarray(where, where + length));
}

/** CID of the file that an entry's content lies in. */
export function fileOf(commit, { location: [where] }) {
  return typeof where === 'number' ? (commit.pack?.text ?? '') : readCid(where.bytes).text;
}

/** A salt of 32 bytes lies in front of the content; the entry has the SHA-256 of both. */
function open(entry, aad, ciphertext) {
  const salted = entry.size > packLimit ? openChunks(entry.dek, aad, ciphertext) : openPiece(entry.dek, aad, ciphertext);
  if (!equal(sha256(salted), entry.contentDigest)) fail('a content is not the one that was signed');
  return salted.length === entry.size + 32 ? salted.subarray(32) : fail('a content has not the length that was signed');
}

function openPiece(key, aad, ciphertext) {
  try {
    return xchacha20poly1305(key, ciphertext.subarray(0, 24), aad).decrypt(ciphertext.subarray(24));
  } catch {
    return fail('a content was changed, or belongs to another record');
  }
}

/** C2SP chunked encryption, Cobblestone-256: salt (24) | commitment (32) | AES-256-GCM chunks of 16 KiB, the last one shorter. */
function openChunks(key, context, ciphertext) {
  const salt = ciphertext.subarray(0, 24);
  const info = concat(utf8('c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0'), salt, context);
  const mac = (...parts) =>
    createHmac('sha512', key)
      .update(concat(...parts))
      .digest();
  const first = mac(info, [1]);
  const material = concat(first, mac(first, info, [2]));
  if (!equal(material.subarray(44, 76), ciphertext.subarray(24, 56))) fail('a content does not belong to its key');
  const plaintext = [];
  const sealed = 16 * 1024 + 16;
  for (let index = 0, at = 56; ; index++, at += sealed) {
    const chunk = ciphertext.subarray(at, at + sealed);
    if (chunk.length < 16) fail('a content was cut off');
    const nonce = Buffer.from(material.subarray(32, 44));
    nonce.writeUInt32BE((nonce.readUInt32BE(8) ^ index) >>> 0, 8);
    const decipher = createDecipheriv('aes-256-gcm', material.subarray(0, 32), nonce, { authTagLength: 16 });
    decipher.setAuthTag(chunk.subarray(-16));
    plaintext.push(decipher.update(chunk.subarray(0, -16)));
    try {
      decipher.final();
    } catch {
      fail('a content was changed, or belongs to another record');
    }
    if (chunk.length < sealed) return concat(...plaintext);
  }
}

/** A UnixFS file: one raw block, or a tree of dag-pb nodes over raw blocks. */
function readFile(cid, block, budget = { left: maxFileBytes, depth: 8 }) {
  const bytes = block(cid.text);
  if (cid.codec === 0x55) {
    budget.left -= bytes.length;
    return budget.left < 0 ? fail('a file is larger than it may be') : bytes;
  }
  if (cid.codec !== 0x70 || budget.depth === 0) fail('a file has not the form of one');
  // PBNode: field 2 links, each with field 1 the CID (https://ipld.io/specs/codecs/dag-pb/spec/).
  const links = fields(bytes).filter(([number]) => number === 2);
  const parts = links.map(([, link]) => {
    const hash = fields(link).find(([number]) => number === 1)?.[1];
    const inner = { left: budget.left, depth: budget.depth - 1 };
    const part = readFile(readCid(hash ?? new Uint8Array()), block, inner);
    budget.left = inner.left;
    return part;
  });
  return concat(...parts);
}

/** Length-delimited fields of a protobuf message, in order; numbers are passed over. */
function fields(bytes) {
  const found = [];
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = bytes[at++] ?? fail('a file has not the form of one');
      value += (byte & 127) * shift;
      if (byte < 128) return value;
      if (shift > 2 ** 42) fail('a file has not the form of one');
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    if ((tag & 7) === 0) varint();
    else if ((tag & 7) === 2) {
      const length = varint();
      if (at + length > bytes.length) fail('a file has not the form of one');
      found.push([tag >> 3, bytes.subarray(at, (at += length))]);
    } else fail('a file has not the form of one');
  }
  return found;
}

/** The name in a profile block (a public fact about a clinic or a member of its staff). */
export function readProfile(bytes) {
  const { name } = decode(bytes, 'a profile');
  return typeof name === 'string' && name.length <= 200 ? name : fail('a profile has no name');
}

export const commitCid = (digest) => cidOf(0x71, bytesOf(digest, 32, 'digest'));
