/** Frees the contents of some commits, each only while as many other computers as the clinic wants have promised to keep it, and proved that they can. */
import type { WantedCopies } from '../../../../src-shared/view-types.ts';
import type { BlockCarePort, FreeingPort, HolderKind } from '../../ports.ts';
import type { ContentProofs } from './content-proof.ts';
import type { Promises } from './promises.ts';

export interface FreeRound {
  /**
   * Gives what was freed, with its bytes.
   *
   * @param mayGo asked at the last moment: somebody may have opened it meanwhile.
   */
  free(opIds: readonly string[], mayGo?: (opId: string) => boolean): Promise<{ readonly opId: string; readonly bytes: number }[]>;
  /** After a start: what was decided before the end of the last run, and what came of it. Gives what is still here, and kept from now on. */
  settle(): string[];
}

export function createFreeRound(deps: {
  readonly table: Pick<FreeingPort, 'decide' | 'noteGone' | 'decided'>;
  readonly care: Pick<BlockCarePort, 'free' | 'sizeOf'>;
  readonly proofs: Pick<ContentProofs, 'keptOf'>;
  readonly promises: Pick<Promises, 'begin'>;
  /** Computers of the clinic that are connected now. */
  readonly own: () => readonly string[];
  readonly kindOf: (peer: string) => HolderKind;
  readonly wanted: () => WantedCopies;
}): FreeRound {
  const { table, care, proofs } = deps;

  /** Without this computer's. */
  const isEnough = (keepers: ReadonlySet<string>): boolean => {
    const { computers, hub } = deps.wanted();
    const connected = new Set(deps.own());
    // Who went away since it promised may have gone for good.
    const there = [...keepers].filter((peer) => connected.has(peer));
    return there.length >= Math.max(1, computers) && (!hub || there.some((peer) => deps.kindOf(peer) === 'hub'));
  };

  return {
    async free(wanted, mayGo = () => true) {
      const round = deps.promises.begin(wanted);
      try {
        const keepers = new Map(round.opIds.map((opId) => [opId, new Set<string>()]));
        const lacking = () => [...keepers].filter(([, peers]) => !isEnough(peers)).map(([opId]) => opId);
        // Hubs are on day and night: asked first.
        const order = [...deps.own()].sort((a, b) => Number(deps.kindOf(b) === 'hub') - Number(deps.kindOf(a) === 'hub'));
        for (const peer of order) {
          const some = lacking();
          if (some.length === 0) break;
          for (const opId of await round.ask(peer, some)) keepers.get(opId)?.add(peer);
        }
        const freed: { opId: string; bytes: number }[] = [];
        for (const [opId, peers] of keepers) {
          if (!isEnough(peers) || !mayGo(opId) || !table.decide(opId)) continue;
          const bytes = care.free(opId, proofs.keptOf(opId));
          table.noteGone(opId);
          freed.push({ opId, bytes });
        }
        return freed;
      } finally {
        round.end();
      }
    },
    settle() {
      const here: string[] = [];
      for (const opId of table.decided()) {
        // All of it went, or nothing.
        if (care.sizeOf(opId, proofs.keptOf(opId)) > 0) here.push(opId);
        else table.noteGone(opId);
      }
      return here;
    },
  };
}
