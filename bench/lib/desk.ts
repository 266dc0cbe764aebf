/** A patient at the desk and practitioners to share with: what figures of granting, revoking and opening envelopes start from. */
import { decode } from '@ipld/dag-cbor';
import { categories } from '../../src-shared/categories.ts';
import { granteeOfAccount } from '../../src-main/core/services/bytes.ts';
import type { StoredOperation } from '../../src-main/core/ports.ts';
import { cheapPassphrase, foundClinic, openWorkstation, passphrase, pin, unplugLedger, type Workstation } from './clinic.ts';
import { temporaryFolder } from './folder.ts';
import { inventPatient } from './people.ts';
import { sealRaw, signRaw, type openRawTable } from './raw-parts.ts';
import { createRandom } from './random.ts';

export interface Desk {
  readonly w: Workstation;
  /** Whoever founded the clinic. */
  readonly account: string;
  readonly patient: string;
  readonly practitioners: readonly string[];
  grant(account: string): Promise<void>;
  revoke(account: string): Promise<void>;
}

/** Opens the desk of a new patient in a clinic with so many practitioners; its ledger is out of reach. */
export async function openDesk(count: number): Promise<Desk> {
  const dir = temporaryFolder();
  const account = await foundClinic(dir, cheapPassphrase);
  unplugLedger(dir);
  const w = await openWorkstation(dir, cheapPassphrase);
  await w.ask('session.logIn', { account, passphrase });
  const practitioners: string[] = [];
  for (let i = 0; i < count; i++) {
    const { phrase } = await w.ask('setup.createPhrase', {});
    const made = await w.ask('people.createKey', { personName: `Dr ${i}`, passphrase, phrase });
    await w.ask('staff.approve', { enrolmentCode: made.enrolmentCode, roles: ['practitioner'] });
    practitioners.push(made.account);
  }
  const { patient: _, updatedAt: __, deceased: ___, gender, ...row } = inventPatient(createRandom(5), '');
  const demographics = { ...row, gender: gender === 'male' ? ('male' as const) : ('female' as const), identifiers: [] };
  const registered = await w.ask('patients.register', { demographics, pin });
  await w.ask('desk.open', { card: registered.card, pin });
  const all = [...categories];
  return {
    w,
    account,
    patient: registered.patient.patient,
    practitioners,
    grant: async (reader) => {
      await w.ask('desk.grant', { grantee: granteeOfAccount(reader), categories: all, write: true, purpose: 'treatment', until: 0 });
    },
    revoke: async (reader) => {
      await w.ask('desk.revoke', { grantee: granteeOfAccount(reader), categories: [] });
    },
  };
}

/** What an act left behind: its operations, and the envelope's ciphertexts, one a reader. */
export async function leftBy({ w, patient }: Desk, kind: 'Grant' | 'Revoke', act: () => Promise<void>) {
  const { store, codec, crypto, ipfs } = w.core.workstation;
  const last = store.workstation.operations({ order: 'seq', descending: true, limit: 1 })[0]?.seq ?? 0;
  const started = performance.now();
  await act();
  const ms = performance.now() - started;
  const operations = store.workstation.operations({ patient, kinds: [kind], afterSeq: last, order: 'seq' });
  const decoded = operations[0] && codec.decodePayload(operations[0].operation);
  if (decoded?.kind !== kind) throw new Error(`No ${kind} was made`);
  const envelope = await ipfs.get(crypto.cidOfDigest(decoded.payload.envelope), { offline: true });
  const { envelopes } = decode(envelope) as { envelopes: { ciphertext: Uint8Array }[] };
  return { ms, operations, envelope, sealed: envelopes.map(({ ciphertext }) => ciphertext) };
}

/** The same bytes sealed to as many keys, as many signatures, one durable commit. Milliseconds. */
export async function rawAct(
  table: ReturnType<typeof openRawTable>,
  { operations, sealed }: { readonly operations: readonly StoredOperation[]; readonly sealed: readonly Uint8Array[] },
): Promise<number> {
  const started = performance.now();
  const envelopes = sealed.map((ciphertext) => sealRaw(new Uint8Array(ciphertext.length - 16)));
  const signed = operations.map(({ operation }) => [Buffer.from(operation.payload.slice(2), 'hex'), signRaw(new Uint8Array(32).fill(1))]);
  table.commit([...envelopes, ...signed.flat()]);
  return performance.now() - started;
}
