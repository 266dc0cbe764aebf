/** Who signs for an account, by the verifier of exports, the workstation and the contracts (export-rules.ts). */
import type { Wallet } from 'ethers';
import { describe, expect, it } from 'vitest';
import { type OperationPayload, type SignedOperation } from '../../../src-shared/operations.ts';
import {
  log,
  useLedger,
  nobody,
  day,
  grantee,
  sign,
  carried,
  people,
  file,
  problems,
  without,
  taken,
  refused,
  pass,
} from './export-rules.ts';
import { bytes32, person } from './site.ts';
useLedger();

describe('the verifier of exports and the contracts agree on keys', () => {
  it('on new keys: of a doctor and of a patient, co-signed, each in force from its place on', async () => {
    const w = people();
    await w.found();
    await taken(w.grant());
    await taken(w.commit());
    const [newer, other] = [person(), person()];
    const rotate = (account: Wallet, by: Wallet, to: Wallet, header: Partial<SignedOperation> = {}) =>
      sign('RotateKeys', { signer: to.address, encryptionKey: bytes32() }, [by, to], { actor: account.address, ...header });
    await refused(sign('RotateKeys', { signer: newer.address, encryptionKey: bytes32() }, [w.doctor]), 'a signature is missing');
    await refused(sign('RotateKeys', { signer: newer.address, encryptionKey: bytes32() }, [w.doctor, other]), 'new key’s own signature');
    await refused(rotate(w.doctor, w.doctor, w.registrar), 'an account of its own');
    await refused(rotate(newer, newer, other), 'neither a patient nor an active member');
    await taken(rotate(w.doctor, w.doctor, newer));
    await refused(w.commit(), 'had replaced by then');
    const actor = w.doctor.address;
    await taken(w.commit({}, newer, { actor }));
    await refused(rotate(w.registrar, w.registrar, newer), 'in use before');
    await refused(w.enrol(newer, 4), 'not an account of its own');
    await refused(w.register(newer), 'not an account of its own');
    await taken(rotate(w.doctor, newer, other));
    await refused(w.commit({}, newer, { actor }), 'had replaced by then');
    await taken(w.commit({}, other, { actor }));
    const patientKey = person();
    await taken(rotate(w.patient, w.patient, patientKey));
    await refused(w.revoke(), 'had replaced by then');
    await taken(sign('Revoke', { ...w.terms, grantee: grantee(actor), epoch: 1 }, [patientKey], { actor: w.patient.address }));
    expect(await problems(file(w.patient, log, patientKey), true)).toBe('');
    expect(await carried(w, patientKey)).toContain('RotateKeys');
    expect(await problems(file(w.patient, log, w.patient))).toContain('is not as');
    expect(await problems(file(w.patient, without('RotateKeys'), w.patient))).toContain('the signature is not that of the account');
    const swapped = structuredClone(log);
    const [first, second] = swapped.filter(({ kind }) => kind === 'RotateKeys');
    if (first && second) [first.anchor, second.anchor] = [second.anchor, first.anchor];
    expect(await problems(file(w.patient, swapped, patientKey))).not.toBe('');
    const early = structuredClone(log);
    const moved = early.find(({ kind }) => kind === 'RotateKeys');
    if (moved?.anchor) moved.anchor = { ...moved.anchor, block: 1 };
    expect(await problems(file(w.patient, early, patientKey))).not.toBe('');
    const last = log.filter(({ kind }) => kind === 'RotateKeys').at(-1);
    const shorter = log.filter((operation) => operation !== last && operation.kind !== 'Revoke');
    expect(await problems(file(w.patient, shorter), true)).toContain('holds a RotateKeys');
  });

  it('on recovery by guardians: their number, the waiting time, the veto', async () => {
    const w = people();
    await w.found();
    const [g1, g2, g3] = [person(), person(), person()];
    const [lost, found, again] = [w.doctor, person(), person()];
    const set = (change: Partial<OperationPayload<'SetRecovery'>> = {}) =>
      sign(
        'SetRecovery',
        {
          ...{ guardian1: g1.address, guardian2: g2.address, guardian3: g3.address, guardian4: nobody, guardian5: nobody },
          ...{ threshold: 2, delay: day, round: 0, ...change },
        },
        [lost],
      );
    const propose = (by: Wallet, to: Wallet) =>
      sign('ProposeRecovery', { account: lost.address, signer: to.address, encryptionKey: bytes32() }, [by, to]);
    const approve = (by: Wallet, proposal: string) => sign('ApproveRecovery', { account: lost.address, proposal }, [by]);
    const complete = (by: Wallet, proposal: string) => sign('CompleteRecovery', { account: lost.address, proposal }, [by]);
    await refused(set({ guardian2: g1.address }), 'do not go together');
    await refused(set({ threshold: 4 }), 'do not go together');
    await refused(set({ delay: 60 }), 'do not go together');
    await taken(set());
    await refused(set(), 'another round');
    await refused(propose(w.registrar, found), 'no guardian');
    const vetoed = await taken(propose(g1, again));
    await refused(approve(g1, vetoed), 'agreed before');
    await refused(sign('VetoRecovery', { account: lost.address }, [g1]), 'the account itself');
    await taken(sign('VetoRecovery', { account: lost.address }, [lost]));
    await refused(approve(g2, vetoed), 'lost its force');
    const proposal = await taken(propose(g1, found));
    await refused(complete(g2, proposal), 'had not agreed');
    await taken(approve(g2, proposal));
    await refused(complete(found, proposal), 'waiting time');
    await pass(day + 1);
    await refused(complete(w.registrar, proposal), 'no guardian');
    await taken(w.grant());
    await taken(w.commit());
    await taken(complete(found, proposal));
    await refused(w.commit(), 'had replaced by then');
    await taken(w.commit({}, found, { actor: lost.address }));
    expect(await problems(file(w.patient), true)).toBe('');
    expect(await carried(w)).toEqual(expect.arrayContaining(['SetRecovery', 'ProposeRecovery', 'ApproveRecovery', 'CompleteRecovery']));
    expect(await problems(file(w.patient, without('CompleteRecovery')))).toContain('the signature is not that of the account');
    expect(await problems(file(w.patient, without('ApproveRecovery')), true)).toContain('had not agreed');
  });
});
