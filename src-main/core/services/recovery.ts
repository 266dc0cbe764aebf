/**
 * A patient's key without card and words: by two of three shares. The patient makes them at the desk; one is printed for the card, one for a
 * guardian, the clinic keeps the third sealed to its own key. Shares made again do not go together with those before,
 * and the vault keeps the newest only.
 */
import { AppError } from '../../../src-shared/errors.ts';
import type { PersonKeys, SharesPort, WorkstationStorePort } from '../ports.ts';
import type { Cards } from './cards.ts';
import type { Directory } from './directory.ts';
import type { PatientKeys } from './patient-keys.ts';
import type { NetworkService } from './network.ts';
import type { DeskSession, Session } from './sessions.ts';

interface Vault {
  readonly organization: string;
  /** Base64. */
  readonly sealed: string;
}

export interface Recovery {
  /** The shares for card and guardian, to be printed; the third is in the vault when this returns. Throws NOT_SET_UP. */
  make(desk: DeskSession): Promise<{ card: string; guardian: string }>;
  /** A new card from two shares, or from one and the vault's. Throws CODE_INVALID, NOT_FOUND, KEY_MISSING, KEY_REPLACED. */
  card(session: Session, patient: string, shares: readonly string[], secret: string): Promise<string>;
  /** The patient's keys, the same way; the caller destroys them. */
  open(session: Session, patient: string, shares: readonly string[]): Promise<PersonKeys>;
}

export function createRecovery(deps: {
  readonly store: WorkstationStorePort;
  readonly shares: SharesPort;
  readonly cards: Cards;
  readonly patientKeys: PatientKeys;
  readonly network: NetworkService;
  readonly directory: Directory;
  readonly organization: () => string;
}): Recovery {
  const { store, shares, cards, network, directory, patientKeys } = deps;
  const settingOf = (patient: string) => `vault:${patient.toLowerCase()}`;

  const fromVault = async (session: Session, patient: string): Promise<string> => {
    const vault = store.setting<Vault>(settingOf(patient));
    if (!vault)
      throw new AppError(
        'NOT_FOUND',
        'This workstation keeps no share of this patient. Add the other printed share, or go to the workstation where the shares were made.',
      );
    const secrets = session.organizationKeys.get(vault.organization) ?? [];
    if (secrets.length === 0)
      throw new AppError('KEY_MISSING', "The clinic's key has not arrived at this workstation yet. Try again when connected.");
    const sealed = Uint8Array.from(Buffer.from(vault.sealed, 'base64'));
    let failure: unknown;
    // The clinic's key may have been rotated since: the newest first.
    for (const secret of secrets.toReversed()) {
      try {
        return await shares.openFromVault(network.ofPatient(patient), vault.organization, secret, patient, sealed);
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  };

  /** By whose key a share was signed: shares of a key that was replaced open nothing, and a stranger signs for nobody. */
  const check = (code: string, patient: string): void => {
    const { account, signer } = shares.read(code);
    if (account !== patient) {
      throw new AppError(
        'CODE_INVALID',
        'This is a share of another patient. No card was made; ask for the shares of the patient in front of you.',
      );
    }
    const known = directory.signers(patient);
    if (signer === known.at(-1)) return;
    if (known.includes(signer)) {
      throw new AppError(
        'KEY_REPLACED',
        'This share was made before the patient’s key was replaced and opens nothing any more. Use shares that were made since, or the recovery words. Nothing was changed.',
      );
    }
    throw new AppError(
      'CODE_INVALID',
      'This is not a share that the patient’s key signed: it was changed, or copied wrongly. Nothing was combined; use another share.',
    );
  };

  const open = async (session: Session, patient: string, codes: readonly string[]): Promise<PersonKeys> => {
    const [first, given] = codes;
    if (first === undefined) throw new AppError('INVALID_INPUT', 'A share of the card or of the guardian is needed.');
    for (const code of codes) check(code, patient);
    const second = given ?? (await fromVault(session, patient));
    check(second, patient);
    return patientKeys.complete(await shares.combine([first, second]), patient);
  };

  return {
    async make({ keys, patient }) {
      if (keys.account !== patient)
        throw new AppError('NOT_ALLOWED', 'Shares of a patient’s key are made with the patient’s own card. Nothing was made.');
      const own = directory.organization(deps.organization());
      if (!own) throw new AppError('NOT_SET_UP', 'This clinic is not admitted to the network yet, so its vault has no key.');
      const { card, vault, guardian } = await shares.split(keys);
      const sealed = await shares.sealForVault(network.ofPatient(patient), own.id, own.organizationKey, patient, vault);
      store.setSetting(settingOf(patient), { organization: own.id, sealed: Buffer.from(sealed).toString('base64') } satisfies Vault);
      return { card, guardian };
    },
    open,
    async card(session, patient, codes, secret) {
      const unlocked = await open(session, patient, codes);
      try {
        return await cards.write(unlocked, secret);
      } finally {
        unlocked.destroy();
      }
    },
  };
}
