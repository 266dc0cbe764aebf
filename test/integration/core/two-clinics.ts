/** Two clinics in one network, and a patient who shares with people of both, for tests that begin there. */
import { categories } from '../../../src-shared/categories.ts';
import { granteeOfAccount } from '../../../src-main/core/services/bytes.ts';
import { foundClinic, logIn, passphrase, pin, staff, type TestWorkstation } from './workstation.ts';

/** Clinic A at `a`, and Clinic B at `b` in A's network. Both have staff, and their admins are logged in. */
export async function foundTwoClinics(a: TestWorkstation, b: TestWorkstation) {
  const people = await foundClinic(a, 'Clinic A');
  await joinClinic(a, b);
  return { people, others: await staff(b, 'Clinic B') };
}

/**
 * `b` joins the network of `a`, where an admin is logged in, as a clinic of its own.
 * @param invitation made at `a` where none is given.
 * @returns the account of its admin, who is logged in.
 */
export async function joinClinic(a: TestWorkstation, b: TestWorkstation, name = 'Clinic B', invitation?: string): Promise<string> {
  const { phrase } = await b.ask('setup.createPhrase', {});
  const { requestCode } = await b.ask('setup.join', {
    ...{ invitation: invitation ?? (await a.ask('network.invitation', {})).invitation, clinicName: name },
    ...{ personName: `Admin of ${name}`, passphrase, phrase },
  });
  await a.ask('network.admit', { requestCode });
  const { people } = await b.until(
    'admitted',
    () => b.snapshot(),
    ({ phase }) => phase === 'ready',
  );
  const admin = people[0]?.account ?? '';
  await logIn(b, admin);
  return admin;
}

/** An invitation by which the ledger is asked at its own address, as one is that clinics run together. */
export async function invitationByAddress(w: TestWorkstation): Promise<string> {
  const { crypto, network } = w.core.workstation;
  const content = crypto.decodeCode('ANAM-INVITE', (await w.ask('network.invitation', {})).invitation) as object;
  return crypto.encodeCode('ANAM-INVITE', { ...content, endpoint: network.require().endpoint });
}

/** Opens the card at the desk and lets doctors, once they are known there, read and write everything. The card stays open. */
export async function shareAll(w: TestWorkstation, { card }: { readonly card: string }, doctors: readonly string[]): Promise<void> {
  await w.ask('desk.open', { card, pin });
  await w.until(
    'the doctors known at the desk',
    () => w.ask('desk.sharing', {}),
    ({ candidates }) => doctors.every((doctor) => candidates.some(({ account }) => account === doctor)),
  );
  const terms = { categories: [...categories], write: true, purpose: 'treatment' as const, until: 0 };
  for (const doctor of doctors) await w.ask('desk.grant', { ...terms, grantee: granteeOfAccount(doctor) });
}
