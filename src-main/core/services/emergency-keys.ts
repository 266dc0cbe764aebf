/**
 * A clinic's emergency key: patients' keys are sealed to it, and it is sealed to the clinic's practitioners, apart from the key of the front desk. Admins
 * hold it too, because they hand it on: when somebody becomes a practitioner it is sealed anew, when somebody stops being one, it is replaced.
 */
import { AppError } from '../../../src-shared/errors.ts';
import { roleBits } from '../../../src-shared/operations.ts';
import type { IpfsPort, KeyPort, OperationCodecPort, RecordCryptoPort, StoredOperation, WorkstationStorePort } from '../ports.ts';
import { bytesOf, granteeOfAccount, hexOf, utf8 } from './bytes.ts';
import { directoryKinds, type Directory } from './directory.ts';
import type { FactBus } from './facts.ts';
import type { NetworkService } from './network.ts';
import type { Publisher } from './publisher.ts';
import type { Session, Sessions } from './sessions.ts';
import type { Signing } from './signing.ts';

export interface EmergencyKeys {
  /** Under this id envelopes hold keys for emergencies: neither an account's nor an organization's. */
  idOf(organization: string): string;
  publicKey(organization: string): string | null;
  /** The present secret key and those before it; the caller zeroes them. Throws KEY_MISSING, BLOCK_UNAVAILABLE. */
  secrets(session: Session, organization: string): Promise<Uint8Array[]>;
  /** Makes, hands on or replaces the key, where an admin is logged in and it is due. */
  tend(session: Session): Promise<void>;
}

/** `purpose` of RotateOrganizationKey. */
const emergencyKey = 2;
const holdersRoles = roleBits.admin | roleBits.practitioner;
const maxBytes = 2 * 1024 * 1024;

export function createEmergencyKeys(deps: {
  readonly store: WorkstationStorePort;
  readonly keys: KeyPort;
  readonly crypto: RecordCryptoPort;
  readonly codec: OperationCodecPort;
  readonly ipfs: IpfsPort;
  readonly directory: Directory;
  readonly network: NetworkService;
  readonly sessions: Sessions;
  readonly signing: Signing;
  readonly publisher: Publisher;
  readonly facts: FactBus;
  readonly organization: () => string | null;
  readonly report: (error: unknown) => void;
}): EmergencyKeys {
  const { store, keys, crypto, codec, ipfs, directory, network, sessions, signing, publisher, facts } = deps;

  const idOf = (organization: string) => hexOf(crypto.sha256(new Uint8Array([...utf8('anamnesis/emergency/1'), ...bytesOf(organization)])));

  /** In ledger order. Whose key others seal to is not left to a ledger that nobody else watches: only an admin's signature counts. */
  const rotations = (organization: string) =>
    store.operations({ kinds: ['RotateOrganizationKey'], organization }).flatMap((stored: StoredOperation) => {
      const decoded = codec.decodePayload(stored.operation);
      if (stored.state === 'rejected' || decoded.kind !== 'RotateOrganizationKey' || decoded.payload.purpose !== emergencyKey) return [];
      const signer = directory.memberAt(organization, stored.operation.actor, stored);
      return signer && (signer.roles & roleBits.admin) !== 0 ? [decoded.payload] : [];
    });

  const open = async (session: Session, organization: string, digest: string): Promise<Uint8Array[] | null> => {
    const bytes = await ipfs.get(crypto.cidOfDigest(digest), { maxBytes });
    const reader = granteeOfAccount(session.account);
    let refused: AppError | null = null;
    for (const secret of session.keys.encryptionSecrets()) {
      try {
        return await crypto.openOrganizationKey(bytes, network.ofOrganization(organization), idOf(organization), reader, secret);
      } catch (error) {
        // Sealed before the holder's key was replaced: one of the older ones opens it.
        if (!(error instanceof AppError) || error.code !== 'TAMPERED') throw error;
        refused = error;
      }
    }
    if (refused) throw refused;
    return null;
  };

  const secrets = async (session: Session, organization: string) => {
    const last = rotations(organization).at(-1);
    const opened = last && (await open(session, organization, last.keyEnvelope));
    if (!opened) {
      throw new AppError(
        'KEY_MISSING',
        'The clinic’s emergency key is not sealed to you yet. It is when an administrator logs in next. Nothing was opened and nothing was logged.',
      );
    }
    return opened;
  };

  const seal = async (session: Session, organization: string, secretKeys: readonly Uint8Array[], publicKey: string) => {
    const members = directory.members(organization).filter((m) => !m.suspended && (m.roles & holdersRoles) !== 0);
    const holders = members.map((m) => ({ id: granteeOfAccount(m.account), encryptionKey: m.encryptionKey }));
    const envelope = await crypto.sealOrganizationKeyTo(network.ofOrganization(organization), idOf(organization), holders, secretKeys);
    if (sessions.current() !== session) return;
    const payload = { organization, purpose: emergencyKey, publicKey, keyEnvelope: envelope.digest };
    publisher.publish([envelope], [signing.make('RotateOrganizationKey', payload, 'Seal the emergency key of the clinic', session.keys)]);
  };

  const tend = async (session: Session): Promise<void> => {
    const organization = deps.organization();
    if (!organization || !network.current() || !directory.roles(organization, session.account).includes('admin')) return;
    const last = rotations(organization).at(-1);
    if (!last) {
      const pair = keys.createEncryptionKeyPair();
      await seal(session, organization, [pair.secretKey], pair.publicKey);
      pair.secretKey.fill(0);
      return;
    }
    const { members: held } = crypto.organizationKeyHolders(await ipfs.get(crypto.cidOfDigest(last.keyEnvelope), { maxBytes }));
    const due = directory
      .members(organization)
      .filter((m) => !m.suspended && (m.roles & holdersRoles) !== 0)
      .map((m) => granteeOfAccount(m.account));
    const left = held.some((id) => !due.includes(id));
    if (!left && due.every((id) => held.includes(id))) return;
    const opened = await open(session, organization, last.keyEnvelope);
    // An admin who was enrolled a moment ago: another one hands the key on.
    if (!opened) return;
    const pair = left ? keys.createEncryptionKeyPair() : null;
    await seal(session, organization, pair ? [...opened, pair.secretKey] : opened, pair?.publicKey ?? last.publicKey);
    for (const secret of pair ? [...opened, pair.secretKey] : opened) secret.fill(0);
  };

  let running: Promise<void> | null = null;
  let again = false;
  const run = async (session: Session): Promise<void> => {
    try {
      do {
        again = false;
        await tend(session);
      } while (again && sessions.current() === session);
    } catch (error) {
      // The block with the key is with a workstation that is away: done at the next change, or the next log-in. After a lock, nothing is left to do.
      if (sessions.current() === session && !(error instanceof AppError && error.code === 'BLOCK_UNAVAILABLE')) deps.report(error);
    } finally {
      running = null;
    }
  };
  const poke = () => {
    const session = sessions.current();
    if (!session) return;
    if (running) again = true;
    else running = run(session);
  };
  sessions.onBegin(poke);
  facts.on('operations', ({ kinds }) => {
    if ([...kinds].some((kind) => directoryKinds.has(kind) || kind === 'RotateOrganizationKey')) poke();
  });

  return { idOf, publicKey: (organization) => rotations(organization).at(-1)?.publicKey ?? null, secrets, tend };
}
