/**
 * Reads the ledger's events from a block to its head, in ranges as long as the endpoint and their content allow, and hands them on in slices of whole blocks: whoever
 * signed the next slice is found out on other threads while the one before is taken in.
 */
import { AppError } from '../../../../src-shared/errors.ts';
import type { LedgerEvent, LedgerHead, LedgerPort, NetworkConfig, OperationCodecPort, WorkstationStorePort } from '../../ports.ts';
import { recoverSigners, type Recovered } from './event-check.ts';

const firstRange = 64;
const longestRange = 10_000;
/** A range with more events than this is too long, one with a quarter too short. */
const wantedEvents = 1600;
/** A slice ends with the block in which it has so many; in a catch-up, where nobody waits for who signed them, with more. */
const sliceEvents = 200;
const catchUpEvents = 800;

interface Block {
  readonly number: number;
  readonly hash: string;
}

/** What the ledger says of some blocks in a row; not yet believed. */
export interface Slice {
  /** The last of them. */
  readonly to: number;
  readonly network: NetworkConfig;
  readonly events: readonly LedgerEvent[];
  /** Hashes by number, ascending: of the blocks with events, and of the last. */
  readonly blocks: readonly Block[];
  readonly recovered: Promise<Recovered>;
}

export interface SliceReader {
  /**
   * The slices of the blocks behind `followed` (from the first one on, where nothing was) to the head; the return value is false where the chain changed
   * meanwhile. Ends with what the ledger throws.
   */
  read(followed: Block | undefined, head: LedgerHead): AsyncGenerator<Slice, boolean, undefined>;
  /** Begins with short ranges again. */
  reset(): void;
}

/** Endpoints limit ranges by rules of their own. */
const isTooMuch = (failure: unknown): boolean =>
  failure instanceof AppError && (failure.code === 'LEDGER_REFUSED' || failure.details['reason'] === 'too-large');

/** Events in order, divided where a block ends. */
function divide(events: readonly LedgerEvent[], most: number): LedgerEvent[][] {
  const parts: LedgerEvent[][] = [];
  let part: LedgerEvent[] = [];
  for (const event of events) {
    if (part.length >= most && event.block !== part.at(-1)?.block) {
      parts.push(part);
      part = [];
    }
    part.push(event);
  }
  return [...parts, part];
}

export function createSliceReader(deps: {
  readonly store: WorkstationStorePort;
  readonly ledger: LedgerPort;
  readonly codec: OperationCodecPort;
  /** New commits in a slice from which on it is found out later who signed them. Default: 64. */
  readonly catchUpFrom?: number;
}): SliceReader {
  const { store, ledger, codec, catchUpFrom } = deps;
  let range = firstRange;

  /** The events behind one block, which the chain must still have, and the last block up to which they are; null where the chain changed. */
  async function readRange(
    before: Block | undefined,
    to: number,
    head: LedgerHead,
  ): Promise<{ events: LedgerEvent[]; last: Block } | null> {
    const hash = to === head.number ? head.hash : await ledger.blockHash(to);
    if (hash === null) return null;
    const events = await ledger.events((before?.number ?? -1) + 1, to);
    const hashes = new Map(events.map(({ block, blockHash }) => [block, blockHash]));
    const consistent = events.every(({ block, blockHash }) => hashes.get(block) === blockHash);
    // Asked again after the logs: only then do they belong to the block whose hash is kept.
    if (!consistent || (hashes.get(to) ?? hash) !== hash || (await ledger.blockHash(to)) !== hash) return null;
    // And to the chain of what was read before: who looks at the last block only does not see later that it was another one.
    if (before !== undefined && (await ledger.blockHash(before.number)) !== before.hash) return null;
    return { events, last: { number: to, hash } };
  }

  return {
    async *read(followed, head) {
      let deferring = false;
      for (let before = followed; (before?.number ?? -1) < head.number;) {
        let found: Awaited<ReturnType<typeof readRange>>;
        try {
          found = await readRange(before, Math.min((before?.number ?? -1) + range, head.number), head);
        } catch (failure) {
          // A smaller range is asked for before that counts as a failure.
          if (!isTooMuch(failure) || range === 1) throw failure;
          range = Math.max(1, range >> 2);
          continue;
        }
        const network = ledger.config;
        if (found === null || network === null) return false;
        const { last } = found;
        if (found.events.length > wantedEvents) range = Math.max(1, range >> 1);
        else if (found.events.length < wantedEvents / 4) range = Math.min(range * 2, longestRange);
        const parts = divide(found.events, deferring ? catchUpEvents : sliceEvents);
        for (const [i, events] of parts.entries()) {
          const blocks = new Map(events.map(({ block, blockHash }) => [block, blockHash]));
          if (i === parts.length - 1) blocks.set(last.number, last.hash);
          const { defers, recovered } = recoverSigners({ store, codec, network }, events, {
            behind: deferring,
            ...(catchUpFrom === undefined ? {} : { from: catchUpFrom }),
          });
          deferring ||= defers;
          // Nobody may come to wait for it.
          recovered.catch(() => undefined);
          const ascending = [...blocks].map(([number, hash]) => ({ number, hash })).sort((a, b) => a.number - b.number);
          yield { to: ascending.at(-1)?.number ?? last.number, network, events, blocks: ascending, recovered };
        }
        before = last;
      }
      return true;
    },
    reset() {
      range = firstRange;
    },
  };
}
