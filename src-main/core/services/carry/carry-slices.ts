/** A carried file on its way to or from a screen, in slices: one file at a time, never whole in memory, and gone with the session. */
import { AppError } from '../../../../src-shared/errors.ts';
import type { CarryInView, CarryOutView } from '../../../../src-shared/view-types.ts';
import type { FactBus } from '../facts.ts';
import type { CarryIn } from './carry-in.ts';
import type { CarryOut } from './carry-out.ts';

/** Bytes of one slice. */
const sliceBytes = 1024 * 1024;

export interface CarrySlices {
  /** Begins a file. Throws NOT_FOUND where nothing waits. */
  out(): Promise<CarryOutView>;
  /** The next slice; null after the last. */
  read(): Promise<{ readonly base64: string | null }>;
  begin(): void;
  /** Resolves when it was taken in; false where no more is wanted, and `end` says why. */
  append(base64: string): Promise<{ readonly more: boolean }>;
  /** After the last slice that could be read. */
  end(): Promise<CarryInView>;
  clear(): void;
}

export function createCarrySlices(deps: { readonly carryOut: CarryOut; readonly carryIn: CarryIn; readonly facts: FactBus }): CarrySlices {
  const { carryOut, carryIn, facts } = deps;
  let outgoing: AsyncIterator<Uint8Array> | null = null;
  let rest: Uint8Array = new Uint8Array();
  let incoming: { readonly channel: Channel; readonly result: Promise<CarryInView> } | null = null;

  const arriving = () => {
    if (!incoming) throw new AppError('NOT_FOUND', 'The file is no longer being read. What was read is kept. Choose it again to go on.');
    return incoming;
  };
  const stopIncoming = () => {
    incoming?.channel.fail(new AppError('CANCELLED', 'The reading was stopped. What was read before is kept.'));
    incoming = null;
  };

  return {
    async out() {
      const { madeAt, bytes, ...counts } = await carryOut.plan();
      outgoing = bytes()[Symbol.asyncIterator]();
      rest = new Uint8Array();
      return { name: `${nameOf(madeAt)}.car`, ...counts };
    },

    async read() {
      const source = outgoing;
      if (!source) throw new AppError('NOT_FOUND', 'This file is no longer being written. Begin again; nothing was lost.');
      const parts = [rest];
      let length = rest.length;
      while (length < sliceBytes) {
        const { done, value } = await source.next();
        if (done === true) break;
        parts.push(value);
        length += value.length;
      }
      const whole = Buffer.concat(parts);
      rest = whole.subarray(sliceBytes);
      if (whole.length > 0) return { base64: whole.subarray(0, sliceBytes).toString('base64') };
      outgoing = null;
      return { base64: null };
    },

    begin() {
      stopIncoming();
      const channel = new Channel();
      const result = carryIn
        .take(channel, (done, total) => facts.tell('progress', { job: 'carry:in', label: 'Taking in what was carried', done, total }))
        .finally(() => channel.close());
      // `end` is where it is heard of.
      result.catch(() => undefined);
      incoming = { channel, result };
    },

    append: (base64) => arriving().channel.push(Buffer.from(base64, 'base64')),

    async end() {
      const { channel, result } = arriving();
      channel.finish();
      try {
        return await result;
      } finally {
        incoming = null;
      }
    },

    clear() {
      outgoing = null;
      rest = new Uint8Array();
      stopIncoming();
    },
  };
}

/** 'anamnesis-2026-03-01-0930'. */
function nameOf(time: number): string {
  const [date = '', clock = ''] = new Date(time).toISOString().split('T');
  return `anamnesis-${date}-${clock.slice(0, 5).replace(':', '')}`;
}

/** Slices from one side, taken one at a time by the other: who gives waits until it was taken. */
class Channel implements AsyncIterable<Uint8Array> {
  #slice: Uint8Array | null = null;
  #state: 'open' | 'finished' | 'closed' = 'open';
  #failure: AppError | null = null;
  #wake: (() => void)[] = [];

  async push(slice: Uint8Array): Promise<{ more: boolean }> {
    while (this.#slice !== null && this.#state === 'open') await this.#changed();
    if (this.#state !== 'open') return { more: false };
    this.#slice = slice;
    this.#tell();
    while (this.#slice === slice && this.#isOpen()) await this.#changed();
    return { more: this.#isOpen() };
  }

  /** No more comes. */
  finish(): void {
    if (this.#state === 'open') this.#state = 'finished';
    this.#tell();
  }

  /** No more is taken. */
  close(): void {
    this.#state = 'closed';
    this.#slice = null;
    this.#tell();
  }

  fail(error: AppError): void {
    this.#failure = error;
    this.close();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      while (this.#slice === null && this.#state === 'open') await this.#changed();
      if (this.#failure) throw this.#failure;
      const slice = this.#slice;
      if (slice === null) return;
      this.#slice = null;
      this.#tell();
      yield slice;
    }
  }

  #isOpen(): boolean {
    return this.#state === 'open';
  }

  #changed(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve));
  }

  #tell(): void {
    const wake = this.#wake;
    this.#wake = [];
    for (const one of wake) one();
  }
}
