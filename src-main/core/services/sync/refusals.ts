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
  PredecessorCannotGovern:
    'It was decided by those who govern the former network, and does not count in this one. Nothing needs to be done.',
  PredecessorClosed:
    'The time for sending what was signed in the former network is over. Ask those who govern this one to extend it, then send it again.',
  PredecessorUnknown: 'Those who govern this network do not recognize the one in which it was signed. Ask them, then send it again.',
  PredecessorOfAnother: 'It concerns another clinic than the one that came from the former network. That clinic has to move itself.',
  OrganizationUnknown: 'The organization is not part of this network. Ask those who govern it.',
  OrganizationKnown: 'The organization is part of this network already. Nothing needs to be done.',
  MemberUnknown: 'The person is not a member of this organization.',
  MemberKnown: 'The person is a member of this organization already. Nothing needs to be done.',
  LastAdmin: 'It would have left the organization without an administrator. Name another one first.',
  PatientKnown: 'The patient is registered already. Nothing needs to be done.',
  PatientUnknown: 'The patient is not registered on the ledger yet. Register the patient, then send it again.',
  PatientRequired: 'Only the patient may do this.',
  IdentifierClaimed:
    'The identifier already belongs to another patient: a typing error, or one person registered twice. Decide it under Needs attention.',
  LinkInvalid: 'One of the two is not registered on the ledger. Send it again once both are.',
  LinkedBefore: 'One of the two was linked elsewhere in the meantime. Look at the link under Duplicates; undo it first if it is wrong.',
  LinkChained: 'Other records were linked to this one in the meantime. Undo those links first, or keep this record as the main one.',
  LinkUnknown: 'The link was undone already. Nothing needs to be done.',
  SignerKnown: 'The new key already belongs to an account. The old key still counts; make another new one.',
  SignerTaken: 'The new key already belongs to an account. The old key still counts; make another new one.',
  RecoveryInvalid: 'Those who can help to a new key, their number or the waiting time do not go together. Choose them anew.',
  RoundPassed: 'A new key, or another choice of those who can help to one, came in between. Choose them anew.',
  ProposalUnknown: 'The request for a new key was stopped, or lost its force. Ask anew if it is still needed.',
  ApprovedBefore: 'The new key was agreed to before with this card. Nothing needs to be done.',
  ProposalNotReady: 'The waiting time for the new key is not over yet, or too few have agreed. Put it in force again later.',
  RequestNotOpen: 'The request was answered already. Nothing needs to be done.',
  EmergencySwitchedOff: 'The patient had switched emergency access off. The record was closed again.',
  SequencePassed: 'It was changed again in the meantime, and the later change counts. Nothing needs to be done.',
  ValidityInvalid: 'It ends before it begins. Make it anew with other dates.',
};

/**
 * A sentence for a rejection's reason as the follower stores it ("WriteNotGranted(…)"). Where the error has no words of its own, the
 * reason's name is given, for those who help.
 */
export function explainRefusal(reason: string | null): string {
  if (reason === null) return 'The ledger refused it without a reason. It is kept here and can be sent again.';
  const name = nameOf(reason);
  // The error's arguments stay out: they may name a patient's account to whoever else uses this workstation.
  return words[name] ?? `The ledger refused it (${name || 'no reason that is known here'}). It is kept here and can be sent again.`;
}

/** The error's name, or its selector where nobody here knows one; never its arguments. */
const nameOf = (reason: string): string => /^Unknown\((0x[0-9a-f]{8})/.exec(reason)?.[1] ?? /^\w+/.exec(reason)?.[0] ?? '';

/** Reasons that stay, whatever happens: the same operation would be refused again. */
const lasting: ReadonlySet<string> = new Set([
  'DeadlinePassed',
  'SignatureWrong',
  'SignatureCountWrong',
  'OpIdTaken',
  'EpochPassed',
  'CommitAnchored',
  'OrganizationKnown',
  'MemberKnown',
  'PatientKnown',
  'SignerKnown',
  'SignerTaken',
  'RequestNotOpen',
  'RecoveryInvalid',
  'RoundPassed',
  'ApprovedBefore',
  'SequencePassed',
  'ValidityInvalid',
  'PredecessorCannotGovern',
]);

/** Whether an operation that was refused for this reason may be taken when it is sent again. */
export function mayBeTakenLater(reason: string | null): boolean {
  return reason === null || !lasting.has(nameOf(reason));
}
