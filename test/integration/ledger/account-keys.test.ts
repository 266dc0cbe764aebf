/** Who may give an account a new key: the rules here against the contracts, over random operations on a real ledger, and what an endpoint makes up about it. */
import { join } from 'node:path';
import type { Wallet } from 'ethers';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createOperationCodec } from '../../../src-main/core/adapters/ledger/operation-codec.ts';
import type { LedgerEvent } from '../../../src-main/core/ports.ts';
import { createAccountKeys } from '../../../src-main/core/services/account-keys.ts';
import { createDirectory } from '../../../src-main/core/services/directory.ts';
import { checkEvents } from '../../../src-main/core/services/sync/event-check.ts';
import { operationKinds, type OperationKind, type OperationPayload, type SignedOperation } from '../../../src-shared/operations.ts';
import { bytes32, clinic, eventually, person, rpc, signed, site, workstation, type Clinic, type Site, type Workstation } from './site.ts';

const codec = createOperationCodec();
const zero = `0x${'00'.repeat(32)}`;
const nobody = `0x${'00'.repeat(20)}`;
const day = 86_400;
/** Reasons that are about who may change an account's keys. */
const aboutKeys = /^(NotAuthorized|RecoveryInvalid|RoundPassed|ProposalUnknown|ApprovedBefore|ProposalNotReady)\(/;

describe('who may give an account a new key, on the real contracts and here', () => {
  let at: Site;
  let here: Workstation;
  let founded: Clinic;
  const guardians = [person(), person(), person()];
  const stranger = person();
  /** Seconds that the ledger's clock was moved on. */
  let ahead = 0;
  const now = () => Math.floor(Date.now() / 1000) + ahead;
  const made: { operation: SignedOperation; allowed: boolean }[] = [];
  let model: ReturnType<typeof createAccountKeys>;
  /** Signs for the account now. */
  let key: Wallet;
  const proposed: { id: string; to: Wallet }[] = [];

  beforeAll(async () => {
    at = await site();
    founded = clinic(at.config);
    key = founded.patient;
    model = createAccountKeys(founded.patient.address);
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
    act: fc.constantFrom(
      ...(['SetRecovery', 'ProposeRecovery', 'ProposeRecovery', 'ApproveRecovery', 'ApproveRecovery', 'ApproveRecovery'] as const),
      ...(['CompleteRecovery', 'CompleteRecovery', 'CompleteRecovery', 'VetoRecovery', 'RotateKeys'] as const),
    ),
    by: fc.nat(4),
    /** Out of ten: seldom an end, which would leave little to be seen of the rest. */
    seldom: fc.nat(9),
    which: fc.nat(3),
    count: fc.constantFrom(0, 2, 3, 3, 3),
    threshold: fc.constantFrom(0, 1, 2, 2, 3),
    delay: fc.constantFrom(0, day, day, day, 2 * day, 91 * day),
    stale: fc.nat(4),
  });
  type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

  const signers = (by: number): Wallet => [...guardians, stranger, key][by] ?? stranger;
  const header = (who: Wallet) => (who === key ? { actor: founded.patient.address } : {});

  const make = ({ act, by, seldom, which, count, threshold, delay, stale }: Step): SignedOperation | null => {
    const account = founded.patient.address;
    const who = signers(by);
    const change = { ...header(who), deadline: 2 ** 39 };
    // Mostly one that still has its force, so that much is taken, too.
    const open = model.proposals();
    const proposal = (seldom < 7 ? open[which % Math.max(open.length, 1)]?.id : undefined) ?? proposed.at(-1 - which)?.id ?? zero;
    switch (act) {
      case 'SetRecovery': {
        if (seldom > 1) return null;
        const [guardian1 = nobody, guardian2 = nobody, guardian3 = nobody] = guardians.slice(0, count).map(({ address }) => address);
        const round = model.terms().round - (stale === 0 ? 1 : 0);
        const payload = {
          guardian1,
          guardian2,
          guardian3,
          guardian4: nobody,
          guardian5: nobody,
          threshold,
          delay,
          round: Math.max(0, round),
        };
        return signed(at.config, 'SetRecovery', payload, [key], { ...header(key), deadline: 2 ** 39 });
      }
      case 'ProposeRecovery': {
        const to = person();
        const operation = signed(at.config, act, { account, signer: to.address, encryptionKey: bytes32() }, [who, to], change);
        proposed.push({ id: operation.opId, to });
        return operation;
      }
      case 'ApproveRecovery':
        return signed(at.config, act, { account, proposal }, [who], change);
      case 'VetoRecovery':
        return seldom > 0 ? null : signed(at.config, act, { account }, [who], change);
      case 'RotateKeys': {
        if (seldom > 0 || which > 0) return null;
        const to = person();
        const operation = signed(at.config, act, { signer: to.address, encryptionKey: bytes32() }, [key, to], {
          ...header(key),
          deadline: 2 ** 39,
        });
        rotated.set(operation.opId, to);
        return operation;
      }
      default: {
        // The new key itself is an account of its own until then.
        const to = proposed.find(({ id }) => id === proposal)?.to ?? stranger;
        const signer = seldom < 5 ? to : who;
        return signed(at.config, act, { account, proposal }, [signer], { ...header(signer), deadline: 2 ** 39 });
      }
    }
  };
  const rotated = new Map<string, Wallet>();

  /** Says of an operation by the rules here whether it is to be taken, at the time of its block. */
  const judge = (operation: SignedOperation, time: number): void => {
    const decoded = codec.decodePayload(operation);
    const judged = { opId: operation.opId, actor: operation.actor, decoded, at: time };
    const allowed = model.allows(judged);
    if (allowed) model.apply(judged);
    made.push({ operation, allowed });
    const newest = [...rotated.values(), ...proposed.map(({ to }) => to)].find(({ address }) => address === model.signer());
    if (newest) key = newest;
  };

  it('is judged alike, operation by operation, before and after waiting times', { timeout: 240_000 }, async () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const rounds = fc.sample(fc.array(step, { minLength: 24, maxLength: 24 }), { seed, numRuns: 60 });
    const isShown = (kind: OperationKind, wanted: boolean) =>
      made.some(({ operation, allowed }) => operation.kind === operationKinds[kind].code && allowed === wanted);
    /** Both happened, or nothing was shown. */
    const allShown = () =>
      (['ProposeRecovery', 'ApproveRecovery', 'CompleteRecovery'] as const).every((kind) => isShown(kind, true) && isShown(kind, false));
    const [guardian1 = nobody, guardian2 = nobody, guardian3 = nobody] = guardians.map(({ address }) => address);
    const first = { guardian1, guardian2, guardian3, guardian4: nobody, guardian5: nobody, threshold: 2, delay: day, round: 0 };
    for (const [i, steps] of rounds.entries()) {
      if (i >= 12 && allShown()) break;
      const operations: SignedOperation[] = [];
      if (i === 0) operations.push(signed(at.config, 'SetRecovery', first, [key], { deadline: 2 ** 39 }));
      for (const operation of operations) judge(operation, now());
      for (const one of steps) {
        const operation = make(one);
        if (!operation) continue;
        judge(operation, now());
        operations.push(operation);
      }
      here.enqueue(...operations);
      await settled(operations);
      const step = i % 3 === 0 ? 3600 : 2 * day + 60;
      ahead += step;
      await rpc(at.url, 'evm_increaseTime', step);
    }
    const judged = made.map(({ operation, allowed }) => {
      const stored = here.store.operation(operation.opId);
      return { kind: stored?.kind, allowed, taken: stored?.state === 'final', reason: stored?.rejectReason ?? '' };
    });
    expect(
      judged.filter(({ allowed, taken }) => allowed !== taken),
      `seed ${seed}`,
    ).toEqual([]);
    expect(judged.filter(({ taken, reason }) => !taken && !aboutKeys.test(reason))).toEqual([]);
    expect(allShown(), `seed ${seed}`).toBe(true);
  });

  it('is believed so by a workstation that follows, which comes to the same key in force and the same history', async () => {
    const there = workstation({ dir: join(at.dir, 'b'), url: at.url, config: at.config });
    try {
      there.sync.start();
      const taken = made.filter(({ allowed }) => allowed).map(({ operation }) => operation);
      await eventually(() => expect(new Set(there.states(taken))).toEqual(new Set(['final'])));
      expect(there.sync.status().forged).toBe(0);
      const account = founded.patient.address;
      const expected = [account, ...model.keys().map(({ signer }) => signer)];
      for (const { store } of [here, there]) {
        const directory = createDirectory(store, codec);
        expect(directory.signers(account)).toEqual(expected);
        expect(directory.signer(account)).toBe(key.address);
        expect(directory.rotatedEncryptionKey(account)).toBe(model.keys().at(-1)?.encryptionKey);
      }
    } finally {
      await there.close();
    }
  });

  it('is not believed of an endpoint that says the ledger took what it refused, or that makes up agreement', async () => {
    const account = founded.patient.address;
    const store = here.store;
    const block = (store.followedBlocks(1)[0]?.number ?? 0) + 1;
    const event = (operation: SignedOperation, logIndex: number): LedgerEvent => ({
      ...{ type: 'applied', opId: operation.opId, operation, block, blockHash: zero, logIndex, txHash: zero },
    });
    const check = {
      store,
      codec,
      network: at.config,
      doubtful: new Set<string>(),
      stopping: () => false,
      applied: () => Promise.resolve(null),
    };
    const told = (operations: readonly SignedOperation[], time = now()) =>
      checkEvents({ ...check, blockTime: () => Promise.resolve(time) }, operations.map(event));
    const [guardian1 = nobody, guardian2 = nobody, guardian3 = nobody] = guardians.map(({ address }) => address);
    const set = (round: number) => {
      const payload = { guardian1, guardian2, guardian3, guardian4: nobody, guardian5: nobody, threshold: 2, delay: day, round };
      return signed(at.config, 'SetRecovery', payload, [key], { actor: account });
    };
    const thief = person();
    const propose = <K extends OperationKind>(kind: K, payload: OperationPayload<K>, by: readonly Wallet[]) =>
      signed(at.config, kind, payload, by);
    const asked = propose('ProposeRecovery', { account, signer: thief.address, encryptionKey: bytes32() }, [guardians[0]!, thief]);
    const approved = propose('ApproveRecovery', { account, proposal: asked.opId }, [guardians[1]!]);
    const alone = propose('ApproveRecovery', { account, proposal: asked.opId }, [guardians[0]!]);
    const completed = propose('CompleteRecovery', { account, proposal: asked.opId }, [thief]);
    const begun = [set(model.terms().round), asked];
    // One guardian alone, twice; too early; without the new key's own signature; for a proposal that nobody made.
    expect(await told([...begun, alone, completed])).toMatchObject({ forged: 2 });
    expect(await told([...begun, approved, completed])).toMatchObject({ forged: 1 });
    const unsigned = propose('ProposeRecovery', { account, signer: thief.address, encryptionKey: bytes32() }, [guardians[0]!, stranger]);
    expect(await told([begun[0]!, unsigned])).toMatchObject({ forged: 1 });
    expect(await told([begun[0]!, approved, completed])).toMatchObject({ forged: 2 });
    // A key that was never given signs for nobody.
    const stolen = signed(at.config, 'VetoRecovery', { account }, [thief], { actor: account });
    expect(await told([...begun, approved, completed, stolen])).toMatchObject({ forged: 2 });
  });
});
