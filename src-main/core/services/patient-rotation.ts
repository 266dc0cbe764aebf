/**
 * A patient's new key, made at the desk because somebody may know the card's PIN or the recovery words. New words; a rotation that the old key signs and
 * the new one co-signs; and, in the same save, every compartment moved to keys from the new seed, sealed to those who read. The former keys are sealed to
 * the new one beside them, so that the new words alone give everything again. All of it is enqueued in one transaction: a crash leaves the old key whole
 * or the new one.
 */
import { z } from 'zod';
import { AppError } from '../../../src-shared/errors.ts';
import type { KeyPort, PersonKeys } from '../ports.ts';
import { granteeOfAccount } from './bytes.ts';
import type { Cards } from './cards.ts';
import type { Consents } from './consents.ts';
import type { Directory } from './directory.ts';
import { precedes } from './ledger-order.ts';
import type { FactBus } from './facts.ts';
import type { Keyring } from './keyring.ts';
import type { NewEpochs } from './new-epochs.ts';
import type { PatientKeys } from './patient-keys.ts';
import { cardDraft } from './patients.ts';
import type { Publisher } from './publisher.ts';
import type { Recovery } from './recovery.ts';
import type { DeskSession, Session, Sessions } from './sessions.ts';
import type { Signing } from './signing.ts';

/** What the patient has in hand to open the key that is to be replaced. */
export type Opening =
  | { readonly by: 'card'; readonly card: string; readonly pin: string }
  | { readonly by: 'words'; readonly phrase: string }
  | { readonly by: 'shares'; readonly shares: readonly string[] };

export interface PatientRotation {
  /**
   * The new card under a new PIN, and the new words. The card is kept among the drafts until it is handed over, as at registration. Throws what opening
   * by card, words or shares throws; then nothing was changed.
   */
  rotate(session: Session, patient: string, opening: Opening, newPin: string): Promise<{ card: string; phrase: string }>;
  /**
   * Moves what an interrupted or refused save left under keys of a former seed, and what revocations made apart left without a key (see epoch-keys.ts);
   * done when the card is opened.
   */
  finish(desk: DeskSession): Promise<void>;
}

const draft = z.object({ card: z.string(), signer: z.string() });

export function createPatientRotation(deps: {
  readonly keys: KeyPort;
  readonly cards: Cards;
  readonly patientKeys: PatientKeys;
  readonly recovery: Recovery;
  readonly directory: Directory;
  readonly keyring: Keyring;
  readonly epochs: NewEpochs;
  readonly sessions: Sessions;
  readonly signing: Signing;
  readonly publisher: Publisher;
  readonly facts: FactBus;
  readonly clock: () => number;
  readonly consents: Consents;
}): PatientRotation {
  const { keys, directory, keyring, epochs, sessions, signing, publisher, facts } = deps;

  const open = async (session: Session, patient: string, opening: Opening): Promise<PersonKeys> => {
    if (opening.by === 'words') return deps.patientKeys.ofWords(patient, opening.phrase);
    if (opening.by === 'shares') return deps.recovery.open(session, patient, opening.shares);
    const opened = await sessions.openCard(opening.card, opening.pin);
    if (opened.patient === patient) return opened.keys;
    opened.keys.destroy();
    throw new AppError(
      'CARD_INVALID',
      'This is the card of another patient. Nothing was changed; ask for the card of the patient in front of you.',
    );
  };

  /** Revocations that end nobody's access: their grantee is the patient, who needs no grant. They begin epochs of the newest seed. */
  const move = async (all: PersonKeys, patient: string, signer: string, label: string, wanted?: readonly string[]) => {
    const holder = { keys: all, patient };
    await keyring.prepare(holder);
    const record = keyring.of(holder, { signer });
    const compartments = wanted ?? [...record.compartments.keys()];
    const secret = all.formerSecret();
    try {
      const former = secret ? { encryptionKey: all.encryptionKey, secret } : undefined;
      const leaving = granteeOfAccount(patient);
      return await epochs.begin(holder, record, { compartments, leaving, label, signer, ...(former ? { former } : {}) });
    } finally {
      secret?.fill(0);
    }
  };

  const replace = async (session: Session, patient: string, former: PersonKeys, newPin: string) => {
    const phrase = keys.createPhrase();
    const newer = keys.fromPhrase(phrase);
    const all = keys.rotated(former, newer);
    try {
      const payload = { signer: newer.account, encryptionKey: newer.encryptionKey };
      const rotation = signing.make('RotateKeys', payload, 'Make a new key for a patient', former, { cosigners: [newer] });
      const { blocks, revocations } = await move(all, patient, newer.account, 'Move the record to a new key');
      const card = await deps.cards.write(all, newPin);
      if (sessions.current() !== session)
        throw new AppError('NOT_LOGGED_IN', 'The workstation was locked meanwhile. Nothing was changed; log in and try again.');
      // Before the save: were the workstation to end behind it, nobody would have the new key.
      const json = JSON.stringify({ card, signer: newer.account } satisfies z.infer<typeof draft>);
      session.index.saveDraft({ id: cardDraft(patient), patient, kind: 'card', json, updatedAt: deps.clock() });
      publisher.publish(blocks, [rotation, ...revocations]);
      return { card, phrase };
    } finally {
      newer.destroy();
      all.destroy();
    }
  };

  // A card whose key never came to be, because the workstation ended before the save, would open nothing.
  sessions.onBegin((session) => {
    for (const { id, kind, patient, json } of session.index.drafts()) {
      const rotated = kind === 'card' ? draft.safeParse(JSON.parse(json)).data : undefined;
      if (rotated && !directory.signers(patient).includes(rotated.signer)) session.index.deleteDraft(id);
    }
  });
  // A desk that was opened with the former card, when the new key (also one that helpers gave) becomes known here.
  facts.on('operations', ({ kinds }) => {
    const desk = kinds.has('RotateKeys') || kinds.has('CompleteRecovery') ? sessions.desk() : null;
    if (desk && !desk.keys.signers.includes(directory.signer(desk.patient))) sessions.closeDesk();
  });

  return {
    async rotate(session, patient, opening, newPin) {
      const former = await open(session, patient, opening);
      try {
        return await replace(session, patient, former, newPin);
      } finally {
        former.destroy();
      }
    },
    async finish(desk) {
      const { keys: all, patient } = desk;
      const signer = directory.signer(patient);
      if (signer !== all.signers.at(-1)) return;
      const last = directory.rotation(patient);
      // What is from before a key that helpers gave begins its epochs under that when it is brought back (bringing-back.ts).
      const rotation = last === directory.recovery(patient) ? undefined : last;
      const record = keyring.of(desk);
      const states = deps.consents.of(patient);
      const due: string[] = [];
      for (const compartment of record.compartments.keys()) {
        const begunBy = states.get(compartment)?.epochs.at(-1)?.begunBy;
        const underFormer = rotation !== undefined && (begunBy === undefined || precedes(begunBy, rotation));
        if (underFormer || (await record.isKeyless(compartment))) due.push(compartment);
      }
      if (due.length === 0) return;
      const { blocks, revocations } = await move(all, patient, signer, 'Move the record to new keys', due);
      publisher.publish(blocks, revocations);
    },
  };
}
