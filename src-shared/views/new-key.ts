/** A new key for somebody who has lost card, PIN and words: who can help to it, how far it is, and what of the record from before can be read again. */
import type { Category } from '../categories.ts';

/** Somebody who can help. They read nothing and decide nothing. */
export interface KeyHelper {
  readonly account: string;
  /** The account in short where no name is known here. */
  readonly name: string;
}

/** Whom a patient chose. */
export interface KeyHelpersView {
  readonly helpers: readonly KeyHelper[];
  /** How many of them must agree; 0: nobody was chosen. */
  readonly threshold: number;
  /** Days from their agreement to the new key. */
  readonly days: number;
  /** Not on the ledger yet. */
  readonly waiting: boolean;
}

/** A new key that somebody asked for and that is not in force. */
export interface PendingKey {
  /** Names it on the ledger. */
  readonly proposal: string;
  readonly account: string;
  readonly name: string;
  /** For comparing with the sheet that was printed with the new card. */
  readonly code: string;
  /** Milliseconds. */
  readonly askedAt: number;
  readonly agreed: readonly KeyHelper[];
  readonly threshold: number;
  /** Milliseconds; from when it can be put in force; 0 while too few agreed. */
  readonly readyAt: number;
  readonly state: 'collecting' | 'waiting' | 'ready';
  /** Something about it is not on the ledger yet. */
  readonly unsent: boolean;
}

/** What the card's owner at the desk has to do with new keys. */
export interface NewKeysAtDesk {
  /** Whom the owner chose; null where somebody decides for another. */
  readonly own: KeyHelpersView | null;
  /** For the owner's own account: can be stopped. */
  readonly againstOwner: readonly PendingKey[];
  /** Of others whom the owner can help; `mine`: the owner has agreed. */
  readonly ofOthers: readonly (PendingKey & { readonly mine: boolean })[];
  readonly earlier: EarlierKeysView | null;
}

/** The record from before a new key that helpers gave; null where there is none. */
export interface EarlierKeysView {
  /** Milliseconds; when the new key was put in force. */
  readonly since: number;
  /** Readable again, because somebody who could read it brought the keys back. */
  readonly back: readonly Category[];
  /** Parts of the record that are on the ledger and nobody brought back yet. */
  readonly closed: number;
  /** Who could bring some of it back: they may read what is closed. */
  readonly holders: readonly string[];
  /** What can be brought back here and now: by whoever is logged in, or by the delegate whose card is at the desk. */
  readonly offered: readonly Category[];
}
