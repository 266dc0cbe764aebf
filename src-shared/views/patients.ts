/** What screens show of patients: who they are, and how they come to be registered. */

export interface IdentifierView {
  /** FHIR Identifier.system. */
  readonly system: string;
  readonly label: string;
  readonly value: string;
}

export interface PatientSummary {
  readonly patient: string;
  readonly family: string;
  readonly given: string;
  readonly prefix: string;
  readonly birthDate: string;
  readonly birthDateEstimated: boolean;
  readonly deceased: string;
  readonly gender: string;
  readonly phone: string;
  readonly address: string;
  readonly identifiers: readonly IdentifierView[];
}

/** A registered patient, also one of whom nothing is shared. */
export interface FoundPatient {
  readonly patient: string;
  /** The clinic that registered them. */
  readonly registeredBy: string;
  /** Where the demographics are shared. */
  readonly summary: PatientSummary | null;
}

export interface RegistrationResult {
  readonly patient: PatientSummary;
  /** Text of the card's QR code: the seed sealed under the PIN. */
  readonly card: string;
  /** 24 words; shown and printed once, kept nowhere. '' where a card is handed over that an earlier run left. */
  readonly phrase: string;
}
