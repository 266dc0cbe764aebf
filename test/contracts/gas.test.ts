/**
 * What an operation costs on the ledger when sent in a batch: gas is capacity, also where it has no price. Everything is the same in each
 * run, keys and digests too, so the figures can be compared: `npm run contracts:gas` does, with `contracts/gas-snapshot.json`.
 */
import { writeFileSync } from 'node:fs';
import { Wallet, ZeroHash, id } from 'ethers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SignedOperation } from '../../src-shared/operations.ts';
import { type TestLedger, startLedger } from './ledger.ts';

const batchSize = 100;
let count = 0;
/** 32 bytes that look like chance, the same ones in each run. */
const random = (): string => id(`gas ${(count += 1)}`);
const key = (): Wallet => new Wallet(random());
const [governor, admin, registrar] = [key(), key(), key()];
const doctors = Array.from({ length: 4 }, key);
const patients = Array.from({ length: 20 }, key);
const gas: Record<string, number> = {};
const organization = random();
/** One compartment for each patient and category, five categories. */
const compartments = Array.from({ length: batchSize }, random);
let ledger: TestLedger;

/** Submits a batch all of which must be applied; gives the gas for each operation. */
async function measure(name: string, operations: readonly SignedOperation[]): Promise<number> {
  const receipt = await ledger.submit(operations);
  for (const { opId } of operations) {
    expect(await ledger.gateway.getFunction('appliedAt')(opId)).toBe(BigInt(receipt.blockNumber));
  }
  const each = Math.round(Number(receipt.gasUsed) / operations.length);
  gas[name] = each;
  return each;
}

/** The same for each of a batch's places: a patient, and one of that patient's compartments. One after the other, so that chance is the same. */
async function forEachPlace(
  make: (patient: Wallet, compartment: string, index: number) => Promise<SignedOperation>,
): Promise<SignedOperation[]> {
  const operations = [];
  for (const [index, compartment] of compartments.entries()) {
    const patient = patients[index % patients.length];
    if (patient === undefined) throw new RangeError('There are patients');
    operations.push(await make(patient, compartment, index));
  }
  return operations;
}

function commits(opIdIsDigest: boolean): Promise<SignedOperation[]> {
  return forEachPlace((patient, compartment, index) => {
    const commit = random();
    return ledger.sign(
      'Commit',
      [doctors[index % doctors.length] ?? admin],
      { patient: patient.address, compartment, epoch: 0, organization, commit },
      { opId: opIdIsDigest ? commit : random() },
    );
  });
}

beforeAll(async () => {
  ledger = await startLedger(governor);
  const sign = signer();
  const admission = await sign('AdmitOrganization', [governor], {
    organization,
    admin: admin.address,
    encryptionKey: random(),
    organizationKey: random(),
    profile: random(),
    adminProfile: random(),
    keyEnvelope: random(),
  });
  await measure('AdmitOrganization, alone', [admission]);
  const enrolments = [];
  for (const [member, roles] of [[registrar, 2], ...doctors.map((doctor) => [doctor, 4])] as [Wallet, number][]) {
    const keys = { encryptionKey: random(), profile: random(), keyEnvelope: random() };
    enrolments.push(await sign('EnrolMember', [admin], { organization, member: member.address, roles, ...keys }));
  }
  await measure('EnrolMember, 5', enrolments);
  const registrations = [];
  for (const patient of patients) {
    const fields = { organization, patient: patient.address, encryptionKey: random() };
    registrations.push(await sign('RegisterPatient', [registrar, patient], fields));
  }
  await measure('RegisterPatient, 20', registrations);
}, 60_000);

afterAll(() => {
  ledger.stop();
  const report = process.env['ANAMNESIS_GAS_REPORT'];
  if (report !== undefined) writeFileSync(report, JSON.stringify(gas));
});

/** Signs with an identifier that is the same in each run. */
function signer(): TestLedger['sign'] {
  return (kind, signers, payload, header) => ledger.sign(kind, signers, payload, { opId: random(), ...header });
}

test('a batch of 100 stays within the capacity that the ledger was planned for', async () => {
  const sign = signer();
  const grant = await measure(
    'Grant, 100',
    await forEachPlace((patient, compartment) =>
      sign('Grant', [patient], {
        patient: patient.address,
        compartment,
        grantee: organization,
        access: 3,
        purpose: 1,
        validFrom: 0,
        validUntil: 0,
        epoch: 0,
        envelope: random(),
      }),
    ),
  );
  const commit = await measure('Commit, 100', await commits(true));
  const commitOfOwnIdentifier = await measure('Commit with an opId of its own, 100', await commits(false));
  const revoke = await measure(
    'Revoke, 100',
    await forEachPlace((patient, compartment) =>
      sign('Revoke', [patient], { patient: patient.address, compartment, grantee: organization, epoch: 1, envelope: ZeroHash }),
    ),
  );
  process.stdout.write(`gas each: ${JSON.stringify({ grant, commit, commitOfOwnIdentifier, revoke })}\n`);
  expect(commit).toBeLessThanOrEqual(45_000);
  expect(grant).toBeLessThanOrEqual(80_000);
  // One new slot more, for the digest that is not the identifier.
  expect(commitOfOwnIdentifier).toBeLessThanOrEqual(75_000);
  expect(revoke).toBeLessThanOrEqual(55_000);
}, 60_000);

test('the rarer operations cost what they did', async () => {
  const sign = signer();
  const [patient, other] = patients;
  const [doctor] = doctors;
  if (patient === undefined || other === undefined || doctor === undefined) throw new RangeError('There are patients and doctors');
  const next = key();
  const rarer: [string, SignedOperation][] = [
    ['ClaimIdentifier', await sign('ClaimIdentifier', [registrar], { account: patient.address, identifier: random(), keyVersion: 1 })],
    ['Checkpoint', await sign('Checkpoint', [doctor], { organization, workstation: random(), sequence: 1, head: random() })],
    ['OpenEmergency', await sign('OpenEmergency', [doctor], { patient: patient.address, organization, reason: random(), duration: 3600 })],
    [
      'LinkPatients',
      await sign('LinkPatients', [registrar], { organization, duplicate: other.address, survivor: patient.address, reason: random() }),
    ],
    ['RotateKeys', await sign('RotateKeys', [patient, next], { signer: next.address, encryptionKey: random() })],
  ];
  for (const [name, operation] of rarer) expect(await measure(`${name}, alone`, [operation])).toBeLessThanOrEqual(260_000);
}, 60_000);
