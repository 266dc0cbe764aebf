/**
 * A clinic with 50,000 patients as it lies on the disk: every patient's operations in workstation.db, blocks in blocks.db, and what they say in the
 * index of the one person who works there. Founded with a real ledger; the patients are then written through the stores' ports, as the follower and
 * the indexer would have written them over the years. Signatures and ciphertexts are bytes of the right length: nothing at the start reads them.
 */
import { createIpfs } from '../../src-main/core/adapters/ipfs/ipfs.ts';
import { createBlockstore } from '../../src-main/core/adapters/sqlite/blockstore.ts';
import { createOperationCodec } from '../../src-main/core/adapters/ledger/operation-codec.ts';
import { createKeyAdapter } from '../../src-main/core/adapters/crypto/keys.ts';
import { createRecordCrypto } from '../../src-main/core/adapters/crypto/record-crypto.ts';
import type { AccountIndexPort, DecodedOperation, LedgerEvent, PatientRow, RecordRow, StorePort } from '../../src-main/core/ports.ts';
import { granteeOfAccount, hexOf } from '../../src-main/core/services/bytes.ts';
import { sealContext } from '../../src-main/core/services/sessions.ts';
import { operationKinds, type OperationKind, type OperationPayload } from '../../src-shared/operations.ts';
import { foundClinic, openStore, passphrase } from './clinic.ts';
import { say } from './figure.ts';
import { inventedAccount, inventPatient } from './people.ts';
import { createRandom, type Random } from './random.ts';

export const patientCount = 50_000;
const batchSize = 2500;
const keyLength = 32;

interface Batch {
  readonly events: { event: LedgerEvent; decoded: DecodedOperation }[];
  readonly patients: PatientRow[];
  readonly records: { commit: string; row: RecordRow }[];
  readonly keks: Parameters<AccountIndexPort['addKeks']>[0][number][];
  readonly blocks: Uint8Array[];
}

/** Fills an empty folder; returns the account that logs in there (with `passphrase` of clinic.ts). */
export async function fillLargeClinic(dir: string): Promise<string> {
  say(`making a clinic with ${patientCount} patients`);
  // The cost of the passphrase is the product's own: it is part of what the process needs.
  const account = await foundClinic(dir);
  const store = openStore(dir);
  const blocks = createBlockstore({ dir });
  const ipfs = createIpfs({ blocks });
  const index = await openIndex(store, account);
  const organization = store.workstation.setting<{ id: string }>('clinic')?.id ?? '';
  const random = createRandom(11);
  const crypto = createRecordCrypto();
  const block = Math.max(0, (store.workstation.followedBlocks(1)[0]?.number ?? 0) - 3);
  for (let start = 0; start < patientCount; start += batchSize) {
    const batch: Batch = { events: [], patients: [], records: [], keks: [], blocks: [] };
    for (let n = start; n < start + batchSize; n++) addPatient(batch, random, n, { account, organization, block });
    store.workstation.applyEvents(batch.events, []);
    ipfs.put(batch.blocks.map((bytes) => ({ cid: crypto.cidOfDigest(hexOf(crypto.sha256(bytes))), bytes })));
    index.upsertPatients(batch.patients);
    index.addKeks(batch.keks);
    for (const { commit, row } of batch.records) index.addRecords(commit, [row]);
    await new Promise((resolve) => setImmediate(resolve));
  }
  store.workstation.finalize(block);
  const [last] = store.workstation.operations({ order: 'seq', descending: true, limit: 1 });
  for (const name of ['commits', 'revocations', `grants:${organization}`, `grants:${granteeOfAccount(account)}`])
    index.setCursor(name, last?.seq ?? 0);
  store.close();
  blocks.close();
  return account;
}

async function openIndex(store: StorePort, account: string): Promise<AccountIndexPort> {
  const keys = createKeyAdapter();
  const person = store.workstation.people().find((p) => p.account === account);
  if (!person) throw new Error('The clinic has nobody');
  const unlocked = keys.fromSecret(await keys.open(person.sealed, passphrase, sealContext.person(account)));
  const { index } = store.openAccount(account, unlocked.derive('index'));
  unlocked.destroy();
  return index;
}

/** What a registration leaves: registration, two grants to the clinic, the demographics in a commit; envelope, commit and pack. */
function addPatient(batch: Batch, random: Random, n: number, at: { account: string; organization: string; block: number }): void {
  const patient = checksummed(inventedAccount(n));
  const row = inventPatient(random, patient);
  const compartments = { demographics: random.hex(32), scheduling: random.hex(32) };
  const commit = random.hex(32);
  const envelope = random.hex(32);
  const add = <K extends OperationKind>(kind: K, payload: OperationPayload<K>): string => {
    const opId = random.hex(32);
    const operation = {
      kind: operationKinds[kind].code,
      opId,
      actor: kind === 'Grant' ? patient : at.account,
      issuedAt: 1_760_000_000 + n,
      deadline: 1_780_000_000 + n,
      payload: codec.encodePayload(kind, payload),
      signatures: Array.from({ length: kind === 'RegisterPatient' ? 2 : 1 }, () => random.hex(65)),
    };
    const event = {
      type: 'applied',
      opId,
      operation,
      block: at.block,
      blockHash: zero,
      logIndex: batch.events.length,
      txHash: random.hex(32),
    } as const;
    batch.events.push({ event, decoded: { kind, payload } as DecodedOperation });
    return opId;
  };
  add('RegisterPatient', { organization: at.organization, patient, encryptionKey: random.hex(32) });
  for (const [category, compartment] of Object.entries(compartments)) {
    const granted = { access: 3, purpose: 1, validFrom: 0, validUntil: 0, epoch: 0 };
    add('Grant', { patient, compartment, grantee: at.organization, ...granted, envelope });
    batch.keks.push({ patient, compartment, category: category as 'demographics' | 'scheduling', epoch: 0, kek: random.bytes(keyLength) });
  }
  const opId = add('Commit', { patient, compartment: compartments.demographics, epoch: 0, organization: at.organization, commit });
  batch.patients.push(row);
  batch.records.push({
    commit,
    row: demographicsRecord(random, { patient, author: at.account, commit, opId, title: `${row.given} ${row.family}` }),
  });
  batch.blocks.push(random.bytes(700), random.bytes(650), random.bytes(900));
}

function demographicsRecord(random: Random, of: Pick<RecordRow, 'patient' | 'author' | 'commit' | 'opId' | 'title'>): RecordRow {
  return {
    ...of,
    recordId: random.hex(16).slice(2),
    versionId: random.hex(16).slice(2),
    previous: [],
    category: 'demographics',
    resourceType: 'Patient',
    position: 0,
    date: '',
    status: '',
    detail: '',
    codeSystem: '',
    code: '',
    encounter: '',
    extract: '{}',
  };
}

const codec = createOperationCodec();
const zero = `0x${'00'.repeat(32)}`;

/** EIP-55 form, by a round through the codec. */
function checksummed(account: string): string {
  const payload = codec.encodePayload('RegisterPatient', { organization: zero, patient: account, encryptionKey: zero });
  const decoded = codec.decodePayload({ kind: operationKinds.RegisterPatient.code, payload });
  return decoded.kind === 'RegisterPatient' ? decoded.payload.patient : account;
}
