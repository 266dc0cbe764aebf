import { join } from 'node:path';
import fc from 'fast-check';
import type { Wallet } from 'ethers';
import { zeroPadValue } from 'ethers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRecordCrypto } from '../../../src-main/core/adapters/crypto/record-crypto.ts';
import { createOperationCodec } from '../../../src-main/core/adapters/ledger/operation-codec.ts';
import type { LedgerEvent } from '../../../src-main/core/ports.ts';
import { createConsents } from '../../../src-main/core/services/consents.ts';
import { createDelegations, everywhere } from '../../../src-main/core/services/delegations.ts';
import { createDirectory } from '../../../src-main/core/services/directory.ts';
import { checkEvents } from '../../../src-main/core/services/sync/event-check.ts';
import type { OperationKind, OperationPayload, SignedOperation } from '../../../src-shared/operations.ts';
import { bytes32, clinic, eventually, person, rpc, signed, site, workstation, type Clinic, type Site, type Workstation } from './site.ts';

const codec = createOperationCodec();
const zero = `0x${'00'.repeat(32)}`;
const day = 86_400;
/** Reasons that are about who decides. */
const aboutRights = /^(PatientRequired|PowerMissing|BeyondDelegation|SequencePassed|DelegationInvalid)\(/;

describe('who decides for a patient, on the real contracts and here', () => {
  let at: Site;
  let here: Workstation;
  let founded: Clinic;
  let guardian: Wallet;
  let stranger: Wallet;
  const now = Math.floor(Date.now() / 1000);
  const other = bytes32();
  const made: { operation: SignedOperation; allowed: boolean }[] = [];

  beforeAll(async () => {
    at = await site();
    founded = clinic(at.config);
    guardian = person();
    stranger = person();
    here = workstation({ dir: join(at.dir, 'a'), url: at.url, config: at.config });
    here.sync.start();
    here.enqueue(...founded.founding);
    await settled(founded.founding);
  });
  afterAll(async () => {
    await here.close();
    await at.close();
  });

  const settled = (operations: readonly SignedOperation[]) =>
    eventually(() => expect(here.states(operations).filter((state) => state !== 'final' && state !== 'rejected')).toEqual([]));

  const step = fc.record({
    who: fc.constantFrom('patient' as const, 'guardian' as const, 'guardian' as const, 'stranger' as const),
    kind: fc.constantFrom(
      ...(['AppointDelegate', 'AppointDelegate', 'DismissDelegate', 'Grant', 'Grant', 'ChangeGrant', 'Revoke'] as const),
      ...(['SwitchEmergency', 'DeclineRequest', 'ApproveRequest'] as const),
    ),
    place: fc.nat(2),
    powers: fc.integer({ min: 0, max: 8 }),
    capacity: fc.constantFrom(1, 1, 2, 3),
    end: fc.constantFrom(0, now - day, now + 5 * day, now + 6 * day, now + 900 * day),
    sequence: fc.integer({ min: 1, max: 40 }),
  });

  /** Signs what the steps say, and says of each by the rules here whether it is to be taken. `at`: the time of the blocks. */
  const play = (steps: readonly (typeof step extends fc.Arbitrary<infer T> ? T : never)[], time: number) => {
    const patient = founded.patient.address;
    const people = { patient: founded.patient, guardian, stranger };
    const places = [everywhere, founded.compartment, other];
    const grantee = zeroPadValue(founded.doctor.address, 32).toLowerCase();
    for (const { who, kind, place, powers, capacity, end, sequence } of steps) {
      const compartment = places[place] ?? everywhere;
      const signer = people[who];
      const epoch = epochs.get(compartment) ?? 0;
      const common = { patient, compartment, grantee, access: 1, purpose: 1, validFrom: 0, validUntil: end, epoch };
      const delegate = guardian.address;
      let request = zero;
      if (kind === 'ApproveRequest' || kind === 'DeclineRequest') {
        const asked = { patient, compartment, organization: zero, access: 1, purpose: 1, validUntil: 0, reason: bytes32() };
        request = add('RequestAccess', asked, founded.doctor, time);
      }
      const payloads: { [K in OperationKind]?: OperationPayload<K> } = {
        AppointDelegate: { patient, delegate, compartment, capacity, powers, validUntil: end, sequence },
        DismissDelegate: { patient, delegate, compartment, sequence },
        Grant: { ...common, envelope: bytes32() },
        // There is a grant to change only where one was given.
        ...(granted.has(compartment) ? { ChangeGrant: common } : {}),
        Revoke: { patient, compartment, grantee, epoch: epoch + 1, envelope: zero },
        SwitchEmergency: { patient, allowed: 0, sequence },
        DeclineRequest: { patient, request, reason: zero },
        ApproveRequest: { ...common, request, envelope: bytes32() },
      };
      const payload = payloads[kind];
      // Kind and payload belong together, which the table above says.
      if (payload) add(kind as 'Grant', payload as OperationPayload<'Grant'>, signer, time);
    }
  };
  const delegations = () => model ?? (model = createDelegations(founded.patient.address));
  let model: ReturnType<typeof createDelegations> | null = null;
  const requests = new Map<string, string>();
  const epochs = new Map<string, number>();
  const granted = new Set<string>();

  const add = <K extends OperationKind>(kind: K, payload: OperationPayload<K>, signer: Wallet, time: number): string => {
    const operation = signed(at.config, kind, payload, [signer], { deadline: now + 1000 * day });
    const decoded = codec.decodePayload(operation);
    const judged = { actor: operation.actor, decoded, at: time, issuedAt: operation.issuedAt, anchored: true };
    const allowed = delegations().allows(judged, (id) => requests.get(id));
    if (allowed) {
      delegations().apply(judged);
      if (decoded.kind === 'RequestAccess') requests.set(operation.opId, decoded.payload.compartment);
      if (decoded.kind === 'Revoke') {
        epochs.set(decoded.payload.compartment, decoded.payload.epoch);
        granted.delete(decoded.payload.compartment);
      }
      if (decoded.kind === 'Grant' || decoded.kind === 'ApproveRequest') granted.add(decoded.payload.compartment);
    }
    made.push({ operation, allowed });
    return operation.opId;
  };

  it('is judged alike, operation by operation, also when appointments have run out', async () => {
    granted.add(founded.compartment);
    // Whatever the draw, the guardian decides something: appointed with all powers, and a grant.
    const always = { place: 0, powers: 7, capacity: 1 as const, end: 0, sequence: 1 };
    play(
      [
        { ...always, who: 'patient', kind: 'AppointDelegate' },
        { ...always, who: 'guardian', kind: 'Grant', place: 1 },
      ],
      now,
    );
    const seed = Math.floor(Math.random() * 2 ** 31);
    const [first = [], second = []] = fc.sample(fc.array(step, { minLength: 120, maxLength: 120 }), { seed, numRuns: 2 });
    play(first, now);
    here.enqueue(...made.map(({ operation }) => operation));
    await settled(made.map(({ operation }) => operation));
    // Ten days later.
    await rpc(at.url, 'evm_increaseTime', 10 * day);
    const before = made.length;
    play(second, now + 10 * day);
    const later = made.slice(before).map(({ operation }) => operation);
    here.enqueue(...later);
    await settled(later);
    const judged = made.map(({ operation, allowed }) => {
      const stored = here.store.operation(operation.opId);
      return { kind: stored?.kind, allowed, taken: stored?.state === 'final', reason: stored?.rejectReason ?? '' };
    });
    expect(
      judged.filter(({ allowed, taken }) => allowed !== taken),
      `seed ${seed}`,
    ).toEqual([]);
    expect(judged.filter(({ taken, reason }) => !taken && !aboutRights.test(reason))).toEqual([]);
    // Both happened, or nothing was shown.
    expect(judged.filter(({ taken }) => taken).length).toBeGreaterThan(20);
    expect(judged.filter(({ taken }) => !taken).length).toBeGreaterThan(20);
  });

  it('is believed so by a workstation that follows, which keeps the time of the block that the ledger judged by', async () => {
    const there = workstation({ dir: join(at.dir, 'b'), url: at.url, config: at.config });
    try {
      there.sync.start();
      const taken = made.filter(({ allowed }) => allowed).map(({ operation }) => operation);
      await eventually(() => expect(new Set(there.states(taken))).toEqual(new Set(['final'])));
      expect(there.sync.status().forged).toBe(0);
      const decided = taken.filter(({ actor, kind }) => actor === guardian.address && kind !== 46 && kind !== 47);
      expect(decided.length).toBeGreaterThan(0);
      for (const { opId } of decided) expect(there.store.operation(opId)?.blockTime).toBeGreaterThan(now - day);
      const [mine, theirs] = [here, there].map(({ store }) => {
        const consents = createConsents(store, codec, createDirectory(store, codec), createRecordCrypto());
        const states = [...consents.of(founded.patient.address)].map(([compartment, { epoch }]) => [compartment, epoch] as const);
        return { states, appointments: consents.delegations(founded.patient.address).appointments() };
      });
      expect(theirs?.states).toEqual(mine?.states);
      for (const [compartment, epoch] of theirs?.states ?? []) expect(epoch).toBe(epochs.get(compartment) ?? 0);
      expect(theirs?.appointments).toEqual(delegations().appointments());
    } finally {
      await there.close();
    }
  });

  it('is not believed of an endpoint that says the ledger took what it refused', async () => {
    const refused = made.filter(({ allowed }) => !allowed).map(({ operation }) => operation);
    const block = (here.store.followedBlocks(1)[0]?.number ?? 0) + 1;
    const ended = [guardian.address, stranger.address].map((delegate) =>
      [everywhere, founded.compartment, other].map((compartment) =>
        signed(at.config, 'DismissDelegate', { patient: founded.patient.address, delegate, compartment, sequence: 50 }, [founded.patient]),
      ),
    );
    const events: LedgerEvent[] = [...ended.flat(), ...refused].map((operation, logIndex) => ({
      ...{ type: 'applied', opId: operation.opId, operation, block, blockHash: zero, logIndex, txHash: zero },
    }));
    const check = {
      store: here.store,
      codec,
      network: at.config,
      doubtful: new Set<string>(),
      applied: () => Promise.resolve(null),
      stopping: () => false,
    };
    const unknown = { ...here.store, operation: () => undefined };
    const result = await checkEvents({ ...check, store: unknown, blockTime: () => Promise.resolve(now + 10 * day) }, events);
    const believed = result.believed.map(({ event }) => event.opId);
    expect(believed.filter((opId) => refused.some((operation) => operation.opId === opId))).toEqual([]);
    expect(result.forged).toBe(refused.length);
  });
});
