/**
 * The rules of the contracts, replayed over the operations in ledger order: whose key signed, who was a member with which roles, what the patient allowed, which
 * key epoch a compartment was in. Each operation is tried as the ledger tried it; one that the ledger could not have taken says that the file is not whole.
 */
import { createConsents } from './consents.mjs';
import { createDirectory } from './directory.mjs';
import { cosigning, kinds } from './operations.mjs';
import { createPredecessors } from './predecessors.mjs';

/** `operations`: all that are to be applied, decoded. `domain`: EIP-712 domain separator of the network, hex. */
export function createReplay(operations, domain) {
  const governing = operations.filter(({ kind }) => kinds[kind][2] === cosigning.governors);
  const directory = createDirectory(new Set(governing.map(({ actor }) => actor.toLowerCase())));
  const predecessors = createPredecessors(domain);
  const rules = { ...directory.rules, ...createConsents(directory).rules, ...predecessors.rules };
  /** Domain of the network in which a patient was registered. */
  const homes = new Map();
  return {
    /** As that of keys.mjs, by the keys in force after what was applied. */
    checkSignatures: directory.keys.checkSignatures,
    /** Applies one operation. `time`: seconds, of its block where that is known. Throws a Fault that says why the ledger would have refused it. */
    apply({ kind, actor, opId, predecessor = null }, payload, time) {
      if (predecessor !== null) predecessors.check(predecessor, kind, payload, time);
      rules[kind](payload, actor.toLowerCase(), time, opId);
      if (kind === 'RegisterPatient') homes.set(payload.patient, predecessor ?? domain);
    },
    /** Domain of the network to which all of a patient's records are bound, whenever they were written: where the patient was registered. */
    homeOf: (patient) => homes.get(patient.toLowerCase()) ?? domain,
    /** Whether an account is an active member of any organization, after what was applied. */
    isMember: (account) => directory.rolesAnywhere(account.toLowerCase()) !== 0,
    /** The address (lower-case) that signs for an account, after what was applied. */
    signerFor: (account) => directory.keys.signerFor(account.toLowerCase()),
    linkedWith: directory.linkedWith,
  };
}
