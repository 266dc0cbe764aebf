/** What the Sync screen shows: what was made on this workstation, how far it has come, and whether it can still be taken back. */

export interface OutboxEntry {
  readonly opId: string;
  readonly label: string;
  readonly actor: string;
  readonly createdAt: number;
  /** published: waits like `pending`, and another computer of the clinic holds it. */
  readonly state: 'pending' | 'published' | 'submitted' | 'mined' | 'final' | 'rejected';
  readonly block: number | null;
  /** Why the ledger refused it, in words. */
  readonly reason: string | null;
  /** Refused, and sending the same again may help. */
  readonly retry: boolean;
  /** Never handed out: it may be withdrawn, by who signed it. */
  readonly unsent: boolean;
  /** Where it stands in the order in which things were made: pages go on behind it. */
  readonly position: number;
}

export interface OutboxPage {
  readonly entries: readonly OutboxEntry[];
  /** Of all that was made here, not only of this page. */
  readonly counts: { readonly waiting: number; readonly refused: number; readonly anchored: number };
  readonly more: boolean;
}

/** What withdrawing an entry would mean. */
export interface WithdrawalView {
  /** What goes with it, because it was saved together: plain labels. */
  readonly together: readonly string[];
  /** Name of the patient whom it is about; '' where nobody here knows, or it is about none. */
  readonly about: string;
  /** What it undoes, one sentence each. */
  readonly undoes: readonly string[];
  /** Why it cannot be withdrawn now; null where it can. */
  readonly obstacle: string | null;
  /** A consultation that can go back into its draft. */
  readonly editable: boolean;
  /** Whose chart an edited consultation opens in; null where it cannot be edited. */
  readonly patient: string | null;
}
