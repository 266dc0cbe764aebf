/** The IPFS Pinning Service API, version 1 (https://ipfs.github.io/pinning-services-api-spec/): asked of a service, and offered by a hub. */

export type PinState = 'queued' | 'pinning' | 'pinned' | 'failed';

/** Where a service is, and the token it gave. */
export interface PinningAccess {
  /** https, or http on this computer. Without the slash at its end. */
  readonly endpoint: string;
  readonly token: string;
}

/** What a service says about a pin. */
export interface PinStatus {
  readonly requestId: string;
  readonly status: PinState;
  readonly cid: string;
  /** Multiaddrs at which the service takes what it is to pin. */
  readonly delegates: readonly string[];
}

/** Asking a service. All throw PEER_UNREACHABLE, WRONG_CREDENTIALS (401), NOT_ALLOWED (what the account may not, or no room), INVALID_INPUT (a senseless answer). */
export interface PinningPort {
  /** @throws AppError INVALID_INPUT for an address that is not https, nor http on this computer. */
  checkEndpoint(endpoint: string): string;
  add(access: PinningAccess, pin: { readonly cid: string; readonly origins: readonly string[] }): Promise<PinStatus>;
  /** What the service says about these CIDs, whatever their state; 10 at most. */
  of(access: PinningAccess, cids: readonly string[]): Promise<PinStatus[]>;
}

/** One pin of a clinic, on the way or there. */
export interface OwnPin {
  readonly opId: string;
  readonly cid: string;
}

/** In `workstation.db`: what was given to the pinning service. Synchronous and durable. */
export interface PinQueuePort {
  /** Puts them in line; what is in line already stays. */
  add(pins: readonly OwnPin[]): void;
  /** In line, and anchored: what could still be withdrawn stays here. */
  toSend(limit: number): OwnPin[];
  /** With the service, and not looked at since; the longest ago first. */
  toAsk(states: readonly PinState[], before: number, limit: number): OwnPin[];
  /** What the service said. Gives the operations all of whose pins are `pinned`, and of the others those that were until now. */
  note(
    pins: readonly { readonly cid: string; readonly state: PinState | null }[],
    at: number,
  ): { readonly held: string[]; readonly lost: string[] };
  counts(): Readonly<Record<'waiting' | PinState, number>>;
  clear(): void;
}

/** A pin that a hub keeps for another clinic. */
export interface KeptPin {
  /** 32 bytes in hexadecimal; also the owner of its blocks. */
  readonly requestId: string;
  /** By its name in the hub's file of tokens. */
  readonly client: string;
  readonly cid: string;
  readonly name: string;
  readonly origins: readonly string[];
  readonly meta: Readonly<Record<string, string>>;
  readonly status: PinState;
  /** Bytes of its blocks, as far as they were fetched. */
  readonly bytes: number;
  /** Milliseconds. */
  readonly createdAt: number;
}

export interface PinFilter {
  readonly cids?: readonly string[] | undefined;
  readonly name?: { readonly text: string; readonly match: 'exact' | 'iexact' | 'partial' | 'ipartial' } | undefined;
  readonly states: readonly PinState[];
  readonly before?: number | undefined;
  readonly after?: number | undefined;
  readonly meta?: Readonly<Record<string, string>> | undefined;
}

export interface KeptPinsPort {
  /** `replaces`: goes at the same time. */
  add(pin: KeptPin, replaces?: string): void;
  pin(client: string, requestId: string): KeptPin | undefined;
  /** The newest first. `count`: of all that match. */
  list(client: string, filter: PinFilter, limit: number): { readonly count: number; readonly pins: KeptPin[] };
  /** Not pinned and not failed, the oldest first. */
  unfinished(limit: number): KeptPin[];
  note(requestId: string, status: PinState, bytes: number): void;
  remove(requestId: string): void;
  usage(client: string): { readonly pins: number; readonly bytes: number };
}

export interface PinRequest {
  readonly cid: string;
  readonly name: string;
  readonly origins: readonly string[];
  readonly meta: Readonly<Record<string, string>>;
}

/** What the server asks of the hub. A client is named as in the file of tokens. */
export interface PinKeeper {
  add(client: string, request: PinRequest, replaces?: string): KeptPin;
  pin(client: string, requestId: string): KeptPin | undefined;
  list(client: string, filter: PinFilter, limit: number): { readonly count: number; readonly pins: KeptPin[] };
  /** Whether there was such a pin. */
  remove(client: string, requestId: string): boolean;
  /** Where its blocks are to be brought to, with peer ids. */
  delegates(): readonly string[];
}
