/** Why the ledger refused an operation, in words for the person who made it. The contracts' custom errors are named in contracts/src. */

const words: Readonly<Record<string, string>> = {
  DeadlinePassed: 'It waited too long before it reached the ledger, and is no longer valid. Make it anew.',
  SignatureWrong:
    'A signature on it is not by the person who should have signed, or by a key that was replaced before it arrived. Make it anew.',
  SignatureCountWrong: 'A signature is missing on it. Make it anew.',
  OpIdTaken: 'Another operation already has its number on the ledger. Make it anew.',
  EpochPassed: 'The patient changed who may read in the meantime. It has to be sealed with the present key and signed again.',
  WriteNotGranted: 'The patient has not allowed, or no longer allows, writing here. Ask the patient to share again, then send it again.',
  CommitAnchored: 'The same records are on the ledger already. Nothing is missing.',
  NotAuthorized: 'The person who signed it did not have the role for it, or was suspended. Ask the administrator, then send it again.',
  GovernorRequired: 'Only those who govern the network may do this.',
  OrganizationUnknown: 'The organization is not part of this network. Ask those who govern it.',
  OrganizationKnown: 'The organization is part of this network already. Nothing needs to be done.',
  MemberUnknown: 'The person is not a member of this organization.',
  MemberKnown: 'The person is a member of this organization already. Nothing needs to be done.',
  LastAdmin: 'It would have left the organization without an administrator. Name another one first.',
  PatientKnown: 'The patient is registered already. Nothing needs to be done.',
  PatientUnknown: 'The patient is not registered on the ledger yet. Register the patient, then send it again.',
  PatientRequired: 'Only the patient may do this.',
  IdentifierClaimed:
    'The identifier already belongs to another patient. Check it for a typing error, or whether the patient is known under it.',
  LinkInvalid: 'One of the two is not registered on the ledger. Send it again once both are.',
  LinkedBefore: 'One of the two was linked elsewhere in the meantime. Look at the link under Duplicates; undo it first if it is wrong.',
  LinkChained: 'Other records were linked to this one in the meantime. Undo those links first, or keep this record as the main one.',
  LinkUnknown: 'The link was undone already. Nothing needs to be done.',
  SignerKnown: 'The new key already belongs to an account. The old key still counts; make another new one.',
  SignerTaken: 'The new key already belongs to an account. The old key still counts; make another new one.',
  RequestNotOpen: 'The request was answered already. Nothing needs to be done.',
  EmergencySwitchedOff: 'The patient had switched emergency access off. The record was closed again.',
  SequencePassed: 'It was changed again in the meantime, and the later change counts. Nothing needs to be done.',
  ValidityInvalid: 'It ends before it begins. Make it anew with other dates.',
};

/**
 * A sentence for a rejection's reason as the follower stores it ("WriteNotGranted(…)"). Where the error has no words of its own, the
 * reason itself is given, for those who help.
 */
export function explainRefusal(reason: string | null): string {
  if (reason === null) return 'The ledger refused it without a reason. It is kept here and can be sent again.';
  const name = /^\w+/.exec(reason)?.[0] ?? '';
  return words[name] ?? `The ledger refused it (${reason}). It is kept here and can be sent again.`;
}
