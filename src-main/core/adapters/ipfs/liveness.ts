/**
 * Finds connections that pass nothing any more though nobody was told (a cable out, a computer that sleeps), and ends them, so that another takes their place. In place of
 * libp2p's own monitor: it takes a slow line, on which its question waits behind what is carried, for a dead one.
 */
import type { HeliaWithLibp2p } from '@helia/libp2p';
import type { Connection } from './frames.ts';

type Libp2p = HeliaWithLibp2p<Record<string, unknown>>['libp2p'];

const ping = '/ipfs/ping/1.0.0';
const everyMs = 10_000;
const answerMs = 5_000;
/** While something is sent the answer may be late: so many times in a row. */
const mayBeLate = 3;

interface State {
  heardAt: number;
  sending: number;
  late: number;
  isLooking: boolean;
}

export class Liveness {
  readonly #states = new WeakMap<Connection, State>();

  /** Something came on it. */
  heard(connection: Connection): void {
    this.#of(connection).heardAt = performance.now();
  }

  /** Something large is being sent on it; gives what says that this is over. */
  sends(connection: Connection): () => void {
    const state = this.#of(connection);
    state.sending += 1;
    return () => void (state.sending -= 1);
  }

  /** Looks at all connections of a node, for as long as it runs. */
  watch(libp2p: Libp2p): void {
    const timer = setInterval(() => {
      if (libp2p.status === 'stopped') return clearInterval(timer);
      for (const connection of libp2p.getConnections()) void this.#look(connection);
    }, everyMs).unref();
  }

  async #look(connection: Connection): Promise<void> {
    const state = this.#of(connection);
    const begun = performance.now();
    if (state.isLooking || begun - state.heardAt < everyMs) return;
    state.isLooking = true;
    const signal = AbortSignal.timeout(answerMs);
    try {
      // Both sides agree on a protocol before there is a stream: that is an answer, and so is a refusal.
      const stream = await connection.newStream(ping, { signal });
      stream.close().catch(() => stream.abort(new Error('Asked')));
      state.late = 0;
    } catch (error) {
      state.late = !signal.aborted || state.heardAt > begun ? 0 : state.late + 1;
      if (state.late > (state.sending > 0 ? mayBeLate : 0)) connection.abort(new Error('Nothing passes any more', { cause: error }));
    } finally {
      state.isLooking = false;
    }
  }

  #of(connection: Connection): State {
    const known = this.#states.get(connection);
    if (known !== undefined) return known;
    const state: State = { heardAt: -Infinity, sending: 0, late: 0, isLooking: false };
    this.#states.set(connection, state);
    return state;
  }
}
