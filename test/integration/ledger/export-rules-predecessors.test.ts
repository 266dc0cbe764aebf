/** What was signed in a clinic's former network, by the verifier of exports and the contracts (export-rules.ts). */
import { describe, expect, it } from 'vitest';
import { createOperationCodec } from '../../../src-main/core/adapters/ledger/operation-codec.ts';
import type { OperationKind, OperationPayload } from '../../../src-shared/operations.ts';
import { at, carried, file, log, pass, people, problems, refused, sign, taken, useLedger, without, type Anchored } from './export-rules.ts';
import { bytes32, chainId, governor, person, signed } from './site.ts';
import type { Wallet } from 'ethers';

useLedger();

const codec = createOperationCodec();
const day = 86_400;
/** A ledger that a clinic had for itself. */
const former = { chainId: chainId + 1, operations: person().address };
const domain = codec.network(former);
const there = <K extends OperationKind>(kind: K, payload: OperationPayload<K>, signers: readonly Wallet[]) =>
  signed(former, kind, payload, signers, { issuedAt: 1_500_000_000, deadline: 1_500_000_600 });
const recognize = (organization: string, acceptedUntil: number, which = domain, by: readonly Wallet[] = [governor]) =>
  sign('RecognizePredecessor', { organization, domain: which, acceptedUntil }, by);
const now = () => Math.floor(Date.now() / 1000);

describe('the verifier of exports and the contracts agree on former networks', () => {
  it('that the governors recognize each for one organization and a time, and that what was signed there counts from then on', async () => {
    const [w, other] = [people(), people()];
    await w.found();
    const { organization } = w;
    const compartment = bytes32();
    const [doctor, patient] = [person(), person()];
    const enrol = { organization, member: doctor.address, roles: 6, encryptionKey: bytes32(), profile: bytes32(), keyEnvelope: bytes32() };
    const enrolment = there('EnrolMember', enrol, [w.admin]);
    const registration = there('RegisterPatient', { organization, patient: patient.address, encryptionKey: bytes32() }, [doctor, patient]);
    const grant = there('Grant', { ...w.terms, patient: patient.address, compartment, grantee: organization }, [patient]);
    const commit = () => there('Commit', { patient: patient.address, compartment, epoch: 0, organization, commit: bytes32() }, [doctor]);

    await refused(enrolment, 'had not recognized', domain);
    await refused(recognize(organization, now() + day, codec.network(at.config)), 'no other network');
    await refused(recognize(`0x${'00'.repeat(32)}`, now() + day), 'no other network');
    await taken(recognize(organization, 1));
    await refused(enrolment, 'was over', domain);
    await refused(recognize(other.organization, now() + day), 'of another organization');
    await taken(recognize(organization, now() + day));
    // Signed there, and said to be signed here; and the reverse.
    await refused(enrolment, 'not that of the account');
    await refused(w.grant(), 'not that of the account', domain);
    for (const operation of [enrolment, registration, grant, commit()]) await taken(operation, domain);
    await refused(there('SuspendOrganization', { organization, suspended: 1 }, [governor]), 'in their own network only', domain);
    const elsewhere = there('EnrolMember', { ...enrol, organization: other.organization }, [w.admin]);
    await refused(elsewhere, 'another organization than the one it names', domain);
    await pass(2 * day);
    await refused(commit(), 'was over', domain);
    await taken(sign('Commit', { patient: patient.address, compartment, epoch: 0, organization, commit: bytes32() }, [doctor]));

    const scene = { ...w, patient, compartment, nurse: w.nurse };
    expect(await carried(scene)).toContain('RecognizePredecessor');
    const withLedger = (operations: readonly Anchored[]) => problems(file(patient, operations), true);
    expect(await withLedger(log)).toBe('');
    // A file that leaves the recognition out, moves it behind what it is for, or has it from somebody who does not govern.
    expect(await problems(file(patient, without('RecognizePredecessor')))).toContain('had not recognized');
    const late = structuredClone(log);
    for (const one of late) if (one.kind === 'RecognizePredecessor' && one.anchor) one.anchor.block += 1000;
    expect(await problems(file(patient, late))).toContain('had not recognized');
    const [genuine] = log.filter(({ kind }) => kind === 'RecognizePredecessor');
    const { kind: _, ...usurped } = recognize(organization, now() + 9 * day, domain, [person()]);
    const replaced = [...without('RecognizePredecessor'), { ...genuine!, ...usurped }];
    expect(await withLedger(replaced)).toContain('does not govern this consortium');
    // One whose origin is taken away, made up, or put where there was none.
    const changed = (predecessor: string | null, which: (one: Anchored) => boolean) =>
      problems(
        file(
          patient,
          log.map((one) => (which(one) ? { ...one, predecessor } : one)),
        ),
      );
    expect(await changed(null, (one) => one.predecessor !== null)).toContain('not that of the account');
    expect(await changed(bytes32(), (one) => one.predecessor !== null)).toContain('not that of the account');
    expect(await changed(domain, (one) => one.kind === 'Commit' && one.predecessor === null)).toContain('not that of the account');
  });

  it('that a ledger which did not take an operation from there is not said to have', async () => {
    const w = people();
    await w.found();
    await taken(recognize(w.organization, now() + 100 * day, bytes32()));
    const mine = codec.network({ ...former, chainId: chainId + 2 });
    await taken(recognize(w.organization, now() + 100 * day, mine));
    await taken(w.grant());
    await taken(w.commit());
    const commit = log.find(({ kind }) => kind === 'Commit')!;
    const payload = {
      patient: w.patient.address,
      compartment: w.compartment,
      epoch: 0,
      organization: `0x${'00'.repeat(32)}`,
      commit: bytes32(),
    };
    const { kind: _, ...signedThere } = signed({ ...former, chainId: chainId + 2 }, 'Commit', payload, [w.doctor]);
    const forged = [...log, { ...commit, ...signedThere, predecessor: mine, anchor: { ...commit.anchor!, logIndex: 1 } }];
    expect(await problems(file(w.patient, forged), true)).not.toBe('');
    const placed = log.map((one) => (one === commit ? { ...one, ...signedThere, predecessor: mine } : one));
    expect(await problems(file(w.patient, placed), true)).toContain('the ledger does not say that it was signed in the former network');
  });
});
