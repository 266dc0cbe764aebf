/**
 * Networks that clinics came from (contract `Governance`). An operation that was signed in one counts where this network's governors had recognized that
 * network's EIP-712 domain at its place in the ledger's order: for one organization, until a time that they set, and for nothing that governors decide.
 */
import { fail } from './bytes.mjs';
import { cosigning, kinds } from './operations.mjs';

const none = `0x${'00'.repeat(32)}`;

/** `own`: this network's domain separator, hex. */
export function createPredecessors(own) {
  const recognized = new Map();
  return {
    rules: {
      RecognizePredecessor({ organization, domain, acceptedUntil }) {
        if (domain === none || domain === own || organization === none) fail('it recognizes no other network, or for no organization');
        const known = recognized.get(domain)?.organization ?? organization;
        if (known !== organization) fail('that network was recognized as the former one of another organization');
        recognized.set(domain, { organization, acceptedUntil });
      },
    },
    /** Throws a Fault where an operation of the network with this domain could not be taken at `time`. */
    check(domain, kind, payload, time) {
      const known = recognized.get(domain) ?? fail('it was signed in a network that the governors of this one had not recognized');
      if (time > known.acceptedUntil) fail('the time in which operations of its former network were taken was over');
      if (kinds[kind][2] === cosigning.governors) fail('what governors sign counts in their own network only');
      const named = payload.organization ?? none;
      if (named !== none && named !== known.organization)
        fail('it was signed in the former network of another organization than the one it names');
    },
  };
}
