/** A session that ends before what it has a key for is in the index: the next one reads it. */
import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest';
import { granteeOfAccount } from '../../../src-main/core/services/bytes.ts';
import type { Session } from '../../../src-main/core/services/sessions.ts';
import type { Workstation } from '../../../src-main/core/services/workstation.ts';
import { AppError } from '../../../src-shared/errors.ts';
import { Ledgerless } from './ledgerless.ts';

let ledgerless: Ledgerless;
beforeAll(async () => {
  ledgerless = await Ledgerless.start(2);
});
afterAll(() => ledgerless.stop());

const share = async (desk: Parameters<Workstation['sharing']['grant']>[0], account: string) => {
  const terms = { write: true, purpose: 'treatment' as const, until: 0 };
  await ledgerless.w.sharing.grant(desk, { grantee: granteeOfAccount(account), categories: ['sensitive'], ...terms });
  ledgerless.anchor();
};

/** Saves a record: durable, and not in the index yet when this returns. */
const save = async ({ keys, index }: Session, patient: string): Promise<string> => {
  const versionId = crypto.randomUUID();
  const json = JSON.stringify({ resourceType: 'Basic', id: versionId });
  const record = { recordId: crypto.randomUUID(), versionId, previous: [], resourceType: 'Basic', category: 'sensitive' as const, json };
  const commits = await ledgerless.w.records.prepareAll(keys, index, patient, [record]);
  ledgerless.w.publisher.publish(
    commits.flatMap(({ blocks }) => blocks),
    commits.map(({ operation }) => operation),
  );
  return versionId;
};

/** A record that its author has saved, anchored, of a patient who shares it with nobody else yet. */
const written = async (author: { readonly account: string; readonly secret: Uint8Array }) => {
  const { patient, desk } = await ledgerless.patient();
  await share(desk, author.account);
  const versionId = await ledgerless.as(author.secret, (session) => save(session, patient));
  ledgerless.anchor();
  return { patient, desk, versionId };
};

it('reads in the next session what the last one had the key for and did not come to', async () => {
  const { w, doctors } = ledgerless;
  const [author = expect.fail(), reader = expect.fail()] = doctors;
  const { desk, versionId } = await written(author);
  // The reader's index is now past the commit, which it had no key for.
  expect(await ledgerless.as(reader.secret, ({ index }) => index.version(versionId))).toBeUndefined();
  w.sessions.lock();
  await share(desk, reader.account);

  // Told as soon as the key is kept; reading what it opens takes longer than that.
  const silence = w.facts.on('patientChanged', () => w.sessions.lock());
  await expect(ledgerless.as(reader.secret, () => undefined)).rejects.toMatchObject({ code: 'NOT_LOGGED_IN' });
  silence();
  expect(await ledgerless.as(reader.secret, ({ index }) => index.version(versionId)?.versionId)).toBe(versionId);
});

it('reads in the next session what its author saved here, also if the ledger refused it in the meantime', async () => {
  const { w, doctors } = ledgerless;
  const [author = expect.fail()] = doctors;
  const { patient, desk } = await ledgerless.patient();
  await share(desk, author.account);
  const versionId = await ledgerless.as(author.secret, async (session) => {
    const saved = await save(session, patient);
    w.sessions.lock();
    return saved;
  });
  ledgerless.anchor(undefined, ({ kind }) => (kind === 'Commit' ? 'WriteNotGranted()' : null));

  const opId = await ledgerless.as(author.secret, ({ index }) => index.version(versionId)?.opId ?? expect.fail('It is lost.'));
  expect(w.store.workstation.operation(opId)).toMatchObject({ state: 'rejected', rejectReason: 'WriteNotGranted()' });
  const { problemsWithRecords } = w.chart.open(w.sessions.require(), patient);
  expect(problemsWithRecords).toEqual([expect.objectContaining({ chip: 'refused' })]);
});

it('ends without a fault when somebody locks while an envelope and a commit are on their way', async () => {
  const { w, doctors, blocks } = ledgerless;
  const [author = expect.fail(), reader = expect.fail()] = doctors;
  const cidIn = (patient: string, kind: 'Commit' | 'Grant') => {
    const stored = w.store.workstation.operations({ kinds: [kind], patient }).at(-1) ?? expect.fail();
    const decoded = w.codec.decodePayload(stored.operation);
    if (decoded.kind === 'Commit') return w.crypto.cidOfDigest(decoded.payload.commit);
    return decoded.kind === 'Grant' ? w.crypto.cidOfDigest(decoded.payload.envelope) : expect.fail();
  };
  const { get } = blocks;
  const unheard: unknown[] = [];
  const hear = (error: unknown) => unheard.push(error);
  process.on('unhandledRejection', hear);
  onTestFinished(() => {
    blocks.get = get;
    process.off('unhandledRejection', hear);
  });

  // The reader has the key of a commit that is away.
  const { patient, desk } = await ledgerless.patient();
  await share(desk, author.account);
  await ledgerless.as(author.secret, (session) => save(session, patient));
  ledgerless.anchor();
  const commit = cidIn(patient, 'Commit');
  await share(desk, reader.account);
  const away = new AppError('BLOCK_UNAVAILABLE', 'It is away.');
  blocks.get = (cid, options) => (cid === commit ? Promise.reject(away) : get(cid, options));
  await ledgerless.as(reader.secret, () => undefined);
  w.sessions.lock();
  const other = await ledgerless.patient();
  await share(other.desk, reader.account);
  const envelope = cidIn(other.patient, 'Grant');
  w.sessions.lock();

  const held = new Map<string, () => void>();
  blocks.get = async (cid, options) => {
    if ((cid === commit || cid === envelope) && !held.has(cid)) await new Promise<void>((resolve) => held.set(cid, resolve));
    return get(cid, options);
  };
  const session = ledgerless.as(reader.secret, () => undefined).catch((error: unknown) => error);
  await vi.waitFor(() => expect([...held.keys()].sort()).toEqual([commit, envelope].sort()));
  w.sessions.lock();
  held.get(envelope)?.();
  for (let i = 0; i < 20; i++) await turn();
  held.get(commit)?.();
  expect(await session).toMatchObject({ code: 'NOT_LOGGED_IN' });
  expect(unheard).toEqual([]);
});

it('reads what a full disk kept out of the index once there is room again, and accuses nobody meanwhile', async () => {
  const { w, doctors } = ledgerless;
  const [author = expect.fail(), reader = expect.fail()] = doctors;
  const { patient, desk, versionId } = await written(author);
  w.sessions.lock();

  const full = new AppError('DISK_FULL', 'There is no room.');
  const reported = new Set<unknown>();
  const refused = new Set<string>();
  const { onReport, beforeIndex } = ledgerless;
  ledgerless.onReport = (error) => reported.add(error);
  onTestFinished(() => void Object.assign(ledgerless, { onReport, beforeIndex }));
  await share(desk, reader.account);
  // First for the keys, and when they are kept, for the records.
  ledgerless.beforeIndex = (method) => {
    const isForKeys = method === 'addKeks' && !refused.has(method);
    const isForRecords = method === 'addRecords' && refused.has('addKeks');
    if (!isForKeys && !isForRecords) return;
    refused.add(method);
    throw full;
  };
  await ledgerless.as(reader.secret, async ({ index }) => {
    await vi.waitFor(() => expect([...refused]).toEqual(['addKeks', 'addRecords']), { timeout: 20_000 });
    expect(index.version(versionId)).toBeUndefined();
    expect(w.indexer.failures(patient)).toEqual([]);
    expect([...reported]).toEqual([full]);
    ledgerless.beforeIndex = beforeIndex;
    await vi.waitFor(() => expect(index.version(versionId)?.versionId).toBe(versionId), { timeout: 20_000 });
  });
});
