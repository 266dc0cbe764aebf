/**
 * The key that a clinic's members share: opening it from the envelopes that the ledger names, and replacing it when somebody leaves, so that what
 * patients share with the clinic afterwards is sealed to a key that the one who left does not have. An admin's workstation does that, after the
 * change of staff and, where it was interrupted, at the next log-in of an admin.
 */
import { AppError } from '../../../src-shared/errors.ts';
import type { IpfsPort, KeyPort, OperationCodecPort, RecordCryptoPort, WorkstationStorePort } from '../ports.ts';
import { granteeOfAccount } from './bytes.ts';
import { isOfContent } from './content-errors.ts';
import { membersKey, type Directory, type Member, type Organization } from './directory.ts';
import type { NetworkService } from './network.ts';
import type { Publisher } from './publisher.ts';
import type { Session, Sessions } from './sessions.ts';
import type { Signing } from './signing.ts';

export interface OrganizationKeys {
  /** Opens the keys of a session's organizations, as far as their envelopes are here. Throws BLOCK_UNAVAILABLE where one is missing. */
  open(session: Session, offline: boolean): Promise<void>;
  /** Secret keys of this workstation's clinic, the present one last. Throws KEY_MISSING. */
  secrets(session: Session): Promise<readonly Uint8Array[]>;
  /** Makes the clinic's key anew where somebody who left holds it; seals it again where a member does not. Nothing where all is as it should be. */
  settle(session: Session): Promise<void>;
}

/** Members in one envelope block; more take several, each with its operation. */
const membersAtOnce = 500;
/** Older secrets that go with a new one, to spare members the older envelopes. They hold those too. */
const olderSecrets = 15;
const maxBytes = 2 * 1024 * 1024;

export function createOrganizationKeys(deps: {
  readonly store: WorkstationStorePort;
  readonly keys: KeyPort;
  readonly crypto: RecordCryptoPort;
  readonly codec: OperationCodecPort;
  readonly ipfs: IpfsPort;
  readonly directory: Directory;
  readonly sessions: Sessions;
  readonly signing: Signing;
  readonly publisher: Publisher;
  readonly network: NetworkService;
  /** Id of this workstation's organization; throws NOT_SET_UP. */
  readonly organization: () => string;
  readonly report: (error: unknown) => void;
}): OrganizationKeys {
  const { store, keys, crypto, codec, ipfs, directory, sessions, signing, publisher, network } = deps;
  /** Envelopes that a session has opened or that are not for it. */
  const seen = new WeakMap<Session, Set<string>>();
  /** Each look at the keys, as after each save, would multiply a point of Curve25519 for each. */
  const publicKeys = new WeakMap<Uint8Array, string>();
  const publicKeyOf = (secret: Uint8Array): string => {
    const publicKey = publicKeys.get(secret) ?? keys.encryptionKeyOf(secret);
    publicKeys.set(secret, publicKey);
    return publicKey;
  };
  let settling: Promise<void> = Promise.resolve();

  /** Public keys that an organization has had, each once, the present one last. */
  const history = (organization: Organization): string[] =>
    [...new Set(organization.organizationKeys.map(({ publicKey }) => publicKey).toReversed())].toReversed();

  const openEnvelope = async (session: Session, organization: string, bytes: Uint8Array): Promise<Uint8Array[]> => {
    let failure: Error | null = null;
    for (const secret of session.keys.encryptionSecrets()) {
      try {
        const id = granteeOfAccount(session.account);
        const opened = await crypto.openOrganizationKey(bytes, network.ofOrganization(organization), organization, id, secret);
        return opened ?? [];
      } catch (error) {
        // Sealed to the key that the person had then; only where none of theirs opens it is something wrong with it.
        if (!(error instanceof AppError) || error.code !== 'TAMPERED') throw error;
        failure = error;
      }
    }
    // Replaced elsewhere: it is sealed to the newer key, which this workstation does not have yet.
    if (!session.keys.signers.includes(directory.signer(session.account))) return [];
    throw failure ?? new AppError('KEY_MISSING', 'There is no key that could open this.');
  };

  const openOne = async (session: Session, member: Member, offline: boolean): Promise<void> => {
    const organization = directory.organization(member.organization);
    if (!organization) return;
    const wanted = history(organization);
    const held = new Map((session.organizationKeys.get(organization.id) ?? []).map((secret) => [publicKeyOf(secret), secret]));
    const before = held.size;
    const done = seen.get(session) ?? new Set<string>();
    seen.set(session, done);
    const envelopes = [...organization.organizationKeys.map(({ keyEnvelope }) => keyEnvelope).toReversed(), member.keyEnvelope];
    let failure: Error | null = null;
    for (const digest of new Set(envelopes)) {
      if (done.has(digest) || wanted.every((publicKey) => held.has(publicKey))) continue;
      try {
        const bytes = await ipfs.get(crypto.cidOfDigest(digest), { offline, maxBytes });
        for (const secret of await openEnvelope(session, organization.id, bytes)) {
          const publicKey = publicKeyOf(secret);
          // A secret that belongs to no key on the ledger opens nothing that anybody sealed.
          if (wanted.includes(publicKey)) held.set(publicKey, secret);
          else secret.fill(0);
        }
        done.add(digest);
      } catch (error) {
        if (!isOfContent(error)) throw error;
        if (error.code !== 'BLOCK_UNAVAILABLE') done.add(digest);
        failure = error;
      }
    }
    if (sessions.current() !== session) {
      for (const secret of held.values()) secret.fill(0);
      return;
    }
    if (held.size > before) {
      const secrets = wanted.flatMap((publicKey) => held.get(publicKey) ?? []);
      session.organizationKeys.set(organization.id, secrets);
      readAgain(session, organization.id, secrets.length);
    }
    if (failure && !held.has(organization.organizationKey)) throw failure;
  };

  /** What was sealed to a key that came only now was passed over before. */
  const readAgain = (session: Session, organization: string, count: number) => {
    const name = `organization-keys:${organization}`;
    if (session.index.cursor(name) >= count) return;
    for (const cursor of [`grants:${organization}`, 'revocations']) session.index.setCursor(cursor, 0);
    session.index.setCursor(name, count);
  };

  const open = async (session: Session, offline: boolean): Promise<void> => {
    let failure: Error | null = null;
    for (const member of directory.memberships(session.account)) {
      try {
        await openOne(session, member, offline);
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        failure = error;
      }
    }
    if (failure) throw failure;
  };

  const isActive = (member: Member) => !member.suspended && member.roles !== 0;

  /** Who holds the present key, as far as the envelopes here say; `all`: every envelope could be looked at. */
  const holders = async (organization: Organization): Promise<{ ids: Set<string>; all: boolean }> => {
    const first = organization.organizationKeys[0]?.publicKey;
    const envelopes = new Map(organization.organizationKeys.map(({ keyEnvelope }) => [keyEnvelope, '']));
    for (const stored of store.operations({ kinds: ['EnrolMember'], organization: organization.id })) {
      const decoded = codec.decodePayload(stored.operation);
      if (decoded.kind === 'EnrolMember' && stored.state !== 'rejected')
        envelopes.set(decoded.payload.keyEnvelope, granteeOfAccount(decoded.payload.member));
    }
    const ids = new Set<string>();
    let all = true;
    for (const [digest, member] of envelopes) {
      try {
        const block = crypto.organizationKeyHolders(await ipfs.get(crypto.cidOfDigest(digest), { offline: true, maxBytes }));
        // A block that does not say for which key it is was made before any rotation.
        if ((block.publicKey ?? first) === organization.organizationKey) for (const id of block.members) ids.add(id);
      } catch (error) {
        if (!(error instanceof AppError) || error.code !== 'BLOCK_UNAVAILABLE') throw error;
        if (member !== '' && first === organization.organizationKey) ids.add(member);
        else all = false;
      }
    }
    return { ids, all };
  };

  const announce = async (
    session: Session,
    organization: Organization,
    publicKey: string,
    secrets: readonly Uint8Array[],
    label: string,
  ) => {
    const id = network.ofOrganization(organization.id);
    const recipients = directory
      .members(organization.id)
      .filter(isActive)
      .map(({ account, encryptionKey }) => ({ id: granteeOfAccount(account), encryptionKey }));
    const sealed = secrets.slice(-(olderSecrets + 1));
    for (let start = 0; start < recipients.length; start += membersAtOnce) {
      const envelope = await crypto.sealOrganizationKeyTo(id, organization.id, recipients.slice(start, start + membersAtOnce), sealed);
      if (sessions.current() !== session) return;
      const payload = { organization: organization.id, purpose: membersKey, publicKey, keyEnvelope: envelope.digest };
      publisher.publish([envelope], [signing.make('RotateOrganizationKey', payload, label, session.keys)]);
    }
  };

  const settleNow = async (session: Session): Promise<void> => {
    const organization = directory.organization(deps.organization());
    if (!organization || sessions.current() !== session || !directory.roles(organization.id, session.account).includes('admin')) return;
    const members = directory.members(organization.id);
    const { ids, all } = await holders(organization);
    const holds = (member: Member) => ids.has(granteeOfAccount(member.account));
    const left = members.some((member) => !isActive(member) && holds(member));
    const missing = all && members.some((member) => isActive(member) && !holds(member));
    if (!left && !missing) return;
    try {
      await open(session, true);
    } catch (error) {
      // Without the older keys a new one can be made all the same: the members hold those.
      if (!(error instanceof AppError)) throw error;
    }
    if (sessions.current() !== session) return;
    const held = session.organizationKeys.get(organization.id) ?? [];
    const present = held.find((secret) => publicKeyOf(secret) === organization.organizationKey);
    if (!left) {
      if (present) await announce(session, organization, organization.organizationKey, held, "Seal the clinic's key to its members again");
      return;
    }
    const pair = keys.createEncryptionKeyPair();
    await announce(session, organization, pair.publicKey, [...held, pair.secretKey], "Make the clinic's key anew");
    if (sessions.current() === session) session.organizationKeys.set(organization.id, [...held, pair.secretKey]);
    else pair.secretKey.fill(0);
  };

  const settle = (session: Session): Promise<void> => {
    const next = settling.then(() => settleNow(session));
    settling = next.catch(() => undefined);
    return next;
  };

  sessions.onBegin((session) => {
    settle(session).catch((error: unknown) => {
      if (sessions.current() === session) deps.report(error);
    });
  });

  return {
    open,
    async secrets(session) {
      await open(session, false);
      const secrets = session.organizationKeys.get(deps.organization());
      const newest = secrets?.at(-1);
      if (!secrets || !newest || publicKeyOf(newest) !== directory.organization(deps.organization())?.organizationKey)
        throw new AppError('KEY_MISSING', "The clinic's key has not arrived at this workstation yet. Try again when it is connected.");
      return secrets;
    },
    settle,
  };
}
