import { describe, expect, it } from 'vitest';
import { AppError } from '../../../src-shared/errors.ts';
import { alice, applied, block, bob, bytes32, commit, made, openStore, randomBytes32, rejected } from './fixtures.ts';

const grantee = bytes32(0xbeef);
const grant = (patient = alice) =>
  made('Grant', {
    patient,
    compartment: bytes32(1),
    grantee,
    access: 3,
    purpose: 1,
    validFrom: 0,
    validUntil: 0,
    epoch: 0,
    envelope: bytes32(0xe),
  });
const enrol = (member: string) =>
  made('EnrolMember', {
    organization: bytes32(2),
    member,
    roles: 4,
    encryptionKey: bytes32(3),
    profile: bytes32(0xab),
    keyEnvelope: bytes32(4),
  });

describe('enqueue', () => {
  it('keeps operations as they were signed, pending, in their order', () => {
    const { workstation } = openStore();
    const operations = [commit(), commit(), grant()];
    workstation.enqueue(operations);
    expect(workstation.pending(10).map(({ operation }) => operation)).toEqual(operations.map(({ operation }) => operation));
    expect(workstation.operation(operations[2]!.operation.opId)).toMatchObject({
      kind: 'Grant',
      state: 'pending',
      origin: 'here',
      block: null,
      label: 'Records of a patient',
    });
  });

  it('leaves known ones as they are', () => {
    const { workstation } = openStore();
    const known = commit();
    workstation.applyEvents([applied(known, 5)], [block(5)]);
    workstation.enqueue([known, known]);
    expect(workstation.operation(known.operation.opId)).toMatchObject({ state: 'mined', origin: 'ledger' });
    expect(workstation.countOperations({})).toBe(1);
  });

  it('takes all or none', () => {
    const { workstation } = openStore();
    const bad = commit(randomBytes32(), alice, { opId: '0x12' });
    expect(() => workstation.enqueue([commit(), bad])).toThrow(AppError);
    expect(workstation.countOperations({})).toBe(0);
  });

  it.each([
    ['an actor that is no account', { actor: 'alice' }],
    ['a payload that is no hexadecimal text', { payload: '0xzz' }],
    ['a payload of a megabyte', { payload: `0x${'00'.repeat(1024 * 1024)}` }],
    ['a thousand signatures', { signatures: Array.from({ length: 1000 }, () => '0x00') }],
  ])('refuses %s', (_, change) => {
    const { workstation } = openStore();
    expect(() => workstation.enqueue([commit(randomBytes32(), alice, change)])).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }));
  });
});

describe('operations', () => {
  it('are found by each of their columns', () => {
    const { workstation } = openStore();
    const digest = randomBytes32();
    const all = [commit(digest), commit(randomBytes32(), bob), grant(), enrol(bob)];
    workstation.enqueue(all);
    const found = (filter: Parameters<typeof workstation.operations>[0]) => {
      const list = workstation.operations(filter).map(({ operation }) => all.findIndex((one) => one.operation.opId === operation.opId));
      expect(workstation.countOperations(filter)).toBe(list.length);
      return list;
    };
    expect(found({ patient: alice })).toEqual([0, 2]);
    expect(found({ patient: alice.toLowerCase() })).toEqual([0, 2]);
    expect(found({ patient: alice, kinds: ['Commit'] })).toEqual([0]);
    expect(found({ compartment: bytes32(1) })).toEqual([0, 1, 2]);
    expect(found({ grantee })).toEqual([2]);
    expect(found({ member: bob })).toEqual([3]);
    expect(found({ organization: bytes32(2), kinds: ['EnrolMember', 'AdmitOrganization'] })).toEqual([3]);
    expect(found({ digest })).toEqual([0]);
    expect(found({ digest: bytes32(0xe) })).toEqual([2]);
    expect(found({ digest: bytes32(0xab) })).toEqual([3]);
    expect(found({ actor: alice, states: ['pending'] })).toEqual([0, 1, 2, 3]);
    expect(found({ states: ['final', 'rejected'] })).toEqual([]);
    expect(found({ kinds: [] })).toEqual([]);
    expect(found({ kinds: ['Grant', 'EnrolMember'] })).toEqual([2, 3]);
    expect(workstation.operations({ afterSeq: workstation.operations({})[1]!.seq, order: 'seq' })).toHaveLength(2);
    expect(workstation.operations({ limit: 1, order: 'seq', descending: true })[0]!.operation).toEqual(all[3]!.operation);
  });

  it('come in the order of the ledger, what is not on it last', () => {
    const { workstation } = openStore();
    const [waiting, late, early, second] = [commit(), commit(), commit(), commit()];
    workstation.enqueue([waiting, late]);
    workstation.applyEvents([applied(early, 3, 0), applied(second, 3, 1), applied(late, 9, 0)], [block(9)]);
    const order = (descending: boolean) => workstation.operations({ patient: alice, descending }).map(({ operation }) => operation.opId);
    const expected = [early, second, late, waiting].map(({ operation }) => operation.opId);
    expect(order(false)).toEqual(expected);
    expect(order(true)).toEqual([...expected].reverse());
  });

  it('with hostile text in a filter are none', () => {
    const { workstation } = openStore();
    workstation.enqueue([commit()]);
    expect(workstation.operations({ patient: "' OR 1=1 --" })).toEqual([]);
    expect(() => workstation.operations({ digest: "' OR 1=1 --" })).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }));
  });
});

describe('transactions', () => {
  const transaction = (hash: string, opIds: string[], nonce = 0) => ({ hash, nonce, raw: '0x02f8', opIds, createdAt: 1 });

  it('are kept with what they carry until they are dropped', () => {
    const { workstation } = openStore();
    const one = commit();
    const { opId } = one.operation;
    workstation.enqueue([one, commit()]);
    workstation.saveTransaction(transaction('0xaa', [opId]));
    expect(workstation.openTransactions()).toEqual([transaction('0xaa', [opId])]);
    expect(workstation.operation(opId)).toMatchObject({ state: 'submitted', txHash: '0xaa' });
    expect(workstation.pending(10)).toHaveLength(1);
    workstation.dropTransaction('0xaa');
    expect(workstation.openTransactions()).toEqual([]);
    expect(workstation.operation(opId)).toMatchObject({ state: 'pending', txHash: null });
  });

  it('that are replaced leave their operations to the replacement', () => {
    const { workstation } = openStore();
    const one = commit();
    const { opId } = one.operation;
    workstation.enqueue([one]);
    workstation.saveTransaction(transaction('0xaa', [opId]));
    workstation.saveTransaction(transaction('0xbb', [opId]));
    workstation.dropTransaction('0xaa');
    expect(workstation.operation(opId)).toMatchObject({ state: 'submitted', txHash: '0xbb' });
  });

  it('that are dropped change nothing of what is on the ledger', () => {
    const { workstation } = openStore();
    const [landed, refused] = [commit(), commit()];
    workstation.enqueue([landed, refused]);
    workstation.saveTransaction(
      transaction(
        '0xaa',
        [landed, refused].map(({ operation }) => operation.opId),
      ),
    );
    workstation.applyEvents([applied(landed, 4), rejected(refused, 4, 'EpochPassed(3)')], [block(4)]);
    workstation.dropTransaction('0xaa');
    expect(workstation.operation(landed.operation.opId)).toMatchObject({ state: 'mined', block: 4 });
    expect(workstation.operation(refused.operation.opId)).toMatchObject({ state: 'rejected', rejectReason: 'EpochPassed(3)' });
  });
});

describe('retry', () => {
  it('puts a refused operation back, and a second reading of the refusal does not undo that', () => {
    const { workstation } = openStore();
    const one = commit();
    const { opId } = one.operation;
    workstation.enqueue([one]);
    workstation.applyEvents([rejected(one, 4, 'EpochPassed(3)')], [block(4)]);
    workstation.retry(opId);
    workstation.applyEvents([rejected(one, 4, 'EpochPassed(3)')], [block(4)]);
    expect(workstation.pending(1)[0]).toMatchObject({ state: 'pending', rejectReason: null });
    workstation.applyEvents([rejected(one, 7, 'EpochPassed(4)')], [block(7)]);
    expect(workstation.operation(opId)).toMatchObject({ state: 'rejected', rejectReason: 'EpochPassed(4)' });
  });

  it('of one that was not refused says so', () => {
    const { workstation } = openStore();
    expect(() => workstation.retry(bytes32(1))).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
  });
});
