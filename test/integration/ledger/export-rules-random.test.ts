/** Random sequences of operations, by the verifier of exports, the workstation and the contracts (export-rules.ts). */
import type { Wallet } from 'ethers';
import { describe, expect, it } from 'vitest';
import { kindOf, type SignedOperation } from '../../../src-shared/operations.ts';
import { log, useLedger, zero, far, grantee, sign, submit, tried, compareConsent, people, pass } from './export-rules.ts';
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
        () => sign('RotateKeys', { signer: rotated.address, encryptionKey: bytes32() }, [...by, rotated], header),
      ];
      const operation = pick(options)();
      if (kindOf(operation.kind) === 'RequestAccess') known.push(operation.opId);
      if (kindOf(operation.kind) === 'RotateKeys') rotations.set(operation.opId, { actor, rotated });
      return operation;
    };
    const rotations = new Map<string, { actor: Wallet; rotated: Wallet }>();
    let counted = 0;
    for (let round = 0; round < 40; round++) {
      if (below(3) === 0) await pass(below(2000));
      const batch = Array.from({ length: 8 }, make);
      for (const { anchored, time, reason } of await submit(batch)) {
        const words = tried(anchored, time);
        compareConsent(anchored, reason);
        expect(words === null, `seed ${seed}, round ${round}: ${anchored.kind}: ledger ${reason}, replay ${words}`).toBe(reason === null);
        if (reason !== null) continue;
        log.push(anchored);
        counted += 1;
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
