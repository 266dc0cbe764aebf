/**
 * The keys of a patient's record, in the hands of whoever acts at the desk: the compartments under which categories appear on the ledger, and the
 * key-encryption keys (KEKs) of their epochs. The KEK of an epoch comes from whoever began the epoch: from the patient's seed, or, where a delegate
 * did, from the envelope of that revocation. What acts on a record (sharing, renewing, registering) asks for keys here and need not know which.
 */
import type { Category } from '../../../src-shared/categories.ts';
import { AppError } from '../../../src-shared/errors.ts';
import type { EnvelopeKey, IpfsPort, OperationCodecPort, PersonKeys, RecordCryptoPort, WorkstationStorePort } from '../ports.ts';
import type { Consents } from './consents.ts';
import { createDelegateRecordKeys, type DelegateRecordKeys } from './delegate-record-keys.ts';
import type { Directory } from './directory.ts';
import type { NetworkService } from './network.ts';
import { createOwnRecordKeys } from './own-record-keys.ts';
import { createReturnedKeys, lacksFirstKey, type ReturnedKeys } from './returned-keys.ts';

/** Whose keys act for which patient. A patient at the desk is one (`DeskSession`). */
export interface RecordHolder {
  readonly keys: PersonKeys;
  readonly patient: string;
  /** Keys that were opened on the way; zeroed together with `keys`. */
  readonly secrets?: Uint8Array[];
}

export interface NextEpoch extends EnvelopeKey {
  /** Of the revocation that begins it. */
  readonly opId: string;
}

export interface RecordKeys {
  /** Categories by their compartments, as far as the holder acts in them: all of them for the patient. */
  readonly compartments: ReadonlyMap<string, Category>;
  /** The one in which what begins now is written. Throws NOT_ALLOWED where the holder does not act in the category, KEY_MISSING where it is not known yet. */
  compartmentOf(category: Category): string;
  /** All of a category: a recovered patient may have one from before and one from after. Throws the same. */
  compartmentsOf(category: Category): string[];
  /**
   * KEK of a compartment's epoch (32 bytes; the caller zeroes it): what is written in the epoch is sealed under it. Null where there is none for the
   * holder, because nothing began the epoch, because nobody has one (see epoch-keys.ts), or because its envelope is not here.
   */
  kek(compartment: string, epoch: number): Promise<Uint8Array | null>;
  /**
   * All keys under which something may lie that names an epoch of this number: `kek`, and the keys of revocations that named it and were refused, or count
   * as another epoch. What was written with those before that was known, the ledger may have taken all the same.
   */
  opening(compartment: string, epoch: number): Promise<Uint8Array[]>;
  /**
   * Keys of all epochs so far: what a reader needs for everything written so far, without those epochs of which nobody has one. `missing`: epochs whose
   * key the holder does not have now.
   */
  upTo(compartment: string): Promise<{ readonly keys: EnvelopeKey[]; readonly missing: readonly number[] }>;
  /** Whether nobody has a key of the epoch in force, so that nothing is written until another one begins. False where that cannot be told now. */
  isKeyless(compartment: string): Promise<boolean>;
  /** The epoch that a revocation by the holder begins now. Ask once for each revocation: it is another one each time. */
  next(compartment: string): NextEpoch;
}

export interface KeyringDeps {
  readonly store: WorkstationStorePort;
  readonly codec: OperationCodecPort;
  readonly crypto: RecordCryptoPort;
  readonly ipfs: IpfsPort;
  readonly consents: Consents;
  readonly directory: Directory;
  readonly network: NetworkService;
}

export interface KeyringOptions {
  /** With which of the patient's keys what begins now is signed; the one that counts on the ledger unless given. */
  readonly signer?: string;
  /** Keys from before a recovery that are being brought back. */
  readonly returned?: readonly EnvelopeKey[];
}

export interface Keyring {
  /** Throws KEY_REPLACED where the patient has a newer key. */
  of(holder: RecordHolder, options?: KeyringOptions): RecordKeys;
  /**
   * Opens what a delegate's keys are in, or a recovered patient's from before; to be awaited before `of` is asked about one of these. Nothing to do for other
   * patients.
   */
  prepare(holder: RecordHolder): Promise<void>;
}

export function createKeyring(deps: KeyringDeps): Keyring {
  const delegates = new WeakMap<RecordHolder, DelegateRecordKeys>();
  const ofDelegate = (holder: RecordHolder): DelegateRecordKeys => {
    const known = delegates.get(holder) ?? createDelegateRecordKeys(deps, holder);
    delegates.set(holder, known);
    return known;
  };
  const returned = new WeakMap<RecordHolder, ReturnedKeys>();
  const returnedTo = (holder: RecordHolder): ReturnedKeys | null => {
    if (!lacksFirstKey(holder)) return null;
    const known = returned.get(holder) ?? createReturnedKeys(deps, holder);
    returned.set(holder, known);
    return known;
  };
  return {
    of(holder, { signer = deps.directory.signer(holder.patient), returned: more = [] } = {}) {
      if (holder.keys.account !== holder.patient) return ofDelegate(holder);
      const known = returnedTo(holder);
      const all = known && more.length > 0 ? { ...known, keys: () => [...known.keys(), ...more] } : known;
      return createOwnRecordKeys(deps, holder, signer, all);
    },
    async prepare(holder) {
      if (holder.keys.account !== holder.patient) await ofDelegate(holder).refresh();
      else await returnedTo(holder)?.refresh();
    },
  };
}

/** Keys for everything written so far, or KEY_MISSING: whoever is given access reads all of it or nothing is changed. */
export async function requireAll(record: RecordKeys, compartments: readonly string[]): Promise<EnvelopeKey[]> {
  const all = await Promise.all(compartments.map((compartment) => record.upTo(compartment)));
  if (all.some(({ missing }) => missing.length > 0)) {
    throw new AppError(
      'KEY_MISSING',
      'A key of this record has not arrived at this workstation yet, so it cannot be handed on. Nothing was shared; try again when connected.',
    );
  }
  return all.flatMap(({ keys }) => keys);
}
