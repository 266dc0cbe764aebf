/** The record keys that somebody holds, in their index or at the desk, in the form in which commits are read with them. */
import type { AccountIndexPort } from '../ports.ts';
import type { KeysOf } from './commit-reader.ts';
import type { RecordKeys } from './keyring.ts';

/** Asked anew each time: an emergency that ends takes keys out. */
export function keysIn(index: Pick<AccountIndexPort, 'keks'>): KeysOf {
  return (compartment, epoch) => index.keks({ compartment }).flatMap((row) => (row.epoch === epoch ? [row.kek] : []));
}

/** Of whoever acts at the desk. */
export function keysOfRecord(record: Pick<RecordKeys, 'opening'>): KeysOf {
  return (compartment, epoch) => record.opening(compartment, epoch);
}
