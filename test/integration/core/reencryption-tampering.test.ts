/**
 * Re-encryptions that a changed program made with the patient's key, or somebody else's: each is refused and shown, nothing is dropped for it, and
 * what it claims to hold is still read from where its author put it.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { categories } from '../../../src-shared/categories.ts';
import { granteeOfAccount, zero32 } from '../../../src-main/core/services/bytes.ts';
import { commitDigest } from '../../../src-main/core/services/records.ts';
import { keysIn } from '../../../src-main/core/services/held-keys.ts';
import type { CommitEntry, OriginalRange, PersonKeys, StoredOperation } from '../../../src-main/core/ports.ts';
import { createKeyAdapter } from '../../../src-main/core/adapters/crypto/keys.ts';
import { openWorkstationDb } from './workstation-db.ts';
import { foundClinic, logIn, pin, startWorkstation, type TestWorkstation } from './workstation.ts';

const encounter = { class: 'AMB' as const, start: '2026-11-23T10:00:00Z', reason: 'Visit', diagnoses: [] };
const text = (words: string) => Buffer.from(JSON.stringify({ resourceType: 'DocumentReference', description: words }));

describe('a re-encryption that is not what it says', () => {
  let w: TestWorkstation;
  let people: Awaited<ReturnType<typeof foundClinic>>;
  const patients: { account: string; keys: PersonKeys }[] = [];

  const anchored = () =>
    w.until(
      'everything anchored',
      () => w.snapshot(),
      (s) => s.sync.waiting === 0,
    );
  const register = async (given: string) => {
    await logIn(w, people.registrar);
    const demographics = {
      ...{ family: 'Rao', given, prefix: '', birthDate: '1980-05-01', birthDateEstimated: false, gender: 'female' as const },
      ...{ phone: '', address: '', identifiers: [] },
    };
    const registered = await w.ask('patients.register', { demographics, pin });
    await w.ask('desk.open', { card: registered.card, pin });
    await w.ask('desk.grant', {
      ...{ grantee: granteeOfAccount(people.doctor), categories: [...categories], write: true },
      ...{ purpose: 'treatment' as const, until: 0 },
    });
    patients.push({ account: registered.patient.patient, keys: createKeyAdapter().fromPhrase(registered.phrase) });
  };

  beforeAll(async () => {
    w = await startWorkstation();
    people = await foundClinic(w, 'Clinic');
    await register('Asha');
    await register('Bina');
    await logIn(w, people.doctor);
    await w.until(
      'both patients',
      () => w.ask('patients.search', { text: '', limit: 5, offset: 0 }),
      (r) => r.total === 2,
    );
  });
  afterAll(() => w.stop());

  const write = async (patient: string, note: string) => {
    const saved = await w.until(
      'saved',
      () => w.ask('chart.saveEncounter', { ...encounter, patient, note }).catch(() => null),
      (s) => s !== null,
    );
    await anchored();
    const operation = w.core.workstation.store.workstation.operation(saved?.operations[0] ?? '');
    return { operation: operation as StoredOperation, recordId: saved?.records[0]?.recordId ?? '' };
  };

  const open = (operation: StoredOperation) => {
    const { blocks, index } = { blocks: w.core.workstation, index: w.core.workstation.sessions.require().index };
    return blocks.reader.open(operation, keysIn(index));
  };

  /** A commit over the entries of an original, made with the real parts; `change` makes it a wrong one. */
  const forge = async (
    original: StoredOperation,
    by: PersonKeys,
    change: (entry: CommitEntry, ciphertext: Uint8Array) => { entry: CommitEntry; ciphertext: Uint8Array },
    originals?: OriginalRange[],
  ): Promise<string> => {
    const { crypto, ipfs, signing, publisher, reader } = w.core.workstation;
    const opened = await open(original);
    const { network, patient, compartment, epoch } = opened.header;
    const read = reader.ciphertexts(opened);
    const packed: Uint8Array[] = [];
    const entries: CommitEntry[] = [];
    for (const i of opened.entries.keys()) {
      const [source] = reader.sources(opened, i);
      if (!source) throw new Error('An entry has no source');
      const moved = crypto.reencryptContent(opened.header, source.entry, source.entry.dek, await read(source), false);
      const made = change({ ...source.entry, dek: moved.dek }, moved.ciphertext);
      const offset = packed.reduce((sum, one) => sum + one.length, 0);
      packed.push(made.ciphertext);
      entries.push({ ...made.entry, location: { pack: { offset, length: made.ciphertext.length } } });
    }
    const pack = await ipfs.layOut(Buffer.concat(packed));
    const cid = crypto.cidOfDigest(commitDigest(original.operation.payload));
    const header = {
      ...{ network, patient, compartment, author: by.account, epoch, issuedAt: Math.floor(Date.now() / 1000), parents: [] },
      originals: originals ?? [{ commit: cid, first: 0, count: entries.length }],
    };
    const block = crypto.encodeCommit(header, pack.cid, entries, opened.kek);
    const payload = { patient, compartment, epoch, organization: zero32, commit: block.digest };
    const operation = signing.make('Commit', payload, 'Forged', by, { opId: block.digest });
    publisher.publish([...pack.blocks, block], [operation]);
    // As it comes from another workstation: nothing made here is believed unseen.
    const db = openWorkstationDb(w.dir);
    try {
      await anchored();
      db.prepare("UPDATE operations SET origin = 'ledger' WHERE op_id = ?").run(Buffer.from(block.digest.slice(2), 'hex'));
    } finally {
      db.close();
    }
    const url = w.core.workstation.network.current()?.endpoint ?? '';
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'anvil_mine', params: ['0x4'] });
    await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    await w.until(
      'final',
      () => Promise.resolve(w.core.workstation.store.workstation.operation(block.digest)?.state),
      (state) => state === 'final',
    );
    return block.digest;
  };

  const expectRefused = async (patient: string, digest: string, original: StoredOperation, recordId: string, says: string) => {
    await w.core.workstation.indexer.settled();
    await w.core.workstation.dropping.settled();
    const report = await w.ask('chart.verify', { patient });
    const failures = report.failures.filter(({ commit }) => commit === digest);
    expect(failures).toEqual([expect.objectContaining({ check: 'content', text: expect.stringContaining(says) as string })]);
    expect((await w.ask('chart.open', { patient })).problemsWithRecords.map(({ commit }) => commit)).toContain(digest);
    // Nothing was dropped for it, and the record is read as its author wrote it.
    const { pack } = await open(original);
    expect(w.core.workstation.ipfs.has(pack ?? '')).toBe(true);
    const record = await w.ask('chart.record', { patient, recordId });
    expect(record.verification).toMatchObject({ state: { chip: 'verified' }, author: { name: 'Doctor of Clinic' } });
    expect(record.json).not.toBe('');
  };
  const unchanged = (entry: CommitEntry, ciphertext: Uint8Array) => ({ entry, ciphertext });

  it('is refused where it swaps the content', async () => {
    const [first] = patients;
    const { operation, recordId } = await write(first?.account ?? '', 'Swapped');
    const { crypto } = w.core.workstation;
    const { header } = await open(operation);
    const digest = await forge(operation, first?.keys as PersonKeys, (entry) => {
      const other = crypto.encryptContent(header, entry, text('Something else'));
      return { entry: { ...entry, dek: other.dek }, ciphertext: other.ciphertext };
    });
    await expectRefused(first?.account ?? '', digest, operation, recordId, 'another text');
  });

  it('is refused where it names another text than its author signed', async () => {
    const [first] = patients;
    const { operation, recordId } = await write(first?.account ?? '', 'Other digest');
    const { crypto } = w.core.workstation;
    const { header } = await open(operation);
    const digest = await forge(operation, first?.keys as PersonKeys, (entry) => {
      const plaintext = text('Something else');
      const other = crypto.encryptContent(header, entry, plaintext);
      return {
        entry: { ...entry, dek: other.dek, size: plaintext.length, contentDigest: other.contentDigest },
        ciphertext: other.ciphertext,
      };
    });
    await expectRefused(first?.account ?? '', digest, operation, recordId, 'another record, or another text');
  });

  it('is refused where it takes the place of another version or record', async () => {
    const [first] = patients;
    const { operation, recordId } = await write(first?.account ?? '', 'Other version');
    const digest = await forge(operation, first?.keys as PersonKeys, (entry, ciphertext) => ({
      entry: { ...entry, versionId: crypto.randomUUID() },
      ciphertext,
    }));
    await expectRefused(first?.account ?? '', digest, operation, recordId, 'another record');
  });

  it('is refused where somebody else than the patient made it, who may write there', async () => {
    const [first] = patients;
    const { operation, recordId } = await write(first?.account ?? '', 'By the doctor');
    const digest = await forge(operation, w.core.workstation.sessions.require().keys, unchanged);
    await expectRefused(first?.account ?? '', digest, operation, recordId, 'only the patient');
  });

  it('is refused where it names a commit of another patient', async () => {
    const [first, second] = patients;
    const theirs = await write(second?.account ?? '', 'Of another patient');
    const { operation, recordId } = await write(first?.account ?? '', 'Of this one');
    const cid = w.core.workstation.crypto.cidOfDigest(commitDigest(theirs.operation.operation.payload));
    const { entries } = await open(operation);
    const digest = await forge(operation, first?.keys as PersonKeys, unchanged, [{ commit: cid, first: 0, count: entries.length }]);
    await expectRefused(first?.account ?? '', digest, operation, recordId, 'none of this part of the record');
    expect(await w.ask('chart.verify', { patient: second?.account ?? '' })).toMatchObject({ failures: [] });
  });
});
