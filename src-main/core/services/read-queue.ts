/**
 * Commits that wait to be read into an index, in the order in which people need them: patients at hand first (an open chart, a card at the desk), then
 * the newest. Holds where a commit is found, not the commit: after a long absence there may be a hundred thousand.
 */
export interface Waiting {
  readonly digest: string;
  readonly opId: string;
  readonly patient: string;
  /** Place of its operation; grows with time. */
  readonly seq: number;
}

export interface ReadQueue {
  readonly size: number;
  add(commit: Waiting): void;
  delete(digest: string): void;
  deletePatient(patient: string): void;
  /** The next ones, without those that this round has tried. They stay until they are deleted. */
  next(limit: number, atHand: readonly string[], tried: ReadonlySet<string>): Waiting[];
  /** Whether this very entry still waits: one that was taken out and came again is another. */
  holds(commit: Waiting): boolean;
  /** Lowest place of all that wait; Infinity where nothing does. */
  lowest(): number;
  clear(): void;
}

export function createReadQueue(): ReadQueue {
  const waiting = new Map<string, Waiting>();
  const byPatient = new Map<string, Map<string, Waiting>>();
  /** By place, the newest last; made anew when something was added. */
  let order: Waiting[] | null = null;

  const remove = (digest: string): void => {
    const known = waiting.get(digest);
    if (known === undefined) return;
    waiting.delete(digest);
    const own = byPatient.get(known.patient);
    own?.delete(digest);
    if (own?.size === 0) byPatient.delete(known.patient);
  };

  const newestFirst = (a: Waiting, b: Waiting) => b.seq - a.seq;

  return {
    get size() {
      return waiting.size;
    },
    add(commit) {
      if (waiting.has(commit.digest)) return;
      waiting.set(commit.digest, commit);
      const own = byPatient.get(commit.patient) ?? new Map<string, Waiting>();
      byPatient.set(commit.patient, own.set(commit.digest, commit));
      order = null;
    },
    delete: remove,
    deletePatient(patient) {
      for (const digest of [...(byPatient.get(patient)?.keys() ?? [])]) remove(digest);
    },
    next(limit, atHand, tried) {
      const found: Waiting[] = [];
      for (const patient of atHand) {
        const own = [...(byPatient.get(patient)?.values() ?? [])].filter(({ digest }) => !tried.has(digest));
        found.push(...own.sort(newestFirst).slice(0, limit - found.length));
        if (found.length >= limit) return found;
      }
      order ??= [...waiting.values()].sort((a, b) => a.seq - b.seq);
      while (order.length > 0 && found.length < limit) {
        const last = order.pop();
        // Taken out meanwhile, tried already, or just taken as a patient's.
        if (last === undefined || waiting.get(last.digest) !== last || tried.has(last.digest) || found.includes(last)) continue;
        found.push(last);
      }
      // What this round tried in vain is asked for again in the next one.
      if (found.length === 0) order = null;
      return found;
    },
    holds: (commit) => waiting.get(commit.digest) === commit,
    lowest: () => [...waiting.values()].reduce((least, { seq }) => Math.min(least, seq), Infinity),
    clear() {
      waiting.clear();
      byPatient.clear();
      order = null;
    },
  };
}
