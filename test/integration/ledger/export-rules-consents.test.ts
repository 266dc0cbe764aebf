/** What a patient allows, by the verifier of exports, the workstation and the contracts (export-rules.ts). */
import type { Wallet } from 'ethers';
import { describe, expect, it } from 'vitest';
import { type OperationPayload } from '../../../src-shared/operations.ts';
import {
  ledger,
  log,
  useLedger,
  zero,
  far,
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

describe('the verifier of exports and the contracts agree on consents', () => {
  it('on changed grants: by the patient, of what is there, in their epoch and time', async () => {
    const w = people();
    await w.found();
    const change = (terms: Partial<OperationPayload<'ChangeGrant'>>, by = w.patient) => {
      const { envelope: _, ...rest } = w.terms;
      return sign('ChangeGrant', { ...rest, grantee: grantee(w.doctor.address), ...terms }, [by]);
    };
    await refused(change({}), 'the permission that it changes');
    await taken(w.grant());
    await refused(change({}, w.doctor), 'not signed by the patient');
    await refused(change({ access: 0 }), 'terms do not exist');
    await refused(change({ purpose: 7 }), 'terms do not exist');
    await refused(change({ validFrom: 2, validUntil: 1 }), 'terms do not exist');
    await taken(change({ access: 1 }));
    await refused(w.commit(), 'had not allowed');
    await taken(change({ validFrom: far }));
    await refused(w.commit(), 'did not hold at that time');
    const now = (await ledger.head()).timestamp;
    await taken(change({ validUntil: now + 1000 }));
    await taken(w.commit());
    await pass(1001);
    await refused(w.commit(), 'did not hold at that time');
    await refused(change({ epoch: 1 }), 'epoch');
    await taken(w.revoke());
    await refused(w.commit({ epoch: 1 }), 'had not allowed');
    await refused(w.grant(), 'epoch');
    await taken(w.grant({ epoch: 1 }));
    await refused(w.commit(), 'epoch');
    await taken(w.commit({ epoch: 1 }));
    const again = { epoch: 1, commit: bytes32() };
    await taken(w.commit(again));
    await refused(w.commit(again), 'anchored before');
    expect(await problems(file(w.patient), true)).toBe('');
    expect(await carried(w)).toContain('ChangeGrant');
    const last = log.filter(({ kind }) => kind === 'ChangeGrant').at(-1);
    expect(
      await problems(
        file(
          w.patient,
          log.filter((operation) => operation !== last),
        ),
        true,
      ),
    ).toContain('holds a ChangeGrant');
    expect(await problems(file(w.patient, without('Grant')))).toContain('the permission that it changes');
  });

  it('on requests: asked by who may, answered once by the patient', async () => {
    const w = people();
    await w.found();
    const ask = (by: Wallet, organization = zero) =>
      sign(
        'RequestAccess',
        { patient: w.patient.address, compartment: zero, organization, access: 3, purpose: 1, validUntil: 0, reason: bytes32() },
        [by],
      );
    const approve = (request: string, by = w.patient) => sign('ApproveRequest', { ...w.terms, request }, [by]);
    const decline = (request: string, by = w.patient) =>
      sign('DeclineRequest', { patient: w.patient.address, request, reason: zero }, [by]);
    await refused(ask(w.admin), 'no role in a clinic then that may ask');
    await refused(ask(person()), 'no role in a clinic then that may ask');
    const own = await taken(ask(w.doctor));
    const clinics = await taken(ask(w.registrar, w.organization));
    const unwanted = await taken(ask(w.doctor));
    await refused(approve(bytes32()), 'not in the file');
    await refused(approve(own, w.doctor), 'not signed by the patient');
    await taken(approve(own));
    await refused(approve(own), 'answered before');
    await taken(w.commit());
    await refused(w.commit({ organization: w.organization }), 'had not allowed');
    await taken(approve(clinics));
    await taken(w.commit({ organization: w.organization }));
    await refused(decline(unwanted, w.doctor), 'not signed by the patient');
    await taken(decline(unwanted));
    await refused(approve(unwanted), 'answered before');
    expect(await problems(file(w.patient), true)).toBe('');
    expect(await carried(w)).toEqual(expect.arrayContaining(['RequestAccess', 'ApproveRequest']));
    expect(await problems(file(w.patient, without('RequestAccess')))).toContain('request that it answers is not in the file');
    expect(await problems(file(w.patient, without('ApproveRequest', 'RequestAccess', 'DeclineRequest')))).toContain('had not allowed');
    const [first] = log.filter(({ kind }) => kind === 'ApproveRequest');
    expect(
      await problems(
        file(
          w.patient,
          log.filter((operation) => operation !== first),
        ),
        true,
      ),
    ).toContain('holds a ApproveRequest');
  });

  it('on delegates: appointed by the patient, within their powers, place and time', async () => {
    const w = people();
    await w.found();
    const delegate = person();
    const now = (await ledger.head()).timestamp;
    const appoint = (change: Partial<OperationPayload<'AppointDelegate'>> = {}, by = w.patient) =>
      sign(
        'AppointDelegate',
        {
          ...{ patient: w.patient.address, delegate: delegate.address, compartment: w.compartment, capacity: 2, powers: 1 },
          ...{ validUntil: now + 1000, sequence: 1, ...change },
        },
        [by],
      );
    const dismiss = (sequence: number, by: Wallet = w.patient, compartment = w.compartment) =>
      sign('DismissDelegate', { patient: w.patient.address, delegate: delegate.address, compartment, sequence }, [by]);
    await refused(w.grant({}, delegate), 'somebody whom the patient appointed');
    await refused(appoint({}, delegate), 'not signed by the patient');
    await refused(appoint({ powers: 8 }), 'powers that do not exist');
    await refused(appoint({ delegate: w.patient.address }), 'appoints nobody');
    await taken(appoint());
    await refused(appoint(), 'later decision');
    await refused(w.grant({}, delegate), 'lasts longer');
    await taken(w.grant({ validUntil: now + 1000 }, delegate));
    await taken(w.commit());
    await refused(w.revoke({}, delegate), 'did not include this');
    await taken(appoint({ compartment: zero, powers: 3, validUntil: 0 }));
    await taken(w.revoke({}, delegate));
    await taken(w.grant({ epoch: 1 }, delegate));
    await taken(w.commit({ epoch: 1 }));
    await taken(dismiss(5, w.patient, zero));
    await refused(appoint({ compartment: zero, sequence: 4 }), 'later decision');
    await refused(w.revoke({ epoch: 2 }, delegate), 'did not include this');
    await pass(1001);
    await refused(w.grant({ epoch: 1, validUntil: now + 500 }, delegate), 'had ended');
    await taken(appoint({ validUntil: 0, sequence: 2, powers: 7, compartment: w.compartment }));
    await taken(dismiss(0, delegate));
    await refused(w.grant({ epoch: 1 }, delegate), 'had ended');
    await refused(dismiss(1, w.doctor), 'not signed by the patient');
    expect(await problems(file(w.patient), true)).toBe('');
    expect(await carried(w)).toEqual(expect.arrayContaining(['AppointDelegate', 'DismissDelegate']));
    expect(await problems(file(w.patient, without('AppointDelegate', 'DismissDelegate')))).toContain('somebody whom the patient appointed');
    expect(await problems(file(w.patient, without('DismissDelegate')), true)).toContain('holds a DismissDelegate');
  });

  it('on emergencies: opened by practitioners, for a time, until it is switched off', async () => {
    const w = people();
    await w.found();
    const open = (by: Wallet, duration = 3600, reason = bytes32()) =>
      sign('OpenEmergency', { patient: w.patient.address, organization: w.organization, reason, duration }, [by]);
    const change = (allowed: number, sequence: number, by = w.patient) =>
      sign('SwitchEmergency', { patient: w.patient.address, allowed, sequence }, [by]);
    const write = () => w.commit({ organization: w.organization });
    await refused(write(), 'had not allowed');
    await refused(open(w.registrar), 'no active practitioner');
    await refused(open(w.doctor, day + 1), 'lasts longer');
    await refused(open(w.doctor, 0), 'lasts longer');
    await refused(open(w.doctor, 60, zero), 'gives no reason');
    await taken(open(w.doctor));
    await taken(write());
    await refused(w.commit(), 'had not allowed');
    await refused(w.commit({ organization: w.organization }, w.registrar), 'had not allowed');
    await taken(w.suspend(w.doctor, 1));
    await refused(write(), 'no active practitioner of the clinic any more');
    await taken(w.suspend(w.doctor, 0));
    await pass(3601);
    await refused(write(), 'over or switched off');
    await taken(open(w.doctor));
    await taken(write());
    await refused(change(0, 1, w.doctor), 'somebody whom the patient appointed');
    await refused(change(2, 1), 'neither a yes nor a no');
    await taken(change(0, 2));
    await refused(write(), 'over or switched off');
    await refused(open(w.doctor), 'switched emergency access off');
    await refused(change(1, 2), 'later decision');
    await taken(change(1, 3));
    await taken(write());
    expect(await problems(file(w.patient), true)).toBe('');
    expect(await carried(w)).toEqual(expect.arrayContaining(['OpenEmergency', 'SwitchEmergency']));
    expect(await problems(file(w.patient, without('OpenEmergency')))).toContain('had not allowed');
    expect(await problems(file(w.patient, without('SwitchEmergency')), true)).toContain('holds a SwitchEmergency');
    const longer = (payload: string) => payload.replace(/0{60}0e10$/, `${'0'.repeat(59)}15180`);
    const forged = log.map((operation) =>
      operation.kind === 'OpenEmergency' ? { ...operation, payload: longer(operation.payload) } : operation,
    );
    expect(await problems(file(w.patient, forged))).toContain('the signature is not that of the account');
  });
});
