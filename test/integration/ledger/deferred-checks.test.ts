/** A catch-up: many commits of others come at once, and who signed them is found out behind it. */
import { join } from 'node:path';
import { zeroPadValue, type Wallet } from 'ethers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createOperationCodec } from '../../../src-main/core/adapters/ledger/operation-codec.ts';
import type { LedgerPort, OperationCodecPort, SignedDigest } from '../../../src-main/core/ports.ts';
import { accessBits, purposes, type SignedOperation } from '../../../src-shared/operations.ts';
import { bytes32, clinic, eventually, person, signed, site, temporaryFolder, workstation } from './site.ts';
import type { Clinic, Site, Workstation } from './site.ts';

const many = 70;
/** Signatures in one question from which on it is the deferred check that asks. */
const few = 20;

let at: Site;
let founded: Clinic;
let wantedCompartment: string;
/** The doctor's, before and after the doctor's key was replaced, and those of a second compartment. */
let before: SignedOperation[];
let after: SignedOperation[];
let wanted: SignedOperation[];
let folder: ReturnType<typeof temporaryFolder>;
let here: Workstation;
/** Nobody finds out who signed many while it is shut. */
let gate: { open(): void; readonly passed: Promise<void> };
/** In the order in which they were asked for. */
let asked: string[];

function shutGate() {
  let open = (): void => undefined;
  const passed = new Promise<void>((resolve) => (open = resolve));
  gate = { open, passed };
}

/** The real codec, behind the gate. */
function gatedCodec(): OperationCodecPort {
  const codec = createOperationCodec();
  return {
    ...codec,
    async recoverAll(signatures: readonly SignedDigest[]) {
      if (signatures.length > few) {
        asked.push(...signatures.map(({ signature }) => signature));
        await gate.passed;
      }
      return codec.recoverAll(signatures);
    },
  };
}

/** Changes applied operations on their way from the ledger. */
const lying =
  (change: (operation: SignedOperation) => SignedOperation) =>
  (ledger: LedgerPort): LedgerPort =>
    new Proxy(ledger, {
      get(target, name) {
        if (name !== 'events') return Reflect.get(target, name) as unknown;
        return async (from: number, to: number) =>
          (await target.events(from, to)).map((event) => (event.operation ? { ...event, operation: change(event.operation) } : event));
      },
    });

function begin(between?: (ledger: LedgerPort) => LedgerPort, wantedHere: readonly string[] = [], mostUnchecked?: number) {
  here = workstation({
    ...(mostUnchecked === undefined ? {} : { mostUnchecked }),
    ...{ dir: join(folder.dir, 'here'), url: at.url, config: at.config, codec: gatedCodec(), wanted: () => wantedHere },
    ...(between ? { between } : {}),
  });
  here.sync.start();
}

const isRead = () =>
  eventually(() => {
    const { head, followed } = here.sync.status();
    expect(head).not.toBeNull();
    expect(followed).toBe(head);
  });

beforeAll(async () => {
  at = await site();
  founded = clinic(at.config);
  const { doctor, patient, compartment, founding } = founded;
  const newKey = person();
  wantedCompartment = bytes32();
  const commitBy = (signer: Wallet, where: string) =>
    signed(
      at.config,
      'Commit',
      { patient: patient.address, compartment: where, epoch: 0, organization: `0x${'00'.repeat(32)}`, commit: bytes32() },
      [signer],
      { actor: doctor.address },
    );
  const list = (signer: Wallet, where = compartment) => Array.from({ length: many }, () => commitBy(signer, where));
  const grant = {
    ...{ patient: patient.address, compartment: wantedCompartment, grantee: zeroPadValue(doctor.address, 32).toLowerCase() },
    ...{
      access: accessBits.read | accessBits.write,
      purpose: purposes.treatment,
      validFrom: 0,
      validUntil: 0,
      epoch: 0,
      envelope: bytes32(),
    },
  };
  before = list(doctor);
  wanted = list(doctor, wantedCompartment);
  after = list(newKey);
  const rotation = signed(at.config, 'RotateKeys', { signer: newKey.address, encryptionKey: bytes32() }, [doctor, newKey]);
  const all = [...founding, signed(at.config, 'Grant', grant, [patient]), ...wanted, ...before, rotation, ...after];
  const made = temporaryFolder();
  const maker = workstation({ dir: made.dir, url: at.url, config: at.config });
  maker.enqueue(...all);
  maker.sync.start();
  await eventually(() => expect(new Set(maker.states(all))).toEqual(new Set(['final'])));
  await maker.close();
  made.remove();
}, 60_000);
afterAll(() => at.close());

beforeEach(() => {
  folder = temporaryFolder();
  asked = [];
  shutGate();
});
afterEach(async () => {
  gate.open();
  await here.close();
  folder.remove();
});

const commitsKnown = () => here.store.countOperations({ kinds: ['Commit'] });

/** All but the end of it, which is too few for a catch-up, waits to be checked. */
function expectMostUnchecked() {
  const { unchecked } = here.sync.status();
  expect(unchecked).toBeGreaterThan(2 * many);
  expect(commitsKnown()).toBe(3 * many - unchecked);
}

describe('many commits at once', () => {
  it('are known only when it was found out who signed them, by the key that counted where they stand', async () => {
    begin();
    await isRead();
    expectMostUnchecked();
    expect(here.states(founded.founding)).toEqual(['final', 'final', 'final', 'final']);
    gate.open();
    await eventually(() => expect(here.sync.status().unchecked).toBe(0));
    expect(new Set(here.states([...before, ...wanted, ...after]))).toEqual(new Set(['final']));
    expect(here.sync.status().forged).toBe(0);
  });

  it('are left out where somebody else signed them, or their author by a key that was replaced before', async () => {
    const forged = new Map<string, SignedOperation>();
    for (const operation of [before[3]!, wanted[5]!]) {
      const [signature] = before[0]!.signatures;
      forged.set(operation.opId, { ...operation, signatures: [signature!] });
    }
    const replaced = after[7]!;
    const digest = createOperationCodec().digest(at.config, replaced);
    forged.set(replaced.opId, { ...replaced, signatures: [founded.doctor.signingKey.sign(digest).serialized] });
    const nobody = after[9]!;
    forged.set(nobody.opId, { ...nobody, signatures: [`0x${'00'.repeat(65)}`] });
    const long = after[11]!;
    forged.set(long.opId, { ...long, signatures: [`0x${'ab'.repeat(4000)}`] });
    gate.open();
    begin(lying((operation) => forged.get(operation.opId) ?? operation));
    await isRead();
    await eventually(() => expect(here.sync.status().unchecked).toBe(0));
    expect(here.sync.status().forged).toBe(5);
    expect(new Set(here.states([...forged.values()]))).toEqual(new Set(['unknown']));
    expect(commitsKnown()).toBe(3 * many - 5);
  });

  it('are checked first where somebody who works here may read them, and become known in the order of the ledger', async () => {
    begin(undefined, [wantedCompartment]);
    await isRead();
    expectMostUnchecked();
    const signatureOf = ({ signatures }: SignedOperation) => signatures[0];
    const isWanted = new Set(wanted.map(signatureOf));
    expect(asked.length).toBeGreaterThan(0);
    gate.open();
    await eventually(() => expect(here.sync.status().unchecked).toBe(0));
    const places = asked.map((signature) => isWanted.has(signature));
    expect(places.indexOf(false)).toBeGreaterThan(places.lastIndexOf(true));
    for (const compartment of [wantedCompartment, founded.compartment]) {
      const known = here.store.operations({ kinds: ['Commit'], compartment, order: 'seq' });
      expect(known).toEqual(here.store.operations({ kinds: ['Commit'], compartment, order: 'ledger' }));
    }
    expect(commitsKnown()).toBe(3 * many);
  });

  it('are checked before more is read where they would be too many', async () => {
    begin(undefined, [], many);
    await eventually(() => expect(here.sync.status().unchecked).toBeGreaterThan(many));
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const { followed, head, unchecked } = here.sync.status();
    expect(followed).toBeLessThan(head ?? 0);
    expect(commitsKnown()).toBe(0);
    expect(unchecked).toBeLessThan(3 * many);
    gate.open();
    await isRead();
    await eventually(() => expect(here.sync.status().unchecked).toBe(0));
    expect(commitsKnown()).toBe(3 * many);
  });

  it('are checked later where it was ended in between', async () => {
    begin();
    await isRead();
    expectMostUnchecked();
    gate.open();
    await here.close();
    shutGate();
    begin();
    await isRead();
    expect(commitsKnown() + here.sync.status().unchecked).toBe(3 * many);
    gate.open();
    await eventually(() => expect(here.sync.status().unchecked).toBe(0));
    expect(commitsKnown()).toBe(3 * many);
    expect(here.sync.status().forged).toBe(0);
  });
});
