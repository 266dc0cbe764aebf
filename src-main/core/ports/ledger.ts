/** Signed operations as bytes, a connection to any JSON-RPC endpoint, and the ledger this workstation may run itself. */
import type { OperationKind, OperationPayload, SignedOperation } from '../../../src-shared/operations.ts';

export interface NetworkConfig {
  readonly chainId: number;
  /** Address of the gateway contract `Operations`. */
  readonly operations: string;
}

export interface OperationCodecPort {
  /** EIP-712 domain separator of the gateway. */
  network(config: NetworkConfig): string;
  encodePayload<K extends OperationKind>(kind: K, payload: OperationPayload<K>): string;
  /** Throws INVALID_INPUT for unknown kinds and malformed payloads. */
  decodePayload(operation: Pick<SignedOperation, 'kind' | 'payload'>): DecodedOperation;
  /** The EIP-712 digest that is signed. `network`: this one, or the domain separator of a predecessor, where it was signed there. */
  digest(network: NetworkConfig | string, operation: Omit<SignedOperation, 'signatures'>): Uint8Array;
  /** The EIP-191 digest of a text ("personal_sign"): what is signed apart from operations, and can be taken for none of them. */
  messageDigest(text: string): Uint8Array;
  /** An account in the spelling that operations have (EIP-55). Throws INVALID_INPUT for what is none. */
  checksummed(account: string): string;
  /** The account whose secp256k1 signature this is, or null for a signature that is none. */
  recover(digest: Uint8Array, signature: string): string | null;
  /** The same of many, in their order, on other threads than the caller's where they are many. */
  recoverAll(signatures: readonly SignedDigest[]): Promise<readonly (string | null)[]>;
}

export interface SignedDigest {
  /** 32 bytes. */
  readonly digest: Uint8Array;
  /** `r || s || v`, 65 bytes in hex with 0x. */
  readonly signature: string;
}

export type DecodedOperation = { [K in OperationKind]: { readonly kind: K; readonly payload: OperationPayload<K> } }[OperationKind];

export interface LedgerEvent {
  readonly type: 'applied' | 'rejected';
  readonly opId: string;
  /** The operation as the ledger holds it; only when applied. */
  readonly operation?: SignedOperation;
  /** EIP-712 domain separator of the predecessor network in which it was signed; only when applied, and only where it was. */
  readonly predecessor?: string;
  /** Decoded name and arguments of the custom error, e.g. "EpochPassed(3)"; only when rejected. */
  readonly reason?: string;
  readonly block: number;
  readonly blockHash: string;
  readonly logIndex: number;
  readonly txHash: string;
  /** Seconds; the block's time, where whoever checked the event had to know it. */
  readonly blockTime?: number;
}

export interface LedgerHead {
  readonly number: number;
  readonly hash: string;
  /** Seconds. */
  readonly timestamp: number;
}

/** A connection to any JSON-RPC endpoint. Every answer is parsed and bounded; failures are LEDGER_UNREACHABLE, LEDGER_WRONG_CHAIN or LEDGER_REFUSED. */
export interface LedgerPort {
  /** http, https, or `peer:` and the id of the workstation that runs the ledger. */
  connect(url: string, config: NetworkConfig): void;
  readonly config: NetworkConfig | null;
  /** Throws LEDGER_WRONG_CHAIN where another chain answers or no gateway is at the address. */
  check(): Promise<LedgerHead>;
  /**
   * What the governors of another network recognized under a domain separator, asked at its endpoint; null where nothing. Leaves the connection as it is. Throws
   * as `check` does.
   */
  recognized(url: string, config: NetworkConfig, domain: string): Promise<{ organization: string; acceptedUntil: number } | null>;
  /** Who governs the network, and how many of them must sign. */
  governance(): Promise<{ readonly governors: readonly string[]; readonly threshold: number }>;
  head(): Promise<LedgerHead>;
  /** Whether its blocks are final as soon as they are there (QBFT, IBFT), as their headers say; not told by Clique and others. */
  isFinalAtOnce(): Promise<boolean>;
  blockHash(number: number): Promise<string | null>;
  /** Seconds; null where there is no such block. */
  blockTime(number: number): Promise<number | null>;
  /** Events of the gateway in blocks [from, to], in order. */
  events(from: number, to: number): Promise<LedgerEvent[]>;
  /**
   * The operation with this id as the ledger holds it, asked of the contract and not taken from the events of a range. Null where it was not applied;
   * 'withheld' where the contract says that it was, and the endpoint does not show it.
   */
  applied(opId: string): Promise<LedgerEvent | 'withheld' | null>;
  nonce(relayer: string): Promise<number>;
  /**
   * Builds and signs the batch without sending it, so that it can be stored first. Gas price as the network asks (zero on ours). `predecessor`: domain
   * separator of the network in which all of them were signed, where that is not this one.
   */
  signBatch(
    operations: readonly SignedOperation[],
    relayerKey: Uint8Array,
    nonce: number,
    options?: { readonly gasPriceFactor?: number; readonly predecessor?: string | null },
  ): Promise<{ hash: string; raw: string }>;
  /** Sends a stored transaction. "already known" counts as sent. Throws LEDGER_REFUSED with details.reason 'nonce-too-low' | 'underpriced' | 'no-funds' | 'other'. */
  broadcast(raw: string): Promise<void>;
  receipt(hash: string): Promise<{ block: number; blockHash: string; success: boolean } | null>;
  relayerAddress(relayerKey: Uint8Array): string;
  /**
   * Answers what another workstation asks of the ledger that this one is connected to (one JSON-RPC request): reading what this program
   * reads, and sending signed transactions; nothing else. Null for anything of another form.
   */
  relay(request: Uint8Array): Promise<Uint8Array | null>;
  close(): void;
}

export interface EmbeddedLedgerPort {
  /** Starts Anvil on loopback with its state in the folder; restarts it if it dies. `port` 0 or taken: another free one. */
  start(options: { readonly dir: string; readonly chainId: number; readonly port: number }): Promise<{ url: string; port: number }>;
  /** Deploys gateway and modules deterministically (idempotent). */
  deploy(url: string, chainId: number, governors: readonly string[], threshold: number): Promise<NetworkConfig>;
  stop(): Promise<void>;
}
