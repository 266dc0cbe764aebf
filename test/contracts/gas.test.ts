/** What an operation costs on the ledger when sent in a batch of 100: gas is capacity, also where it has no price. */
import { Wallet, ZeroHash, hexlify, randomBytes } from 'ethers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SignedOperation } from '../../src-shared/operations.ts';
import { type TestLedger, startLedger } from './ledger.ts';

const batchSize = 100;
const random = (): string => hexlify(randomBytes(32));
const [governor, admin, registrar] = [Wallet.createRandom(), Wallet.createRandom(), Wallet.createRandom()];
const doctors = Array.from({ length: 4 }, () => Wallet.createRandom());
const patients = Array.from({ length: 20 }, () => Wallet.createRandom());
const organization = random();
/** One compartment for each patient and category, five categories. */
const compartments = Array.from({ length: batchSize }, random);
let ledger: TestLedger;

/** Submits a batch all of which must be applied; gives the gas for each operation. */
async function gasEach(operations: readonly SignedOperation[]): Promise<number> {
  const receipt = await ledger.submit(operations);
  for (const { opId } of operations) {
    expect(await ledger.gateway.getFunction('appliedAt')(opId)).toBe(BigInt(receipt.blockNumber));
  }
  return Math.round(Number(receipt.gasUsed) / operations.length);
}

/** The same for each of a batch's places: a patient, and one of that patient's compartments. */
function forEachPlace(
  make: (patient: (typeof patients)[number], compartment: string, index: number) => Promise<SignedOperation>,
): Promise<SignedOperation[]> {
  return Promise.all(
    compartments.map((compartment, index) => {
      const patient = patients[index % patients.length];
      if (patient === undefined) throw new RangeError('There are patients');
      return make(patient, compartment, index);
    }),
  );
}

function commits(opIdIsDigest: boolean): Promise<SignedOperation[]> {
  return forEachPlace((patient, compartment, index) => {
    const commit = random();
    return ledger.sign(
      'Commit',
      [doctors[index % doctors.length] ?? admin],
      { patient: patient.address, compartment, epoch: 0, organization, commit },
      opIdIsDigest ? { opId: commit } : {},
    );
  });
}

beforeAll(async () => {
  ledger = await startLedger(governor);
  const admission = await ledger.sign('AdmitOrganization', [governor], {
    organization,
    admin: admin.address,
    encryptionKey: random(),
    organizationKey: random(),
    profile: random(),
    adminProfile: random(),
    keyEnvelope: random(),
  });
  const enrol = (member: string, roles: number) =>
    ledger.sign('EnrolMember', [admin], {
      organization,
      member,
      roles,
      encryptionKey: random(),
      profile: random(),
      keyEnvelope: random(),
    });
  await ledger.submit([
    admission,
    await enrol(registrar.address, 2),
    ...(await Promise.all(doctors.map((doctor) => enrol(doctor.address, 4)))),
  ]);
  await ledger.submit(
    await Promise.all(
      patients.map((patient) =>
        ledger.sign('RegisterPatient', [registrar, patient], {
          organization,
          patient: patient.address,
          encryptionKey: random(),
        }),
      ),
    ),
  );
}, 60_000);

afterAll(() => {
  ledger.stop();
});

test('a batch stays within the capacity that the ledger was planned for', async () => {
  const grant = await gasEach(
    await forEachPlace((patient, compartment) =>
      ledger.sign('Grant', [patient], {
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
  const commit = await gasEach(await commits(true));
  const commitOfOwnIdentifier = await gasEach(await commits(false));
  const revoke = await gasEach(
    await forEachPlace((patient, compartment) =>
      ledger.sign('Revoke', [patient], {
        patient: patient.address,
        compartment,
        grantee: organization,
        epoch: 1,
        envelope: ZeroHash,
      }),
    ),
  );
  process.stdout.write(`gas each: ${JSON.stringify({ grant, commit, commitOfOwnIdentifier, revoke })}\n`);
  // Of a commit's gas, 44,000 is what nothing can take away: one new slot for the identifier, three cold reads (anchor, grant,
  // epoch), the signature's recovery, calldata and the event.
  expect(commit).toBeLessThanOrEqual(57_000);
  // One new slot more, for the anchor.
  expect(commitOfOwnIdentifier).toBeLessThanOrEqual(80_000);
  expect(grant).toBeLessThanOrEqual(80_000);
  expect(revoke).toBeLessThanOrEqual(80_000);
}, 60_000);
