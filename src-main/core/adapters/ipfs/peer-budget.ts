/** What one peer may ask for: so many requests and bytes at once, so many more a second. A flood ends with the connection of who sends it. */

export interface Budget {
  readonly requests: number;
  readonly requestsPerSecond: number;
  readonly bytes: number;
  readonly bytesPerSecond: number;
}

const usual: Budget = { requests: 400, requestsPerSecond: 100, bytes: 64 * 1024 * 1024, bytesPerSecond: 8 * 1024 * 1024 };

export class PeerBudget {
  readonly #budget: Budget;
  readonly #clock: () => number;
  #requests: number;
  #bytes: number;
  #at: number;

  /** @param clock milliseconds, growing. */
  constructor(clock: () => number, budget: Budget = usual) {
    this.#clock = clock;
    this.#budget = budget;
    this.#requests = budget.requests;
    this.#bytes = budget.bytes;
    this.#at = clock();
  }

  /** Takes a request out of the budget; false where it is used up. */
  request(): boolean {
    this.#refill();
    this.#requests -= 1;
    return this.#requests >= 0 && this.#bytes >= 0;
  }

  /** Takes bytes that were sent or received; a debt is paid off before the next request. */
  spend(bytes: number): void {
    this.#bytes -= bytes;
  }

  #refill(): void {
    const now = this.#clock();
    const seconds = Math.max(0, now - this.#at) / 1000;
    this.#at = now;
    const { requests, requestsPerSecond, bytes, bytesPerSecond } = this.#budget;
    // Not below what a second gives back: who goes on after a flood is not locked out for hours.
    this.#requests = Math.min(requests, Math.max(this.#requests, -requestsPerSecond) + seconds * requestsPerSecond);
    this.#bytes = Math.min(bytes, this.#bytes + seconds * bytesPerSecond);
  }
}
