/** What a history of a patient's record allows: the keys that each person was ever given, and where each record lies. */

/** Clinical ones: those that a clinic gets at registration are read by everybody who works there. */
export const shared = ['problems-and-encounters', 'medications-and-allergies', 'sensitive'] as const;
export type Shared = (typeof shared)[number];

/** Stands behind the doctors (0, 1, 2), as the one more who is given keys. */
export const guardianNumber = 3;

interface Written {
  readonly versionId: string;
  readonly category: Shared;
  readonly epoch: number;
}

export class History {
  readonly #epochs = new Map<Shared, number>(shared.map((category) => [category, 0]));
  /** Epochs of which nobody has a key. */
  readonly #keyless = new Set<string>();
  readonly #grants = new Map<Shared, Map<number, boolean>>(shared.map((category) => [category, new Map()]));
  readonly known = [0, 1, 2, guardianNumber].map(() => new Set<string>());
  readonly records: Written[] = [];

  epoch(category: Shared): number {
    return this.#epochs.get(category) ?? 0;
  }
  isKeyless(category: Shared, epoch = this.epoch(category)): boolean {
    return this.#keyless.has(`${category}/${epoch}`);
  }
  #grantsOf(category: Shared): Map<number, boolean> {
    return this.#grants.get(category) ?? new Map<number, boolean>();
  }
  /** The categories among these that somebody has. */
  held(who: number, categories: readonly Shared[]): Shared[] {
    return categories.filter((category) => this.#grantsOf(category).has(who));
  }
  allowsWriting(who: number, category: Shared): boolean {
    return this.#grantsOf(category).get(who) === true;
  }
  grant(who: number, categories: readonly Shared[], write: boolean): void {
    for (const category of categories) {
      this.#grantsOf(category).set(who, write);
      for (let epoch = 0; epoch <= this.epoch(category); epoch++)
        if (!this.isKeyless(category, epoch)) this.known[who]?.add(`${category}/${epoch}`);
    }
  }
  #begin(category: Shared): void {
    this.#epochs.set(category, this.epoch(category) + 1);
    for (const who of this.#grantsOf(category).keys()) this.known[who]?.add(`${category}/${this.epoch(category)}`);
  }
  /** Ends what somebody has of these. Gives what was ended. */
  revoke(who: number, categories: readonly Shared[]): Shared[] {
    const ending = this.held(who, categories);
    for (const category of ending) {
      this.#grantsOf(category).delete(who);
      this.#begin(category);
    }
    return ending;
  }
  /** Of two revocations made apart the one that counts after the other, which moved on `moved`. `ending`: what was ended where it was made. */
  revokeSecond(who: number, ending: readonly Shared[], moved: readonly Shared[]): void {
    for (const category of ending) {
      this.#grantsOf(category).delete(who);
      if (moved.includes(category)) {
        this.#epochs.set(category, this.epoch(category) + 1);
        this.#keyless.add(`${category}/${this.epoch(category)}`);
      } else this.#begin(category);
    }
  }
  /** The card is opened: what nobody has a key of is followed by another epoch. */
  openCard(): void {
    for (const category of shared) if (this.isKeyless(category)) this.#begin(category);
  }
  /** A patient's new key ends nobody's access, and begins an epoch of everything. */
  rotate(): void {
    for (const category of shared) this.#begin(category);
  }
  write(versionId: string, category: Shared): void {
    this.records.push({ versionId, category, epoch: this.epoch(category) });
  }
  readable(who: number): string[] {
    return this.records.filter(({ category, epoch }) => this.known[who]?.has(`${category}/${epoch}`)).map(({ versionId }) => versionId);
  }
}
