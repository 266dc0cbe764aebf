import * as dagCbor from '@ipld/dag-cbor';
import fc from 'fast-check';
import { CID } from 'multiformats/cid';
import { describe, expect, it } from 'vitest';
import type { CommitEntry, DecodedCommit } from '../../../src-main/core/ports.ts';
import { author, cidOf, codeOf, entriesOf, flipped, header, hex32, pack, recordCrypto, version } from './samples.ts';

const kek = new Uint8Array(32).fill(8);
const entries = entriesOf(3);
const block = recordCrypto.encodeCommit(header, pack, entries, kek);
const decoded = recordCrypto.decodeCommit(block.bytes);

/** The block with its decoded value changed, written canonically again. */
const rewritten = (change: (value: Record<string, unknown>) => void): Uint8Array => {
  const value = dagCbor.decode<Record<string, unknown>>(block.bytes);
  change(value);
  return dagCbor.encode(value);
};

describe('a commit block', () => {
  it('gives back header, pack and entries', () => {
    expect(decoded.header).toEqual(header);
    expect(decoded.pack).toBe(pack);
    expect(recordCrypto.openEntries(decoded, kek)).toEqual(entries);
  });

  it('has the digest and CID of its bytes', () => {
    expect(block.digest).toBe(`0x${Buffer.from(recordCrypto.sha256(block.bytes)).toString('hex')}`);
    expect(recordCrypto.digestOfCid(block.cid)).toBe(block.digest);
    expect(recordCrypto.cidOfDigest(block.digest)).toBe(block.cid);
    expect(CID.parse(block.cid).code).toBe(dagCbor.code);
  });

  it('shows neither record ids nor resource types nor keys', () => {
    const text = Buffer.from(block.bytes).toString('latin1');
    for (const hidden of [version.recordId, 'Observation', 'version-1', Buffer.from(entries[0]?.dek ?? []).toString('latin1')])
      expect(text).not.toContain(hidden);
  });

  it('does not tell the resource type by the length of an entry', () => {
    const lengthOf = (resourceType: string): number => {
      const only = recordCrypto.encodeCommit(header, pack, [{ ...(entries[0] as CommitEntry), resourceType }], kek);
      return recordCrypto.decodeCommit(only.bytes).entries[0]?.sealed.length ?? 0;
    };
    expect(lengthOf('Goal')).toBe(lengthOf('MedicationAdministration'));
  });

  it('holds 2,000 records, conflicts resolved by many versions, and files of their own', () => {
    const many = recordCrypto.encodeCommit({ ...header, parents: [] }, pack, entriesOf(2_000), kek);
    expect(recordCrypto.openEntries(recordCrypto.decodeCommit(many.bytes), kek)).toHaveLength(2_000);
    const merged: CommitEntry = {
      ...version,
      previous: Array.from({ length: 64 }, (_, index) => `v${index}`),
      location: { file: { cid: cidOf(7), length: 70_000 } },
      size: 69_000,
      contentDigest: hex32(6),
      dek: new Uint8Array(32),
    };
    const alone = recordCrypto.encodeCommit(header, null, [merged], kek);
    expect(recordCrypto.openEntries(recordCrypto.decodeCommit(alone.bytes), kek)).toEqual([merged]);
  });

  it('names the entries of earlier commits whose contents it holds', () => {
    const originals = [
      { commit: cidOf(3), first: 5, count: 2 },
      { commit: cidOf(6), first: 0, count: 1 },
    ];
    const made = recordCrypto.encodeCommit({ ...header, originals }, pack, entries, kek);
    const read = recordCrypto.decodeCommit(made.bytes);
    expect(read.header.originals).toEqual(originals);
    expect(recordCrypto.openSomeEntries(read, kek, 1, 2)).toEqual(entries.slice(1));
  });

  it('comes back whatever its values are', () => {
    const id = fc.stringMatching(/^[A-Za-z0-9.-]{1,64}$/);
    fc.assert(
      fc.property(
        fc.uniqueArray(id, { minLength: 1, maxLength: 8 }),
        id,
        fc.nat(0xffff_ffff),
        fc.nat(2 ** 31 - 1),
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        ([versionId = 'v', ...previous], recordId, epoch, offset, dek) => {
          const one: CommitEntry = {
            ...version,
            recordId,
            versionId,
            previous,
            dek,
            size: offset,
            contentDigest: hex32(6),
            location: { pack: { offset, length: epoch } },
          };
          const made = recordCrypto.encodeCommit({ ...header, epoch }, pack, [one], kek);
          const read = recordCrypto.decodeCommit(made.bytes);
          expect(read.header.epoch).toBe(epoch);
          expect(recordCrypto.openEntries(read, kek)).toEqual([one]);
        },
      ),
      { numRuns: 40 },
    );
  });
});

describe('entries', () => {
  const refused = (commit: DecodedCommit, withKek: Uint8Array = kek) => codeOf(() => recordCrypto.openEntries(commit, withKek));
  const [first, second, third] = decoded.entries;

  it('do not open under another KEK', async () => {
    expect(await refused(decoded, flipped(kek, 0))).toBe('TAMPERED');
  });

  it('do not open when swapped', async () => {
    expect(await refused({ ...decoded, entries: [second!, first!, third!] })).toBe('TAMPERED');
  });

  it('do not open when one is dropped from the end', async () => {
    expect(await refused({ ...decoded, entries: [first!, second!] })).toBe('TAMPERED');
  });

  it('do not open when one is repeated', async () => {
    expect(await refused({ ...decoded, entries: [first!, first!, third!] })).toBe('TAMPERED');
  });

  it('do not open with the location or size of another', async () => {
    expect(await refused({ ...decoded, entries: [{ ...first!, location: second!.location }, second!, third!] })).toBe('TAMPERED');
    expect(await refused({ ...decoded, entries: [{ ...first!, size: 61 }, second!, third!] })).toBe('TAMPERED');
  });

  it('do not open under a changed header or pack', async () => {
    const changes: Partial<DecodedCommit['header']>[] = [
      { network: hex32(9) },
      { patient: author },
      { compartment: hex32(9) },
      { author: header.patient },
      { epoch: 4 },
      { issuedAt: header.issuedAt + 1 },
      { parents: [] },
      { originals: [{ commit: cidOf(3), first: 0, count: 3 }] },
    ];
    for (const change of changes) expect(await refused({ ...decoded, header: { ...decoded.header, ...change } })).toBe('TAMPERED');
    expect(await refused({ ...decoded, pack: cidOf(9) })).toBe('TAMPERED');
  });

  it('do not open when replayed in another commit of the same people and key', async () => {
    const later = recordCrypto.decodeCommit(recordCrypto.encodeCommit({ ...header, parents: [block.cid] }, pack, entries, kek).bytes);
    expect(await refused({ ...later, entries: decoded.entries })).toBe('TAMPERED');
  });

  it('do not open with a byte changed', async () => {
    const sealed = flipped(first!.sealed, 40);
    expect(await refused({ ...decoded, entries: [{ ...first!, sealed }, second!, third!] })).toBe('TAMPERED');
  });
});

describe('decoding', () => {
  const refused = (bytes: Uint8Array) => codeOf(() => recordCrypto.decodeCommit(bytes));

  it('refuses every truncation and anything behind the end', async () => {
    for (let length = 0; length < block.bytes.length; length += 37) expect(await refused(block.bytes.slice(0, length))).toBe('TAMPERED');
    expect(await refused(Uint8Array.from([...block.bytes, 0]))).toBe('TAMPERED');
  });

  it('never gives the same commit for changed bytes', () => {
    fc.assert(
      fc.property(fc.nat(block.bytes.length - 1), fc.integer({ min: 1, max: 255 }), (index, change) => {
        const bytes = new Uint8Array(block.bytes);
        bytes[index] = (bytes[index] ?? 0) ^ change;
        expect(() => recordCrypto.openEntries(recordCrypto.decodeCommit(bytes), kek)).toThrow(
          expect.objectContaining({ code: 'TAMPERED' }),
        );
      }),
      { numRuns: 300 },
    );
  });

  it('refuses keys in another order, and integers in a longer form', async () => {
    // A one-byte integer `epoch: 3` (0x03) written as two bytes (0x18 0x03) means the same in CBOR but is not canonical.
    const at = Buffer.from(block.bytes).indexOf('epoch') + 5;
    expect(block.bytes[at]).toBe(3);
    expect(await refused(Uint8Array.from([...block.bytes.slice(0, at), 0x18, 3, ...block.bytes.slice(at + 1)]))).toBe('TAMPERED');
  });

  it('refuses fields missing, added, or of another type', async () => {
    expect(await refused(rewritten((value) => delete value.epoch))).toBe('TAMPERED');
    expect(await refused(rewritten((value) => (value.extra = 1)))).toBe('TAMPERED');
    expect(await refused(rewritten((value) => (value.v = 2)))).toBe('TAMPERED');
    expect(await refused(rewritten((value) => (value.type = 'envelopes')))).toBe('TAMPERED');
    expect(await refused(rewritten((value) => (value.epoch = 2 ** 32)))).toBe('TAMPERED');
    expect(await refused(rewritten((value) => (value.epoch = -1)))).toBe('TAMPERED');
    expect(await refused(rewritten((value) => (value.patient = new Uint8Array(19))))).toBe('TAMPERED');
    expect(await refused(rewritten((value) => (value.parents = ['text'])))).toBe('TAMPERED');
    expect(await refused(rewritten((value) => (value.entries = [])))).toBe('TAMPERED');
    expect(await refused(rewritten((value) => (value.pack = null)))).toBe('TAMPERED');
    const commit = CID.parse(cidOf(3));
    const ranges = [
      [[commit, 0, 4]],
      [[commit, 0, 2]],
      [[commit, 0, 0]],
      [[commit, -1, 3]],
      [[commit, 0, 3, 0]],
      [[commit, 0]],
      [['text', 0, 3]],
    ];
    for (const originals of ranges) expect(await refused(rewritten((value) => (value.originals = originals)))).toBe('TAMPERED');
  });

  it('refuses what is beyond the bounds: entries, parents, bytes, nesting', async () => {
    const entry = dagCbor.decode<{ entries: unknown[] }>(block.bytes).entries[0];
    expect(await refused(rewritten((value) => (value.entries = Array.from({ length: 2_001 }, () => entry))))).toBe('TAMPERED');
    const parents = Array.from({ length: 65 }, (_, index) => CID.parse(cidOf(index)));
    expect(await refused(rewritten((value) => (value.parents = parents)))).toBe('TAMPERED');
    expect(await refused(new Uint8Array(2 * 1024 * 1024 + 1))).toBe('TAMPERED');
    expect(await refused(new Uint8Array(2 * 1024 * 1024).fill(0x81))).toBe('TAMPERED');
  });
});

describe('encoding', () => {
  const refused = (over: Partial<CommitEntry>, all = 1) =>
    codeOf(() =>
      recordCrypto.encodeCommit(
        header,
        pack,
        Array.from({ length: all }, (_, index) => ({ ...entriesOf(1)[0]!, versionId: `v${index}`, ...over })),
        kek,
      ),
    );

  it('refuses what decoding would refuse', async () => {
    expect(await refused({}, 0)).toBe('INVALID_INPUT');
    expect(await refused({}, 2_001)).toBe('INVALID_INPUT');
    expect(await refused({ versionId: 'same' }, 2)).toBe('INVALID_INPUT');
    expect(await refused({ recordId: 'x'.repeat(65) })).toBe('INVALID_INPUT');
    expect(await refused({ resourceType: '<script>' })).toBe('INVALID_INPUT');
    expect(await refused({ previous: ['v0'] })).toBe('INVALID_INPUT');
    expect(await refused({ dek: new Uint8Array(31) })).toBe('INVALID_INPUT');
    expect(await refused({ size: -1 })).toBe('INVALID_INPUT');
    expect(await refused({ location: {} })).toBe('INVALID_INPUT');
    expect(await codeOf(() => recordCrypto.encodeCommit(header, null, entriesOf(1), kek))).toBe('INVALID_INPUT');
    expect(await refused({ contentDigest: '0x00' })).toBe('INVALID_INPUT');
    const originals = [{ commit: cidOf(3), first: 0, count: 2 }];
    expect(await codeOf(() => recordCrypto.encodeCommit({ ...header, originals }, pack, entriesOf(1), kek))).toBe('INVALID_INPUT');
    expect(await codeOf(() => recordCrypto.encodeCommit({ ...header, patient: '0x00' }, pack, entriesOf(1), kek))).toBe('INVALID_INPUT');
    expect(await codeOf(() => recordCrypto.encodeCommit({ ...header, parents: ['nonsense'] }, pack, entriesOf(1), kek))).toBe(
      'INVALID_INPUT',
    );
  });
});
