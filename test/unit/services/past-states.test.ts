/** A history as of a place is what precedes the place, however the places are asked about. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { StoredOperation } from '../../../src-main/core/ports.ts';
import { precedes } from '../../../src-main/core/services/ledger-order.ts';
import { createPastStates } from '../../../src-main/core/services/past-states.ts';

type Place = Pick<StoredOperation, 'block' | 'logIndex' | 'seq'>;
const at = (place: Place) => place as StoredOperation;
const idsOf = (part: readonly StoredOperation[]) => part.map(({ seq }) => seq);

/** Operations as they became known, some anchored, in ledger order. */
const histories = fc
  .array(fc.record({ block: fc.option(fc.nat(20)), logIndex: fc.nat(3) }), { maxLength: 120 })
  .map((places) => places.map(({ block, logIndex }, seq) => at({ block, logIndex: block === null ? null : logIndex, seq })))
  .map((operations) => operations.sort((a, b) => (precedes(a, b) ? -1 : precedes(b, a) ? 1 : 0)));

describe('createPastStates', () => {
  it('gives what precedes each place', () => {
    fc.assert(
      fc.property(
        histories,
        fc.array(fc.record({ block: fc.option(fc.nat(22)), logIndex: fc.nat(3), seq: fc.nat(130) })),
        (history, places) => {
          const past = createPastStates(history, idsOf);
          for (const place of [...places, ...places].map(at)) {
            expect(past.before(place)).toEqual(idsOf(history.filter((one) => precedes(one, place))));
          }
        },
      ),
    );
  });

  it('replays once for all places between two operations', () => {
    const history = [0, 10, 20].map((block, seq) => at({ block, logIndex: 0, seq }));
    let replays = 0;
    const past = createPastStates(history, (part) => {
      replays += 1;
      return part.length;
    });
    const answers = [3, 4, 5, 15, 16, 25].map((block) => past.before(at({ block, logIndex: 0, seq: 9 })));
    expect(answers).toEqual([1, 1, 1, 2, 2, 3]);
    expect(replays).toBe(3);
  });
});
