/** Guardians and delegates, as the desk shows them. */
import type { Category } from '../categories.ts';
import type { Capacity, Power } from '../operations.ts';

/** Somebody whom a patient appointed. */
export interface DelegateView {
  readonly account: string;
  /** The account in short where no name is known here. */
  readonly name: string;
  readonly capacity: Capacity;
  readonly powers: readonly Power[];
  /** Null: everything. */
  readonly categories: readonly Category[] | null;
  /** Seconds; 0 = no end. */
  readonly until: number;
  readonly since: number;
  /** Seconds; 0 while not dismissed. */
  readonly dismissedAt: number;
  readonly state: 'standing' | 'ended' | 'dismissed';
  readonly anchored: boolean;
}

/** A patient for whom the owner of a card may decide. */
export interface Principal {
  readonly patient: string;
  readonly name: string;
  readonly capacity: Capacity;
}

/** Who decides at the desk for whom. */
export interface DeskActor {
  readonly account: string;
  readonly name: string;
  readonly capacity: Capacity;
}

/** What may be decided at the desk now. */
export interface DeskRightsView {
  /** The patient decides. */
  readonly self: boolean;
  /** With the end that a sharing must not pass (seconds, 0 = none). */
  readonly share: readonly { readonly category: Category; readonly until: number }[];
  readonly revoke: readonly Category[];
  readonly decline: boolean;
  readonly emergency: boolean;
}
