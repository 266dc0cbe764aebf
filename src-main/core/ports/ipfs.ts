/** The private IPFS node and its durable blocks. */

export interface PeerInfo {
  readonly id: string;
  readonly address: string;
}

export interface IpfsPort {
  /** swarmKey: 32 bytes of pre-shared key. identity: 32-byte Ed25519 seed of this workstation. */
  start(options: {
    readonly swarmKey: Uint8Array;
    readonly identity: Uint8Array;
    readonly listen: readonly string[];
    readonly peers: readonly string[];
    readonly mdns: boolean;
  }): Promise<void>;
  stop(): Promise<void>;
  /** Multiaddrs (with peer id) that others can dial. */
  addresses(): string[];
  peers(): PeerInfo[];
  dial(address: string): Promise<void>;
  /** Called when the number of peers changes. */
  onPeersChanged(listener: () => void): void;
  /** Computes a UnixFS file's blocks without storing them. */
  layOut(bytes: Uint8Array): Promise<{ cid: string; blocks: EncodedFileBlock[] }>;
  /** The same of a file that is too large for memory: `take` is given its blocks as they are made. Returns the file's CID. */
  layOutStream(source: AsyncIterable<Uint8Array>, take: (blocks: readonly EncodedFileBlock[]) => void): Promise<string>;
  /** CIDs of all blocks of a UnixFS file; reads its inner nodes only. */
  fileBlocks(cid: string, options?: { readonly offline?: boolean; readonly timeoutMs?: number }): Promise<string[]>;
  /** Takes blocks out of this workstation for good: overwritten and durable when it returns, all or nothing. Peers that have them are not told. */
  remove(cids: readonly string[]): void;
  /** Durable (fsynced) when it returns, all or nothing. */
  put(blocks: readonly EncodedFileBlock[]): void;
  has(cid: string): boolean;
  /** A block, checked against its CID. offline: never asks the network. Throws BLOCK_UNAVAILABLE or TAMPERED. */
  get(cid: string, options?: { readonly offline?: boolean; readonly timeoutMs?: number; readonly maxBytes?: number }): Promise<Uint8Array>;
  /** Bytes [offset, offset+length) of a UnixFS file, each block checked against its CID. */
  readFile(
    cid: string,
    options?: {
      readonly offset?: number;
      readonly length?: number;
      readonly offline?: boolean;
      readonly timeoutMs?: number;
      readonly maxBytes?: number;
    },
  ): Promise<Uint8Array>;
}

export interface EncodedFileBlock {
  readonly cid: string;
  readonly bytes: Uint8Array;
}

/** What is answered on a protocol of this program; one question, one answer. */
export interface PeerService {
  readonly maxRequestBytes: number;
  readonly maxAnswerBytes: number;
  /** Null refuses: the peer learns nothing but that. So does a rejection. */
  answer(peer: string, request: Uint8Array): Promise<Uint8Array | null>;
}

/** Talking to the workstations that are connected. Works, once set up, over restarts of the node. */
export interface PeerPort {
  /** Peer id of a 32-byte identity, as addresses and others name it. */
  idOf(identity: Uint8Array): Promise<string>;
  serve(protocol: string, service: PeerService): void;
  /** Throws PEER_UNREACHABLE: not connected, refused, no answer in time, or a larger one. */
  ask(
    peer: string,
    protocol: string,
    request: Uint8Array,
    options: { readonly maxBytes: number; readonly timeoutMs: number },
  ): Promise<Uint8Array>;
  /** Who may have blocks from here; asked whenever a peer wants some. Without it, whoever has the network's key may. */
  guardBlocks(mayHave: (peer: string) => Promise<boolean>): void;
  /** Ends the connection; the peer is not let in again, and not dialled, before the time is over (milliseconds). */
  cutOff(peer: string, forMs: number): void;
  onPeer(listener: (peer: string, connected: boolean) => void): void;
}
