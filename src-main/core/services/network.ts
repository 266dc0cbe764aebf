/**
 * The network this workstation belongs to: the ledger and its gateway, the key of the private IPFS network, the key by which identifiers are made
 * unreadable. Kept in the encrypted workstation store; carried to another clinic as an invitation.
 */
import { z } from 'zod';
import { AppError } from '../../../src-shared/errors.ts';
import { hexOf } from './bytes.ts';
import type { NetworkConfig, OperationCodecPort, RecordCryptoPort, WorkstationStorePort } from '../ports.ts';

const hex32 = z.string().regex(/^0x[0-9a-f]{64}$/);
const maximumPeers = 50;
const settings = z.strictObject({
  chainId: z.number().int().min(1).max(Number.MAX_SAFE_INTEGER),
  operations: z.string().regex(/^0x[0-9a-fA-F]{40}$/),
  /** Of a node; or `peer:` and the id of the workstation that runs the ledger. */
  endpoint: z.union([z.url({ protocol: /^https?$/ }).max(300), z.string().regex(/^peer:[1-9A-HJ-NP-Za-km-z]{40,64}$/)]),
  /** Set where this workstation runs the ledger itself. */
  embedded: z
    .strictObject({ port: z.number().int(), governors: z.array(z.string()).min(1).max(20), threshold: z.number().int().min(1) })
    .nullable(),
  /** Blocks after which one is final; null where that follows from the kind of ledger, as its blocks tell it. */
  confirmations: z.number().int().min(0).max(1000).nullable(),
  swarmKey: hex32,
  identifierKey: hex32,
  identifierKeyVersion: z.number().int().min(1),
  peers: z.array(z.string().max(300)).max(maximumPeers),
});

export type NetworkSettings = z.infer<typeof settings>;

const invitation = settings.omit({ embedded: true }).extend({ v: z.literal(1) });
const invitationPrefix = 'ANAM-INVITE';

/** Throws CODE_INVALID. */
export function readInvitation(crypto: RecordCryptoPort, code: string): NetworkSettings {
  const parsed = invitation.safeParse(crypto.decodeCode(invitationPrefix, code));
  if (!parsed.success) {
    throw new AppError(
      'CODE_INVALID',
      'This is not an invitation of this version. Ask the other clinic for a new one; nothing was changed here.',
    );
  }
  const { v: _v, ...network } = parsed.data;
  return { ...network, embedded: null };
}

/** The first invitation to a network whose contracts were put on a ledger: with new keys for its peers and for its identifiers. */
export function firstInvitation(crypto: RecordCryptoPort, ledger: NetworkConfig & { readonly endpoint: string }): string {
  return crypto.encodeCode(
    invitationPrefix,
    invitation.parse({
      v: 1,
      ...ledger,
      confirmations: null,
      swarmKey: hexOf(crypto.randomBytes(32)),
      identifierKey: hexOf(crypto.randomBytes(32)),
      identifierKeyVersion: 1,
      peers: [],
    }),
  );
}

/** The clinic that a computer is invited into, and what it proves that with. */
const invitedClinic = z.strictObject({
  name: z.string().min(1).max(200),
  entrance: z.strictObject({
    organization: hex32,
    by: z.string().regex(/^0x[0-9a-fA-F]{40}$/),
    key: hex32,
    signature: z.string().regex(/^0x[0-9a-fA-F]{130}$/),
  }),
});
export type InvitedClinic = z.infer<typeof invitedClinic>;
const computerInvitation = z.strictObject({ v: z.literal(1), network: settings.omit({ embedded: true }), clinic: invitedClinic });
const computerPrefix = 'ANAM-COMPUTER';

export interface NetworkService {
  /** Null before the workstation is set up. */
  current(): NetworkSettings | null;
  /** Throws NOT_SET_UP. */
  require(): NetworkSettings & { readonly config: NetworkConfig; readonly id: string };
  save(next: NetworkSettings): void;
  /**
   * Id of the network to which everything of a patient is bound (compartments, keys, records, envelopes, notes): the one in which the patient was registered.
   * It stays so for good, also where the clinic has moved to this network from there.
   */
  ofPatient(patient: string): string;
  /** The same for the keys of an organization: the network it came from. */
  ofOrganization(organization: string): string;
  /** Keeps an address to be dialled at every start. */
  addPeer(address: string): void;
  /**
   * For another clinic. `ownPeer`: through whom its workstations reach a ledger that runs here.
   */
  invitationCode(peers: readonly string[], ownPeer: string): string;
  /** For another computer of this clinic. */
  computerInvitation(peers: readonly string[], ownPeer: string, clinic: InvitedClinic): string;
  /** Throws CODE_INVALID. */
  readComputerInvitation(code: string): { readonly network: NetworkSettings; readonly clinic: InvitedClinic };
  /** Throws CODE_INVALID. */
  readInvitation(code: string): NetworkSettings;
}

export function createNetwork(store: WorkstationStorePort, codec: OperationCodecPort, crypto: RecordCryptoPort): NetworkService {
  let cached: (NetworkSettings & { config: NetworkConfig; id: string }) | null = null;

  const load = () => {
    if (cached) return cached;
    const stored = store.setting<unknown>('network');
    if (stored === undefined) return null;
    const parsed = settings.parse(stored);
    const config = { chainId: parsed.chainId, operations: parsed.operations };
    cached = { ...parsed, config, id: codec.network(config) };
    return cached;
  };

  const required = () => {
    const network = load();
    if (!network) throw new AppError('NOT_SET_UP', 'This workstation is not set up yet.');
    return network;
  };

  /** What others get to know of the network. A ledger that runs here listens to this computer only: others ask through it. */
  const handedOn = (peers: readonly string[], ownPeer: string) => {
    const { config: _config, id: _id, embedded, ...network } = required();
    const known = [...new Set([...peers, ...network.peers])].slice(0, maximumPeers);
    return { ...network, endpoint: embedded ? `peer:${ownPeer}` : network.endpoint, peers: known };
  };

  return {
    current: load,
    require: required,
    save(next) {
      store.setSetting('network', settings.parse(next));
      cached = null;
    },
    ofPatient(patient) {
      const registered = store.operations({ kinds: ['RegisterPatient'], patient }).find(({ state }) => state !== 'rejected');
      return registered?.predecessor ?? this.require().id;
    },
    ofOrganization(organization) {
      const recognized = store.operations({ kinds: ['RecognizePredecessor'], organization }).find(({ state }) => state !== 'rejected');
      const decoded = recognized && codec.decodePayload(recognized.operation);
      if (decoded?.kind === 'RecognizePredecessor') return decoded.payload.domain;
      // Moved, and the new ledger was not read yet: the clinic's admission by its former network was brought along.
      const brought = store.operations({ kinds: ['AdmitOrganization'], organization }).find(({ predecessor }) => predecessor !== null);
      return brought?.predecessor ?? this.require().id;
    },
    addPeer(address) {
      const { config: _config, id: _id, ...network } = this.require();
      if (!network.peers.includes(address)) this.save({ ...network, peers: [address, ...network.peers].slice(0, maximumPeers) });
    },
    invitationCode: (peers, ownPeer) => crypto.encodeCode(invitationPrefix, { v: 1, ...handedOn(peers, ownPeer) }),
    computerInvitation: (peers, ownPeer, clinic) => crypto.encodeCode(computerPrefix, { v: 1, network: handedOn(peers, ownPeer), clinic }),
    readComputerInvitation(code) {
      const parsed = computerInvitation.safeParse(crypto.decodeCode(computerPrefix, code));
      if (!parsed.success) {
        throw new AppError(
          'CODE_INVALID',
          'This is not an invitation for a computer of this version. Ask an admin of the clinic for a new one; nothing was changed here.',
        );
      }
      return { network: { ...parsed.data.network, embedded: null }, clinic: parsed.data.clinic };
    },
    readInvitation: (code) => readInvitation(crypto, code),
  };
}
