import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { granteeOfAccount } from '../../../src-main/core/services/bytes.ts';
import { createKeyAdapter } from '../../../src-main/core/adapters/crypto/keys.ts';
import type { OperationKind } from '../../../src-shared/operations.ts';
import { createSigning } from '../../../src-main/core/services/signing.ts';
import { foundClinic, logIn, passphrase, pin, startWorkstation, type TestWorkstation } from './workstation.ts';

const keyPort = createKeyAdapter({ memoryKiB: 8192, passes: 1 });

describe('the key of a clinic', () => {
  let w: TestWorkstation;
  let people: Awaited<ReturnType<typeof foundClinic>>;
  let clinic: string;
  let nurse: { account: string; phrase: string; enrolmentCode: string };
  let card: string;
  beforeAll(async () => {
    w = await startWorkstation();
    people = await foundClinic(w, 'Clinic A');
    clinic = w.core.workstation.clinic().id;
    const { phrase } = await w.ask('setup.createPhrase', {});
    nurse = { phrase, ...(await w.ask('people.createKey', { personName: 'Nurse', passphrase, phrase })) };
    await w.ask('staff.approve', { enrolmentCode: nurse.enrolmentCode, roles: ['practitioner'] });
    await logIn(w, people.registrar);
    const demographics = {
      family: 'Rao',
      given: 'Asha',
      prefix: '',
      birthDate: '1980',
      birthDateEstimated: true,
      gender: 'female',
    } as const;
    const registered = await w.ask('patients.register', {
      demographics: { ...demographics, phone: '', address: '', identifiers: [] },
      pin,
    });
    card = registered.card;
    await w.ask('desk.open', { card, pin });
    await share();
    await settled();
  });
  afterAll(() => w.stop());

  const organization = () => w.core.workstation.directory.organization(clinic);
  /** Those about the emergency key have a test of their own. */
  const operations = (kind: OperationKind) =>
    w.core.workstation.store.workstation.operations({ kinds: [kind] }).filter((stored) => {
      const { payload } = w.core.workstation.codec.decodePayload(stored.operation);
      return stored.kind !== 'RotateOrganizationKey' || ('publicKey' in payload && payload.purpose === 1);
    });
  const share = () =>
    w.ask('desk.grant', { grantee: clinic, categories: ['demographics', 'scheduling'], write: true, purpose: 'treatment', until: 0 });
  const settled = () =>
    w.until(
      'everything anchored',
      () => w.snapshot(),
      ({ sync }) => sync.waiting === 0 && sync.indexing === 0,
    );
  /** The keys in the envelope of the newest grant, as somebody with these clinic secrets opens it. */
  const opensNewestGrant = async (secrets: readonly Uint8Array[]): Promise<boolean> => {
    const { codec, crypto, ipfs, network } = w.core.workstation;
    const newest = operations('Grant').at(-1);
    const decoded = newest && codec.decodePayload(newest.operation);
    if (decoded?.kind !== 'Grant') throw new Error('no grant');
    const bytes = await ipfs.get(crypto.cidOfDigest(decoded.payload.envelope));
    for (const secret of secrets) {
      const opened = await crypto.openEnvelopes(bytes, network.require().id, decoded.payload.patient, clinic, secret).catch(() => null);
      if (opened) return true;
    }
    return false;
  };
  /** All that somebody could ever open of the clinic's keys with their own, from every envelope there is. */
  const secretsOf = async (person: { account: string; phrase: string }): Promise<Uint8Array[]> => {
    const { codec, crypto, ipfs, network } = w.core.workstation;
    const own = keyPort.fromPhrase(person.phrase).encryptionSecret();
    const found: Uint8Array[] = [];
    for (const kind of ['AdmitOrganization', 'EnrolMember', 'RotateOrganizationKey'] as const) {
      for (const stored of operations(kind)) {
        const { payload } = codec.decodePayload(stored.operation) as { payload: { keyEnvelope: string } };
        const bytes = await ipfs.get(crypto.cidOfDigest(payload.keyEnvelope));
        found.push(
          ...((await crypto.openOrganizationKey(bytes, network.require().id, clinic, granteeOfAccount(person.account), own)) ?? []),
        );
      }
    }
    return found;
  };

  it('is held by those who were enrolled', async () => {
    expect(await opensNewestGrant(await secretsOf(nurse))).toBe(true);
    expect(organization()?.organizationKeys).toHaveLength(1);
  });

  it('is made anew when a member is suspended, and the ledger takes it', async () => {
    await logIn(w, people.admin);
    const before = organization()?.organizationKey;
    await w.ask('staff.setSuspended', { account: nurse.account, suspended: true });
    expect(organization()?.organizationKey).not.toBe(before);
    await settled();
    expect(operations('RotateOrganizationKey').map(({ state }) => state)).toEqual([expect.stringMatching(/mined|final/)]);
  });

  it('seals what is shared to the new key when the patient is at the desk, with the same terms, and says so', async () => {
    await logIn(w, people.registrar);
    await w.ask('desk.open', { card, pin });
    const before = operations('Grant').length;
    const view = await w.ask('desk.sharing', {});
    expect(view.renewed).toHaveLength(1);
    expect(view.holders.find(({ grantee }) => grantee === clinic)?.categories.map(({ category, write }) => ({ category, write }))).toEqual([
      { category: 'demographics', write: true },
      { category: 'scheduling', write: true },
    ]);
    expect(operations('Grant').length - before).toBe(2);
    await settled();
    expect(operations('Grant').every(({ state }) => state !== 'rejected')).toBe(true);
    await w.ask('desk.open', { card, pin });
    expect((await w.ask('desk.sharing', {})).renewed).toEqual([]);
  });

  it('does not open what is sealed afterwards for the one who left, and does for those who stay', async () => {
    expect(await opensNewestGrant(await secretsOf(nurse))).toBe(false);
    await logIn(w, people.doctor);
    const held = await w.until(
      "the clinic's keys",
      () => Promise.resolve(w.core.workstation.sessions.require().organizationKeys.get(clinic) ?? []),
      (secrets) => secrets.length === 2,
    );
    expect(await opensNewestGrant(held)).toBe(true);
  });

  it('is sealed again, unchanged, to a member who is reactivated', async () => {
    await logIn(w, people.admin);
    const key = organization()?.organizationKey;
    await w.ask('staff.setSuspended', { account: nurse.account, suspended: false });
    expect(organization()?.organizationKey).toBe(key);
    await settled();
    expect(await opensNewestGrant(await secretsOf(nurse))).toBe(true);
  });

  it('is made anew when somebody leaves, who can be enrolled again', async () => {
    const key = organization()?.organizationKey;
    await w.ask('staff.leave', { account: nurse.account });
    expect(organization()?.organizationKey).not.toBe(key);
    await settled();
    expect((await w.ask('staff.list', {})).find(({ account }) => account === nurse.account)).toMatchObject({ roles: [], suspended: false });
    const { enrolmentCode } = nurse;
    expect(await w.ask('staff.readCode', { enrolmentCode })).toMatchObject({ alreadyEnrolled: false });
    await w.ask('staff.approve', { enrolmentCode, roles: ['registrar'] });
    const { sync } = await settled();
    expect(sync.rejected).toBe(0);
    expect(organization()?.organizationKeys).toHaveLength(4);
  });

  it('is made anew at the next log-in of an admin where that was interrupted', async () => {
    await logIn(w, people.admin);
    await settled();
    const key = organization()?.organizationKey;
    const { codec, crypto, network, directory, clock, store, sessions, facts } = w.core.workstation;
    const payload = { organization: clinic, member: people.doctor, suspended: 1 };
    const { keys } = sessions.require();
    const suspension = createSigning(store.workstation, codec, crypto, network, directory, clock).make(
      'SuspendMember',
      payload,
      'Suspend',
      keys,
    );
    store.workstation.enqueue([suspension]);
    facts.tell('operations', { kinds: new Set(['SuspendMember']) });
    expect(organization()?.organizationKey).toBe(key);
    await logIn(w, people.admin);
    await w.until(
      'a new key',
      () => Promise.resolve(organization()?.organizationKey),
      (now) => now !== key,
    );
    expect((await settled()).sync.rejected).toBe(0);
  });
});
