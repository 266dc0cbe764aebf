/** Facts: what services tell each other and the screens. One small synchronous bus. Whoever tells something is not told of a listener that fails. */
import type { CoreEventName, CoreEvents } from '../../../src-shared/ipc-schema.ts';
import type { OperationKind } from '../../../src-shared/operations.ts';

export interface InternalFacts {
  /** Operations became known, were anchored, rejected or rolled back. */
  readonly operations: { readonly kinds: ReadonlySet<OperationKind> };
  /** Something that the snapshot shows changed. */
  readonly status: null;
}

type Facts = InternalFacts & Omit<CoreEvents, 'snapshot'>;
type Listener<N extends keyof Facts> = (payload: Facts[N]) => void;

export interface FactBus {
  tell<N extends keyof Facts>(name: N, payload: Facts[N]): void;
  on<N extends keyof Facts>(name: N, listener: Listener<N>): () => void;
}

export type ScreenFact = Exclude<CoreEventName, 'snapshot'>;

/** @param report hears of listeners that fail; the others hear of the fact all the same. */
export function createFactBus(report: (error: unknown) => void): FactBus {
  const listeners = new Map<keyof Facts, Set<(payload: never) => void>>();
  return {
    tell(name, payload) {
      for (const listener of listeners.get(name) ?? []) {
        try {
          (listener as Listener<typeof name>)(payload);
        } catch (error) {
          report(error);
        }
      }
    },
    on(name, listener) {
      const set = listeners.get(name) ?? new Set();
      listeners.set(name, set);
      set.add(listener as (payload: never) => void);
      return () => set.delete(listener as (payload: never) => void);
    },
  };
}
