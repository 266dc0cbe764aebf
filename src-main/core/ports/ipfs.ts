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
