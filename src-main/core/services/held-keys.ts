/** The record keys that somebody's index holds, in the form in which commits are read with them. */
import type { AccountIndexPort } from '../ports.ts';
import type { KeysOf } from './commit-reader.ts';

/** Asked anew each time: an emergency that ends takes keys out. */
export function keysIn(index: Pick<AccountIndexPort, 'keks'>): KeysOf {
  return (compartment, epoch) => index.keks({ compartment }).flatMap((row) => (row.epoch === epoch ? [row.kek] : []));
}
