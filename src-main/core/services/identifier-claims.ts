/**
 * Identifiers of patients on the ledger: unreadable under the consortium's key, and each pointing to one account. So a clinic finds by a number whom another has
 * registered, and nobody learns a number from the ledger.
 */
import { AppError } from '../../../src-shared/errors.ts';
import type { Demographics } from '../../../src-shared/ipc-schema.ts';
import type { OperationCodecPort, RecordCryptoPort, WorkstationStorePort } from '../ports.ts';
import { bytesOf, hexOf, utf8 } from './bytes.ts';
import type { NetworkService } from './network.ts';
import type { Session } from './sessions.ts';
import type { PreparedOperation, Signing } from './signing.ts';

type Identifiers = Demographics['identifiers'];

export interface IdentifierClaims {
  /** What stands for an identifier on the ledger. */
  digestOf(system: string, value: string): string;
  /** Who claimed an identifier in this network; null where nobody did. */
  accountOf(system: string, value: string): string | null;
  /** The account that an identifier's digest points to; null where it is free. */
  claimantOf(digest: string): string | null;
  /** Digests of those that nobody has claimed. */
  free(identifiers: Identifiers): string[];
  operation(session: Session, account: string, digest: string): PreparedOperation;
  /**
   * What a change of somebody's identifiers means on the ledger: claims of new ones, releases of own claims that went, and refused claims that are
   * moot. Throws ALREADY_EXISTS where somebody has a new one, unless that is the same person (`same`).
   */
  changes(
    session: Session,
    patient: string,
    before: Identifiers,
    after: Identifiers,
    same: readonly string[],
  ): { operations: PreparedOperation[]; replaces: string[] };
}

export function createIdentifierClaims(deps: {
  readonly store: WorkstationStorePort;
  readonly codec: OperationCodecPort;
  readonly crypto: Pick<RecordCryptoPort, 'hmac'>;
  readonly network: NetworkService;
  readonly signing: Signing;
}): IdentifierClaims {
  const { store, crypto, network, signing } = deps;

  /** HMAC-SHA-256 under the consortium's off-chain key: identifiers have little entropy, so never a plain hash. */
  const digestOf = (system: string, value: string) =>
    hexOf(crypto.hmac(bytesOf(network.require().identifierKey), utf8(system.trim().toLowerCase()), utf8(normalized(value))));

  const withDigests = (identifiers: Identifiers) =>
    identifiers.map((identifier) => ({ ...identifier, digest: digestOf(identifier.system, identifier.value) }));

  const claimantOf = (digest: string): string | null => {
    const last = store
      .operations({ kinds: ['ClaimIdentifier', 'ReleaseIdentifier'], digest })
      .filter((o) => o.state !== 'rejected')
      .at(-1);
    const decoded = last && deps.codec.decodePayload(last.operation);
    return decoded?.kind === 'ClaimIdentifier' ? decoded.payload.account : null;
  };

  const operation = (session: Session, account: string, identifier: string) => {
    const payload = { account, identifier, keyVersion: network.require().identifierKeyVersion };
    return signing.make('ClaimIdentifier', payload, "Claim a patient's identifier", session.keys);
  };

  return {
    digestOf,
    claimantOf,
    operation,
    accountOf: (system, value) => claimantOf(digestOf(system, value)),
    free: (identifiers) =>
      withDigests(identifiers)
        .map(({ digest }) => digest)
        .filter((digest) => claimantOf(digest) === null),
    changes(session, patient, before, after, same) {
      const [former, wanted] = [withDigests(before), withDigests(after)];
      const added = wanted.filter(({ digest }) => !former.some((one) => one.digest === digest));
      const gone = former.filter(({ digest }) => !wanted.some((one) => one.digest === digest));
      const taken = added.find(({ digest }) => ![null, patient, ...same].includes(claimantOf(digest)));
      if (taken) {
        const message = `“${taken.value}” belongs to another patient. Check the number. If it is right, these are two records of one person: link them under Duplicates. Nothing was saved.`;
        throw new AppError('ALREADY_EXISTS', message, { patient: claimantOf(taken.digest) });
      }
      const last = (digest: string) => store.operations({ kinds: ['ClaimIdentifier'], digest, patient }).at(-1);
      const releases = gone.filter(({ digest }) => claimantOf(digest) === patient && last(digest)?.operation.actor === session.account);
      return {
        operations: [
          ...added.filter(({ digest }) => claimantOf(digest) === null).map(({ digest }) => operation(session, patient, digest)),
          ...releases.map(({ digest }) => {
            const payload = { account: patient, identifier: digest };
            return signing.make('ReleaseIdentifier', payload, "Give up a patient's former identifier", session.keys);
          }),
        ],
        replaces: gone.flatMap(({ digest }) => {
          const refused = last(digest);
          return refused?.state === 'rejected' ? [refused.operation.opId] : [];
        }),
      };
    },
  };
}

/** Identifiers are compared without separators and case: '91-2345 678' is '912345678'. */
function normalized(value: string): string {
  return value
    .normalize('NFKC')
    .replace(/[\s\-./]/g, '')
    .toUpperCase();
}
