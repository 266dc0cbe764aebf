/** Random sequences of operations, by the verifier of exports, the workstation and the contracts (export-rules.ts). */
import type { Wallet } from 'ethers';
import { describe, expect, it } from 'vitest';
import { kindOf, type SignedOperation } from '../../../src-shared/operations.ts';
import { log, useLedger, zero, far, day, nobody, grantee, sign, submit, tried, compareConsent, people, pass } from './export-rules.ts';
import { bytes32, person } from './site.ts';
useLedger();

describe('the verifier of exports and the contracts agree', () => {
  it('in any order', { timeout: 120_000 }, async () => {
    const seed = Number(process.env['EXPORT_RULES_SEED'] ?? Date.now() % 2 ** 31);
    let state = seed;
    const below = (limit: number) => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return Math.floor((state / 2 ** 32) * limit);
    };
    const pick = <T>(list: readonly T[]): T => list[below(list.length)] ?? expect.fail();
    const w = people();
    await w.found();
    const delegate = person();
    const everybody = [w.patient, w.doctor, w.registrar, delegate];
    const keyOf = new Map<Wallet, Wallet>();
    const known: string[] = [];
    const account = w.doctor.address;
    /** Proposals of a new key for the doctor, and which key each names. */
    const asked: string[] = [];
    const proposed = new Map<string, Wallet>();
    /** Grows with what ends open proposals. */
    let round = 0;
    const make = (): SignedOperation => {
      const actor = pick(everybody);
      const by = [below(8) === 0 ? actor : (keyOf.get(actor) ?? actor)];
      const header = { actor: actor.address };
      const patient = w.patient.address;
      const common = { ...w.terms, access: 1 + below(3), epoch: below(4), validUntil: below(2) * (far - below(2)) };
      const to = grantee(pick([w.doctor, delegate]).address);
      const organization = pick([zero, w.organization]);
      const subject = { organization: w.organization, member: pick([w.doctor, w.registrar]).address };
      const sequence = below(6);
      const rotated = person();
      const options: (() => SignedOperation)[] = [
        () => sign('Grant', { ...common, grantee: below(2) === 0 ? to : w.organization }, by, header),
        () => sign('ChangeGrant', { ...withoutEnvelope(common), grantee: below(2) === 0 ? to : w.organization }, by, header),
        () => sign('Revoke', { ...common, grantee: to }, by, header),
        () => sign('Commit', { ...common, organization, commit: bytes32() }, by, header),
        () =>
          sign('Commit', { ...common, organization, commit: bytes32() }, [keyOf.get(w.doctor) ?? w.doctor], { actor: w.doctor.address }),
        () => sign('ChangeMember', { ...subject, roles: below(9) }, [w.admin]),
        () => sign('SuspendMember', { ...subject, suspended: below(2) }, [w.admin]),
        () => sign('OpenEmergency', { patient, organization: w.organization, reason: bytes32(), duration: 60 + below(3000) }, by, header),
        () => sign('SwitchEmergency', { patient, allowed: below(2), sequence }, by, header),
        () => sign('AppointDelegate', appointment(patient, delegate, pick([zero, w.compartment]), 1 + below(7), sequence), by, header),
        () =>
          sign('DismissDelegate', { patient, delegate: delegate.address, compartment: pick([zero, w.compartment]), sequence }, by, header),
        () =>
          sign(
            'RequestAccess',
            { patient, compartment: zero, organization, access: 3, purpose: 1, validUntil: 0, reason: bytes32() },
            by,
            header,
          ),
        () => sign('ApproveRequest', { ...common, request: known.length > 0 ? pick(known) : zero }, by, header),
        () => sign('DeclineRequest', { patient, request: known.length > 0 ? pick(known) : zero, reason: zero }, by, header),
        () => {
          const [guardian1, guardian2] = below(6) === 0 ? [nobody, delegate.address] : [delegate.address, w.registrar.address];
          const terms = { threshold: 1 + below(3), delay: pick([day, day, day, 60]), round: Math.max(0, round - (below(5) === 0 ? 1 : 0)) };
          const payload = { guardian1, guardian2, guardian3: nobody, guardian4: nobody, guardian5: nobody, ...terms };
          return sign('SetRecovery', payload, [keyOf.get(w.doctor) ?? w.doctor], { actor: account });
        },
        () => sign('ProposeRecovery', { account, signer: rotated.address, encryptionKey: bytes32() }, [...by, rotated], header),
        () => sign('ApproveRecovery', { account, proposal: below(4) === 0 ? zero : (asked.at(-1) ?? zero) }, by, header),
        () => sign('CompleteRecovery', { account, proposal: below(4) === 0 ? zero : (asked.at(-1) ?? zero) }, by, header),
        () => sign('VetoRecovery', { account }, by, header),
        () => sign('RotateKeys', { signer: rotated.address, encryptionKey: bytes32() }, [...by, rotated], header),
      ];
      const operation = pick(options)();
      if (kindOf(operation.kind) === 'RequestAccess') known.push(operation.opId);
      if (kindOf(operation.kind) === 'ProposeRecovery') {
        asked.push(operation.opId);
        proposed.set(operation.opId, rotated);
      }
      if (kindOf(operation.kind) === 'RotateKeys') rotations.set(operation.opId, { actor, rotated });
      return operation;
    };
    const rotations = new Map<string, { actor: Wallet; rotated: Wallet }>();
    let counted = 0;
    for (let turn = 0; turn < 50; turn++) {
      if (below(3) === 0) await pass(below(5) === 0 ? day : below(2000));
      const batch = Array.from({ length: 8 }, make);
      for (const { anchored, time, reason } of await submit(batch)) {
        const words = tried(anchored, time);
        compareConsent(anchored, reason);
        expect(words === null, `seed ${seed}, turn ${turn}: ${anchored.kind}: ledger ${reason}, replay ${words}`).toBe(reason === null);
        if (reason !== null) continue;
        log.push(anchored);
        counted += 1;
        const [word = ''] = anchored.payload.slice(66).match(/.{64}$/) ?? [];
        const given = anchored.kind === 'CompleteRecovery' ? proposed.get(`0x${word}`) : undefined;
        if (given) keyOf.set(w.doctor, given);
        if (given || anchored.kind === 'SetRecovery' || anchored.kind === 'VetoRecovery') round += 1;
        if (anchored.kind === 'RotateKeys' && anchored.actor === account) round += 1;
        const rotation = rotations.get(anchored.opId);
        if (rotation) keyOf.set(rotation.actor, rotation.rotated);
      }
    }
    expect(counted).toBeGreaterThan(50);
  });
});

const withoutEnvelope = <T extends { envelope: string }>({ envelope: _, ...rest }: T) => rest;
const appointment = (patient: string, delegate: Wallet, compartment: string, powers: number, sequence: number) => ({
  ...{ patient, delegate: delegate.address, compartment, capacity: 2, powers, validUntil: 0, sequence },
});
