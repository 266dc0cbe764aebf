/** A clinic's way from the ledger of its workstation to a network that clinics run together. */
import type { OperationKind } from '../operations.ts';

export type MovingView =
  /** Nothing to move: the network is shared already. */
  | { readonly state: 'none' }
  /** The ledger runs here. */
  | { readonly state: 'own' }
  /** The ledger runs at another computer, which moves first. */
  | { readonly state: 'further' }
  /** The other network's governors have to admit the clinic; the code is what they need. */
  | { readonly state: 'asked'; readonly endpoint: string; readonly requestCode: string }
  | {
      readonly state: 'moved';
      /** What was signed in the former network, and what became of it in this one. */
      readonly total: number;
      readonly anchored: number;
      readonly waiting: number;
      readonly refusedCount: number;
      /** The first of them. */
      readonly refused: readonly { readonly opId: string; readonly kind: OperationKind; readonly label: string; readonly reason: string }[];
    };
