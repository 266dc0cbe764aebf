/** Who takes part, by the verifier of exports and by the contracts (export-rules.ts). */
import type { Wallet } from 'ethers';
import { describe, expect, it } from 'vitest';
import {
  at,
  log,
  useLedger,
  verifyExport,
  zero,
  grantee,
  sign,
  submit,
  carried,
  people,
  file,
  problems,
  without,
  taken,
  refused,
} from './export-rules.ts';
import { bytes32, governor, person, rpc } from './site.ts';
useLedger();

describe('the verifier of exports and the contracts agree on people', () => {
  it('on members: enrolled, changed, suspended, with roles that may write', async () => {
    const w = people();
    await w.found();
    await refused(w.enrol(person(), 4, w.registrar), 'no admin');
    await refused(w.enrol(w.doctor, 4), 'enrolled before');
    await refused(w.enrol(person(), 16), 'roles that do not exist');
    await taken(w.grant());
    await taken(w.grant({ grantee: w.organization }));
    await taken(w.commit());
    await taken(w.commit({ organization: w.organization }));
    await taken(w.commit({ organization: w.organization }, w.registrar));
    await refused(w.commit({ organization: w.organization }, w.admin), 'a role that may write');
    await refused(w.commit({}, w.registrar), 'had not allowed');
    await taken(w.suspend(w.doctor, 1));
    await refused(w.commit(), 'not an active member');
    await taken(w.suspend(w.doctor, 0));
    await taken(w.change(w.doctor, 0));
    await refused(w.commit(), 'not an active member');
    await taken(w.change(w.doctor, 8));
    await taken(w.commit());
    await refused(w.commit({ organization: w.organization }), 'a role that may write');
    await taken(sign('SuspendOrganization', { organization: w.organization, suspended: 1 }, [governor]));
    await refused(w.commit(), 'not an active member');
    expect(await problems(file(w.patient), true)).toBe('');
    expect(await carried(w)).toEqual(expect.arrayContaining(['ChangeMember', 'SuspendMember', 'SuspendOrganization']));
    expect(await problems(file(w.patient, without('ChangeMember')), true)).toContain('holds a ChangeMember');
    expect(await problems(file(w.patient, without('SuspendMember')), true)).toContain('holds a SuspendMember');
    expect(await problems(file(w.patient, without('SuspendOrganization')), true)).toContain('holds a SuspendOrganization');
  });

  it('on a clinic’s key: an admin’s signature, and a key', async () => {
    const w = people();
    await w.found();
    const rotate = (by: Wallet, purpose = 1, publicKey = bytes32()) =>
      sign('RotateOrganizationKey', { organization: w.organization, purpose, publicKey, keyEnvelope: bytes32() }, [by]);
    await taken(rotate(w.admin));
    await taken(rotate(w.admin, 2));
    await refused(rotate(w.doctor), 'no admin');
    await refused(rotate(w.admin, 3), 'a purpose that does not exist');
    await refused(rotate(w.admin, 1, zero), 'names no key');
  });

  it('on patients found to be one person: a registrar’s signature, and no chains', async () => {
    const w = people();
    await w.found();
    const [twin, third] = [person(), person()];
    await taken(w.register(twin));
    await taken(w.register(third));
    const link = (duplicate: Wallet, survivor: Wallet, by = w.registrar) =>
      sign('LinkPatients', { organization: w.organization, duplicate: duplicate.address, survivor: survivor.address, reason: zero }, [by]);
    const unlink = (duplicate: Wallet, by = w.registrar) =>
      sign('UnlinkPatients', { organization: w.organization, duplicate: duplicate.address, reason: zero }, [by]);
    await refused(link(twin, w.patient, w.doctor), 'no registrar');
    await refused(link(person(), w.patient), 'registration of one');
    await refused(link(twin, twin), 'linked before');
    await taken(link(twin, w.patient));
    await refused(link(twin, third), 'linked before');
    await refused(link(w.patient, third), 'linked before');
    await refused(link(third, twin), 'linked before');
    await refused(unlink(twin, w.doctor), 'no registrar');
    const { findings } = await verifyExport(file(w.patient), { rpc: at.url });
    expect(findings.map(({ text }) => text).join('\n')).toContain(`${twin.address.toLowerCase()} is the same person`);
    expect(await problems(file(w.patient), true)).toBe('');
    expect(await carried(w)).toContain('LinkPatients');
    expect(await problems(file(w.patient, without('LinkPatients')), true)).toContain('holds a LinkPatients');
    await taken(unlink(twin));
    await refused(unlink(twin), 'was not linked');
    await taken(link(w.patient, third));
  });

  it('on account contracts: not called forged without a ledger, and taken as it took them with one', async () => {
    const w = people();
    await w.found();
    const wallet = person();
    // Answers every question with the value that ERC-1271 asks for.
    await rpc(at.url, 'anvil_setCode', wallet.address, '0x631626ba7e60e01b5f5260205ff3');
    await taken(w.enrol(wallet, 4));
    await taken(w.grant({ grantee: grantee(wallet.address) }));
    for (const signature of ['0x1234', person().signingKey.sign(bytes32()).serialized]) {
      const [result] = await submit([w.commit({}, wallet, { signatures: [signature] })]);
      const { anchored, reason } = result ?? expect.fail();
      expect(reason).toBeNull();
      log.push(anchored);
    }
    const offline = await problems(file(w.patient));
    expect(offline).toContain('missing: Commit');
    expect(offline).toContain('is an account contract (ERC-1271), only a ledger can check it');
    expect(offline).toContain('were that account a contract, only a ledger could tell');
    const { findings } = await verifyExport(file(w.patient), { rpc: at.url });
    expect(findings.map(({ text }) => text).join('\n')).toContain('2 signatures are of account contracts');
    expect(await problems(file(w.patient), true)).toBe('');
    // The same form of signature for an account without code is a forgery, and said to be one where the ledger can be asked.
    const forged = structuredClone(log);
    const last = forged.at(-1);
    const [odd] = await submit([w.commit({}, w.doctor, { signatures: ['0x1234'] })]);
    expect(odd?.reason).toContain('SignatureWrong');
    if (odd && last) forged.push({ ...odd.anchored, anchor: null });
    expect(await problems(file(w.patient, forged), true)).toContain('fails: Commit');
  });

  it('on governors: their signature, and no two of the same', async () => {
    const w = people();
    await w.found();
    const stranger = person();
    const [result] = await submit([sign('SuspendOrganization', { organization: w.organization, suspended: 1 }, [stranger])]);
    expect(result?.reason).toContain('GovernorRequired');
    const forged = [...log, { ...(result ?? expect.fail()).anchored, anchor: null }];
    expect(await problems(file(w.patient, forged), true)).toContain('does not govern this consortium');
    await refused(sign('SuspendOrganization', { organization: w.organization, suspended: 0 }, [governor, governor]), 'signed it twice');
  });
});
