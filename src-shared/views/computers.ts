/** The computers of a clinic, for its admins. */

export interface ComputerView {
  readonly peer: string;
  readonly name: string;
  /** The one at which this is shown. */
  readonly here: boolean;
  readonly connected: boolean;
}
