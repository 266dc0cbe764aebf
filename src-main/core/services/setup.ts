/** First run: setting up a clinic with a network of its own, or joining an existing network and asking its governors to be admitted. */
import { AppError } from '../../../src-shared/errors.ts';
import type { EncodedBlock, OperationCodecPort, PersonKeys, RecordCryptoPort, KeyPort, IpfsPort, WorkstationStorePort } from '../ports.ts';
import {
  admissionOf,
  encodeAdmissionRequest,
  moveSeconds,
  readAdmissionRequest,
  requestStatement,
  type AdmissionRequest,
} from './admission-request.ts';
import { granteeOfAccount, hexOf } from './bytes.ts';
import type { Connections } from './connections.ts';
import type { Computers } from './peers/computers.ts';
import type { Directory } from './directory.ts';
import type { FactBus } from './facts.ts';
import type { NetworkService } from './network.ts';
import type { People } from './people.ts';
import type { Publisher } from './publisher.ts';
import type { Sessions } from './sessions.ts';
import type { Signing } from './signing.ts';

/** This workstation's clinic, as the person who set it up named it. */
export interface Clinic {
  readonly id: string;
  readonly name: string;
}

export interface Founding {
  readonly clinicName: string;
  readonly personName: string;
  readonly passphrase: string;
  readonly phrase: string;
  /** More is to follow before the clinic can be used (the demo): until `complete`, a start forgets all of it. */
  readonly unfinished?: boolean;
}

/** Forgets a clinic that was being made when the workstation ended: nobody could use what there is of it. For the start, before anything is read. */
export function forgetUnfinished(store: WorkstationStorePort): void {
  if (store.setting<boolean>('unfinished')) store.clear();
}

export interface Setup {
  clinic(): Clinic | null;
  phase(): 'unconfigured' | 'joining' | 'ready';
  /** While joining. */
  requestCode(): string | null;
  createClinic(founding: Founding): Promise<void>;
  /** Ends what `unfinished` began. */
  complete(): void;
  join(founding: Founding & { readonly invitation: string }): Promise<{ requestCode: string }>;
  /** Makes this computer another workstation of a clinic that has one. */
  joinClinic(joining: { readonly invitation: string; readonly computerName: string }): Promise<{ clinicName: string }>;
  readRequest(code: string): { organization: string; clinicName: string; adminName: string; alreadyAdmitted: boolean; moving: boolean };
  /**
   * The request of this clinic to be admitted to another network with all that it did in this one: as what it was when it began here. Throws NOT_ALLOWED for
   * anybody but the person who founded it.
   */
  moveRequest(): Promise<string>;
  /** Signs the admission as a governor; of a clinic that moves here, also that its former network is recognized. */
  admit(code: string): void;
}

/** What the computer at which a clinic is set up is called among its computers. */
const firstComputer = 'First computer';
export function createSetup(deps: {
  readonly store: WorkstationStorePort;
  readonly keys: KeyPort;
  readonly crypto: RecordCryptoPort;
  readonly codec: OperationCodecPort;
  readonly ipfs: IpfsPort;
  readonly network: NetworkService;
  readonly connections: Connections;
  readonly directory: Directory;
  readonly people: () => People;
  readonly sessions: Sessions;
  readonly signing: Signing;
  readonly publisher: Publisher;
  readonly computers: Pick<Computers, 'found' | 'enter'>;
  readonly facts: FactBus;
  readonly clock: () => number;
}): Setup {
  const { store, keys, crypto, codec, network, connections, directory, sessions, signing, publisher, facts } = deps;
  const clinic = () => store.setting<Clinic>('clinic') ?? null;
  let busy = false;

  /** The clinic's identity and first admin, signed by the admin: what a governor admits. */
  const prepare = async (founding: Founding, admin: PersonKeys): Promise<{ request: AdmissionRequest; blocks: EncodedBlock[] }> => {
    const organization = hexOf(crypto.randomBytes(32));
    const organizationKeys = keys.createEncryptionKeyPair();
    const profile = crypto.encodeProfile({ type: 'organization', name: founding.clinicName });
    const adminProfile = crypto.encodeProfile({ type: 'person', name: founding.personName });
    const recipient = { id: granteeOfAccount(admin.account), encryptionKey: admin.encryptionKey };
    const keyEnvelope = await crypto.sealOrganizationKey(network.require().id, organization, recipient, [organizationKeys.secretKey]);
    organizationKeys.secretKey.fill(0);
    const unsigned = {
      organization,
      admin: admin.account,
      encryptionKey: admin.encryptionKey,
      organizationKey: organizationKeys.publicKey,
      profile: profile.bytes,
      adminProfile: adminProfile.bytes,
      keyEnvelope: keyEnvelope.bytes,
      predecessor: null,
    };
    return {
      request: { v: 2, ...unsigned, signature: admin.sign(requestStatement(crypto, unsigned)) },
      blocks: [profile, adminProfile, keyEnvelope],
    };
  };

  const admission = (r: AdmissionRequest, governor: PersonKeys) =>
    signing.make('AdmitOrganization', admissionOf(crypto, r), 'Admit a clinic', governor);

  const recognition = (organization: string, domain: string, governor: PersonKeys) => {
    const acceptedUntil = Math.floor(deps.clock() / 1000) + moveSeconds;
    return signing.make(
      'RecognizePredecessor',
      { organization, domain, acceptedUntil },
      'Recognize the former network of a clinic',
      governor,
    );
  };

  const parse = (code: string) => readAdmissionRequest(codec, crypto, code);

  /** One first run at a time, on a workstation that has none; what an interrupted one left is cleared. */
  const once = async <T>(step: () => Promise<T>): Promise<T> => {
    if (store.setting<boolean>('unfinished')) {
      const message = 'The demo clinic was not finished. Close Anamnesis and start it again: it then begins anew.';
      throw new AppError('ALREADY_SET_UP', message);
    }
    if (clinic() || busy) throw new AppError('ALREADY_SET_UP', 'This workstation is already set up.');
    busy = true;
    try {
      store.clear();
      return await step();
    } finally {
      busy = false;
    }
  };

  return {
    clinic,
    phase() {
      const own = clinic();
      if (!own || !network.current()) return 'unconfigured';
      return directory.organization(own.id) ? 'ready' : 'joining';
    },
    requestCode() {
      const own = clinic();
      return own && !directory.organization(own.id) ? (store.setting<string>('requestCode') ?? null) : null;
    },
    createClinic: (founding) =>
      once(async () => {
        const admin = await deps.people().addLocal(founding.personName, founding.passphrase, keys.fromPhrase(founding.phrase));
        network.save(await connections.createNetwork(admin.account));
        const { request: r, blocks } = await prepare(founding, admin);
        const peer = await connections.peerId();
        // Together: an admission without the clinic it is of would stay in the directory as somebody else's.
        store.atomically(() => {
          store.setSetting('clinic', { id: r.organization, name: founding.clinicName } satisfies Clinic);
          store.setSetting('unfinished', founding.unfinished);
          publisher.publish(blocks, [admission(r, admin)]);
          deps.computers.found(r.organization, firstComputer, peer, admin);
        });
        connections.start();
        sessions.begin(admin, founding.personName);
      }),
    complete: () => store.setSetting('unfinished', undefined),
    join: (founding) =>
      once(async () => {
        network.save(network.readInvitation(founding.invitation));
        const admin = await deps.people().addLocal(founding.personName, founding.passphrase, keys.fromPhrase(founding.phrase));
        const { request: r, blocks } = await prepare(founding, admin);
        deps.ipfs.put(blocks);
        const peer = await connections.peerId();
        const requestCode = encodeAdmissionRequest(crypto, r);
        store.atomically(() => {
          store.setSetting('requestCode', requestCode);
          store.setSetting('clinic', { id: r.organization, name: founding.clinicName } satisfies Clinic);
          deps.computers.found(r.organization, firstComputer, peer, admin);
        });
        admin.destroy();
        connections.start();
        facts.tell('status', null);
        return { requestCode };
      }),
    joinClinic: ({ invitation, computerName }) =>
      once(async () => {
        const { network: invited, clinic: into } = network.readComputerInvitation(invitation);
        const peer = await connections.peerId();
        store.atomically(() => {
          network.save(invited);
          deps.computers.enter(into.entrance, computerName, peer);
          store.setSetting('clinic', { id: into.entrance.organization, name: into.name } satisfies Clinic);
        });
        connections.start();
        facts.tell('status', null);
        return { clinicName: into.name };
      }),
    readRequest(code) {
      const r = parse(code);
      return {
        organization: r.organization,
        clinicName: crypto.decodeProfile(r.profile).name,
        adminName: crypto.decodeProfile(r.adminProfile).name,
        alreadyAdmitted: directory.organization(r.organization) !== undefined,
        moving: r.predecessor !== null,
      };
    },
    admit(code) {
      const r = parse(code);
      const blocks = [r.profile, r.adminProfile, r.keyEnvelope].map((bytes) => ({
        cid: crypto.cidOfDigest(hexOf(crypto.sha256(bytes))),
        bytes,
      }));
      const governor = sessions.require().keys;
      const operations = [admission(r, governor)];
      if (r.predecessor !== null) operations.push(recognition(r.organization, r.predecessor, governor));
      publisher.publish(blocks, operations);
    },
    async moveRequest() {
      const { keys: admin } = sessions.require();
      const own = clinic();
      const [founded] = own ? store.operations({ kinds: ['AdmitOrganization'], organization: own.id }) : [];
      const decoded = founded && codec.decodePayload(founded.operation);
      if (decoded?.kind !== 'AdmitOrganization' || decoded.payload.admin !== admin.account) {
        const text =
          'Only the person who set the clinic up can ask for this: the other network admits the clinic as it was when it began. Nothing was changed.';
        throw new AppError('NOT_ALLOWED', text);
      }
      const { organization, encryptionKey, organizationKey, ...digests } = decoded.payload;
      const read = (digest: string) => deps.ipfs.get(crypto.cidOfDigest(digest), { offline: true });
      const unsigned = {
        ...{ organization, admin: admin.account, encryptionKey, organizationKey, predecessor: network.require().id },
        profile: await read(digests.profile),
        adminProfile: await read(digests.adminProfile),
        keyEnvelope: await read(digests.keyEnvelope),
      };
      const signature = admin.sign(requestStatement(crypto, unsigned), admin.account);
      return encodeAdmissionRequest(crypto, { v: 2, ...unsigned, signature });
    },
  };
}
