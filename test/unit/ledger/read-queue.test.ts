import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createReadQueue, type Waiting } from '../../../src-main/core/services/read-queue.ts';

const patients = ['a', 'b', 'c', 'd'];
const commits = fc
  .array(fc.record({ patient: fc.constantFrom(...patients), seq: fc.integer({ min: 1, max: 1000 }) }), { maxLength: 60 })
  .map((list) => list.map(({ patient, seq }, i): Waiting => ({ digest: `d${i}`, opId: `o${i}`, patient, seq: seq * 100 + i })));

it('gives each commit once in a round: those of patients at hand, then the newest', () => {
  fc.assert(
    fc.property(commits, fc.subarray(patients), fc.integer({ min: 1, max: 9 }), (all, atHand, limit) => {
      const queue = createReadQueue();
      // In two parts, as they come while others are read.
      const half = Math.floor(all.length / 2);
      for (const commit of all.slice(0, half)) queue.add(commit);
      const tried = new Set<string>();
      const given: Waiting[] = [];
      const take = (): boolean => {
        const part = queue.next(limit, atHand, tried);
        for (const one of part) {
          tried.add(one.digest);
          queue.delete(one.digest);
        }
        given.push(...part);
        return part.length > 0;
      };
      take();
      const before = given.length;
      for (const commit of all.slice(half)) queue.add(commit);
      while (take());
      expect(new Set(given.map(({ digest }) => digest))).toEqual(new Set(all.map(({ digest }) => digest)));
      expect(given).toHaveLength(all.length);
      expect(queue.size).toBe(0);
      const wanted = (one: Waiting) => (atHand.includes(one.patient) ? 0 : 1);
      const rest = given.slice(before);
      const kinds = rest.map(wanted);
      expect(kinds).toEqual([...kinds].sort((a, b) => a - b));
      const others = rest.filter((one) => wanted(one) === 1).map(({ seq }) => seq);
      expect(others).toEqual([...others].sort((a, b) => b - a));
    }),
  );
});

it('gives what could not be read again in the next round, not in this one', () => {
  const queue = createReadQueue();
  queue.add({ digest: 'x', opId: 'o', patient: 'a', seq: 5 });
  expect(queue.next(8, [], new Set(['x']))).toEqual([]);
  expect(queue.next(8, [], new Set()).map(({ digest }) => digest)).toEqual(['x']);
  expect(queue.next(8, ['a'], new Set(['x']))).toEqual([]);
  expect(queue.lowest()).toBe(5);
  queue.deletePatient('a');
  expect([queue.size, queue.lowest()]).toEqual([0, Infinity]);
});
