/**
 * How far this computer's clock is from the others': measured when a new block of a shared ledger or the time of another workstation comes, and shown.
 * Nothing depends on it: order comes from the ledger, and an operation's lifetime does not shrink with a wrong clock (signing.ts).
 */
import type { ClockView } from '../../../src-shared/view-types.ts';

export interface ClockWatch {
  /** A block that was not there at the last look, a second ago. @param timestamp seconds. */
  noteBlock(timestamp: number): void;
  /** Another workstation's clock, asked for and answered within `roundTripMs`. @param time milliseconds. */
  notePeer(peer: string, time: number, roundTripMs: number): void;
  forgetPeer(peer: string): void;
  view(): ClockView | null;
}

/** Below this, a difference is the time a block takes to be made and to be noticed. */
const noticed = 120;
/** Blocks that are looked at: the middle one of them is not moved by one bad stamp. */
const keptBlocks = 15;
const keptPeers = 100;

const middle = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

export function createClockWatch(clock: () => number): ClockWatch {
  let blocks: number[] = [];
  const peers = new Map<string, number>();
  return {
    noteBlock(timestamp) {
      blocks = [...blocks, clock() / 1000 - timestamp].slice(-keptBlocks);
    },
    notePeer(peer, time, roundTripMs) {
      if (!peers.has(peer) && peers.size >= keptPeers) return;
      peers.set(peer, (clock() - roundTripMs / 2 - time) / 1000);
    },
    forgetPeer: (peer) => void peers.delete(peer),
    view() {
      const ledger = blocks.length > 0 ? Math.round(middle(blocks)) : null;
      const workstations = peers.size > 0 ? Math.round(middle([...peers.values()])) : null;
      // The ledger is made by many; a workstation may itself be wrong.
      const ahead = ledger ?? workstations;
      if (ahead === null) return null;
      return { ahead, by: ledger === null ? 'workstations' : 'ledger', wrong: Math.abs(ahead) >= noticed };
    },
  };
}
