/**
 * The wire between two workstations: a TCP proxy before the port of one of them that loses, stalls, cuts, or silently swallows what the other sends. What
 * stands in a stream is never changed: its encryption would notice at once and end the connection, which is a cut.
 */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from '../random.ts';

/**
 * - `loss`: of the segments, 10 % come only when TCP has sent them again, and hold up what follows;
 * - `stall`: nothing passes for as long as this lasts, then all of it;
 * - `slow`: it carries `slowBytesPerSecond`, as a telephone line with a weak signal does;
 * - `cut`: connections are reset in the middle of something;
 * - `half-open`: connections pass nothing more, for good, and nobody is told; so do those that are opened meanwhile.
 */
export const wireFaults = ['loss', 'stall', 'slow', 'cut', 'half-open'] as const;
export type WireFault = (typeof wireFaults)[number];

const lossShare = 0.1;
/** What TCP waits for an acknowledgement, at least (RTO_MIN of Linux). */
const resendMs = 200;
const cutShare = 0.1;
const slowBytesPerSecond = 20_000;
/** What it takes at once, at most. */
export const pieceBytes = 2000;

interface Link {
  readonly near: Socket;
  readonly far: Socket;
  swallows: boolean;
}

export class FaultyWire {
  /** Connections that met a fault, by its name. */
  readonly met = new Map<WireFault, number>();
  readonly #random: Random;
  readonly #port: number;
  readonly #links = new Set<Link>();
  readonly #server = createServer((near) => this.#open(near));
  #fault: WireFault | null = null;
  /** What waits for the fault to end. */
  readonly #held = new Set<() => void>();

  private constructor(port: number, random: Random) {
    this.#port = port;
    this.#random = random;
  }

  /** Before the port of `addresses` (multiaddrs of one workstation on this computer). */
  static async before(addresses: readonly string[], random: Random): Promise<FaultyWire> {
    const port = Number(/\/tcp\/(\d+)/.exec(addresses[0] ?? '')?.[1]);
    const wire = new FaultyWire(port, random);
    await new Promise<void>((resolve) => wire.#server.listen(0, '127.0.0.1', resolve));
    return wire;
  }

  /** The same address, but through this wire; others as they are. */
  through(address: string): string {
    const here = (this.#server.address() as AddressInfo).port;
    return address.replace(new RegExp(`/tcp/${this.#port}(?=/|$)`), `/tcp/${here}`);
  }

  /** What happens from now on, until it is something else; null: nothing. */
  set fault(fault: WireFault | null) {
    this.#fault = fault;
    if (fault === 'half-open')
      for (const link of this.#links) {
        link.swallows = true;
        this.#note('half-open');
      }
    for (const goOn of this.#held) goOn();
    this.#held.clear();
  }

  async close(): Promise<void> {
    for (const { near, far } of this.#links) [near, far].forEach((socket) => socket.destroy());
    this.#server.close();
    await once(this.#server, 'close');
  }

  #note(fault: WireFault): void {
    this.met.set(fault, (this.met.get(fault) ?? 0) + 1);
  }

  #open(near: Socket): void {
    const far = connect({ host: '127.0.0.1', port: this.#port });
    const link: Link = { near, far, swallows: this.#fault === 'half-open' };
    if (link.swallows) this.#note('half-open');
    this.#links.add(link);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.setNoDelay(true);
      // Whoever is killed is gone for the other one too: except where nobody is told.
      from.on('error', () => undefined);
      from.on('close', () => {
        this.#links.delete(link);
        if (!link.swallows) to.destroy();
      });
      void this.#pump(link, from, to);
    }
  }

  async #pump(link: Link, from: Socket, to: Socket): Promise<void> {
    try {
      for await (const chunk of from as AsyncIterable<Buffer>) {
        await this.#hold();
        for (let at = 0; at < chunk.length;) {
          const piece = chunk.subarray(at, this.#fault === 'slow' ? at + pieceBytes : undefined);
          at += piece.length;
          if (this.#fault === 'slow') await this.#carrySlowly(piece.length);
          // Read on, so that whoever sends takes it for delivered.
          if (link.swallows) continue;
          if (this.#cuts()) return [from, to].forEach((socket) => socket.resetAndDestroy());
          if (!to.write(piece)) await once(to, 'drain');
        }
      }
      if (!link.swallows) to.end();
    } catch {
      // Reset by one side: its end is told to the other one where it closes.
    }
  }

  /** Until what came may go on. */
  async #hold(): Promise<void> {
    if (this.#fault === 'loss' && this.#random.chance(lossShare)) {
      this.#note('loss');
      await delay(resendMs);
    }
    if (this.#fault === 'stall') this.#note('stall');
    while (this.#fault === 'stall') await new Promise<void>((resolve) => this.#held.add(resolve));
  }

  async #carrySlowly(bytes: number): Promise<void> {
    this.#note('slow');
    await delay((bytes / slowBytesPerSecond) * 1000);
  }

  #cuts(): boolean {
    const cuts = this.#fault === 'cut' && this.#random.chance(cutShare);
    if (cuts) this.#note('cut');
    return cuts;
  }
}
