/**
 * Keeps configured peers connected. Each address is dialled again, for as long as the node runs, with a growing pause: a workstation that
 * was switched off for the night is back in the morning without anybody doing anything.
 */
import type { HeliaWithLibp2p } from '@helia/libp2p';
import { multiaddr } from '@multiformats/multiaddr';
import type { Multiaddr } from '@multiformats/multiaddr';
import { AppError } from '../../../../src-shared/errors.ts';
import type { PeerInfo } from '../../ports.ts';

type Libp2p = HeliaWithLibp2p<Record<string, unknown>>['libp2p'];
type PeerId = Libp2p['peerId'];
type Connection = Awaited<ReturnType<Libp2p['dial']>>;

const dialTimeoutMs = 10_000;
const firstPauseMs = 500;
const longestPauseMs = 60_000;
const maxAddressLength = 300;
const maxKept = 64;

interface Kept {
  readonly address: Multiaddr;
  /** Known from the address, or from the first connection. */
  peer: string | null;
  pauseMs: number;
  timer: NodeJS.Timeout | null;
  dialling: boolean;
}

export class PeerKeeper {
  readonly #libp2p: Libp2p;
  readonly #kept = new Map<string, Kept>();
  /** Discovered peers that could not be reached, with the time (ms) before which they are not tried again. */
  readonly #shunned = new Map<string, number>();
  readonly #changed: () => void;
  #stopped = false;

  constructor(libp2p: Libp2p, changed: () => void) {
    this.#libp2p = libp2p;
    this.#changed = changed;
    libp2p.addEventListener('peer:connect', this.#onConnect);
    libp2p.addEventListener('peer:disconnect', this.#onDisconnect);
    libp2p.addEventListener('peer:discovery', this.#onDiscovery);
  }

  /** Connects to an address now and again, without an end. Its first attempt is not waited for. */
  keep(text: string): void {
    const kept = this.#add(parseAddress(text));
    if (!this.#isConnected(kept)) void this.#attempt(kept);
  }

  /**
   * Connects to an address and, where that succeeded, keeps it connected.
   * @throws AppError INVALID_INPUT, PEER_UNREACHABLE.
   */
  async dial(text: string): Promise<void> {
    const address = parseAddress(text);
    let connection: Connection;
    try {
      connection = await this.#libp2p.dial(address, { signal: AbortSignal.timeout(dialTimeoutMs) });
    } catch (error) {
      throw new AppError(
        'PEER_UNREACHABLE',
        'The other workstation could not be reached, or it belongs to another network. Work goes on here. Check its address, that it is switched on, and the network between.',
        { address: text },
        { cause: error },
      );
    }
    this.#add(address).peer = connection.remotePeer.toString();
  }

  connected(): PeerInfo[] {
    const peers = new Map<string, PeerInfo>();
    for (const connection of this.#libp2p.getConnections()) {
      const id = connection.remotePeer.toString();
      if (connection.status === 'open' && !peers.has(id)) peers.set(id, { id, address: connection.remoteAddr.toString() });
    }
    return [...peers.values()];
  }

  stop(): void {
    this.#stopped = true;
    for (const { timer } of this.#kept.values()) if (timer !== null) clearTimeout(timer);
    this.#kept.clear();
    this.#libp2p.removeEventListener('peer:connect', this.#onConnect);
    this.#libp2p.removeEventListener('peer:disconnect', this.#onDisconnect);
    this.#libp2p.removeEventListener('peer:discovery', this.#onDiscovery);
  }

  readonly #onConnect = (event: CustomEvent<PeerId>): void => {
    const id = event.detail.toString();
    this.#shunned.delete(id);
    // Whichever side dialled: after a cut, it is tried soon again.
    for (const kept of this.#kept.values()) if (kept.peer === id) kept.pauseMs = firstPauseMs;
    this.#changed();
  };

  readonly #onDisconnect = (event: CustomEvent<PeerId>): void => {
    for (const kept of this.#kept.values()) {
      if (kept.peer === event.detail.toString()) this.#later(kept);
    }
    this.#changed();
  };

  readonly #onDiscovery = (event: CustomEvent<{ readonly id: PeerId }>): void => {
    const id = event.detail.id.toString();
    const until = this.#shunned.get(id);
    if (this.#libp2p.getConnections(event.detail.id).length > 0 || (until !== undefined && until > Date.now())) return;
    // At once set, so that a second announcement during the dial does not start another.
    this.#shunned.set(id, Date.now() + longestPauseMs);
    this.#libp2p.dial(event.detail.id, { signal: AbortSignal.timeout(dialTimeoutMs) }).catch((error: unknown) => {
      // Nobody asked for this peer by name: it is tried again at a later announcement.
      this.#libp2p.logger.forComponent('anamnesis:peers')('discovered peer %s not reached: %e', id, error as Error);
    });
    if (this.#shunned.size > 1024) this.#shunned.delete(this.#shunned.keys().next().value ?? '');
  };

  #add(address: Multiaddr): Kept {
    const text = address.toString();
    const known = this.#kept.get(text);
    if (known !== undefined) return known;
    if (this.#kept.size >= maxKept) {
      throw new AppError('INVALID_INPUT', `At most ${maxKept} peers can be kept connected. Remove one from the settings first.`);
    }
    const peer = address.getComponents().findLast(({ name }) => name === 'p2p')?.value ?? null;
    const kept: Kept = { address, peer, pauseMs: firstPauseMs, timer: null, dialling: false };
    this.#kept.set(text, kept);
    return kept;
  }

  #isConnected(kept: Kept): boolean {
    return (
      kept.peer !== null &&
      this.#libp2p.getConnections().some(({ remotePeer, status }) => status === 'open' && remotePeer.toString() === kept.peer)
    );
  }

  async #attempt(kept: Kept): Promise<void> {
    if (this.#stopped || kept.dialling) return;
    kept.dialling = true;
    try {
      const connection = await this.#libp2p.dial(kept.address, { signal: AbortSignal.timeout(dialTimeoutMs) });
      kept.peer = connection.remotePeer.toString();
      kept.pauseMs = firstPauseMs;
    } catch (error) {
      this.#libp2p.logger.forComponent('anamnesis:peers')('peer %a not reached: %e', kept.address, error as Error);
    } finally {
      kept.dialling = false;
    }
    if (!this.#isConnected(kept)) this.#later(kept);
  }

  #later(kept: Kept): void {
    if (this.#stopped || kept.timer !== null) return;
    // Half of it by chance: workstations of one clinic would otherwise all dial a returning one in the same moment.
    const pause = kept.pauseMs * (0.5 + Math.random() / 2);
    kept.pauseMs = Math.min(kept.pauseMs * 2, longestPauseMs);
    kept.timer = setTimeout(() => {
      kept.timer = null;
      if (!this.#isConnected(kept)) void this.#attempt(kept);
    }, pause);
    kept.timer.unref();
  }
}

/** @throws AppError INVALID_INPUT for what is no address of a workstation: TCP, or a WebSocket over it, at an IP address or a host name. */
export function parseAddress(text: string): Multiaddr {
  try {
    if (text.length <= maxAddressLength) {
      const address = multiaddr(text);
      const names = address.getComponents().map(({ name }) => name);
      if (/^(ip4|ip6|dns|dns4|dns6) tcp( ws)?( p2p)?$/.test(names.join(' '))) return address;
    }
  } catch (error) {
    throw new AppError('INVALID_INPUT', notAnAddress, {}, { cause: error });
  }
  throw new AppError('INVALID_INPUT', notAnAddress);
}

const notAnAddress =
  'That is no address of a workstation. It looks like /ip4/192.168.1.20/tcp/4001/p2p/12D3Koo… and is shown under "Peers" on the other one.';
