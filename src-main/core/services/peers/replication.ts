/**
 * Marks which operations' blocks this workstation fetches without being asked: all of its clinic's, wherever they were signed. What came from another
 * workstation is marked when it is stored; this looks at what the ledger brought.
 */
import type { OperationCodecPort, StoredOperation, WorkstationStorePort } from '../../ports.ts';
import type { Directory } from '../directory.ts';
import { digestsIn } from './blocks-of.ts';

export interface Replication {
  /** Those of which this clinic's workstations keep the blocks, though the ledger brought them. */
  kept(operations: readonly StoredOperation[]): StoredOperation[];
  /** seq up to which it was looked. */
  lookedTo(): number;
  /** Looks at what became known since the last time. Resolves when it has. */
  look(): Promise<void>;
  /** Resolves when nothing runs any more. */
  stop(): Promise<void>;
}

const setting = 'replicatedTo';
const page = 500;

export function createReplication(deps: {
  readonly store: WorkstationStorePort;
  readonly codec: OperationCodecPort;
  readonly directory: Directory;
  readonly organization: () => string | null;
  readonly onMarked: () => void;
}): Replication {
  const { store, codec, directory } = deps;
  /** Patients whom this clinic registered. */
  let patients: { readonly organization: string; readonly accounts: Set<string> } | null = null;
  /** seq up to which it was looked, and up to which that is stored. */
  let looked: number | null = null;
  let kept = 0;
  let running: Promise<void> | null = null;
  let again = false;
  let stopped = false;

  const ownPatients = (organization: string): Set<string> => {
    if (patients?.organization === organization) return patients.accounts;
    const accounts = store.operations({ kinds: ['RegisterPatient'], organization }).flatMap(({ operation }) => {
      const decoded = codec.decodePayload(operation);
      return decoded.kind === 'RegisterPatient' ? [decoded.payload.patient] : [];
    });
    patients = { organization, accounts: new Set(accounts) };
    return patients.accounts;
  };

  const isOurs = ({ operation }: StoredOperation, organization: string): boolean => {
    const decoded = codec.decodePayload(operation);
    if (digestsIn(decoded).length === 0) return false;
    const { payload } = decoded;
    if ('organization' in payload && payload.organization === organization) return true;
    if (directory.member(organization, operation.actor)) return true;
    return 'patient' in payload && ownPatients(organization).has(payload.patient);
  };

  const round = async (organization: string): Promise<void> => {
    while (!stopped) {
      const after: number = (looked ??= store.setting<number>(setting) ?? 0);
      const operations = store.operations({ order: 'seq', afterSeq: after, limit: page });
      if (operations.length === 0) return;
      for (const { operation, kind } of operations) {
        if (kind !== 'RegisterPatient') continue;
        const decoded = codec.decodePayload(operation);
        if (decoded.kind === 'RegisterPatient' && decoded.payload.organization === organization)
          ownPatients(organization).add(decoded.payload.patient);
      }
      const ours = operations.filter((stored) => stored.origin === 'ledger' && isOurs(stored, organization));
      looked = operations.at(-1)?.seq ?? after;
      // Not kept each time: what is looked at twice after a crash does no harm, and this is done at every save.
      if (ours.length > 0 || looked > kept + page) {
        const upTo = looked;
        store.atomically(() => {
          store.awaitBlocks(ours.map(({ operation }) => operation.opId));
          store.setSetting(setting, upTo);
        });
        kept = upTo;
        if (ours.length > 0) deps.onMarked();
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
  };

  const run = async (organization: string): Promise<void> => {
    try {
      do {
        again = false;
        await round(organization);
      } while (again && !stopped);
    } finally {
      running = null;
    }
  };

  return {
    kept(operations) {
      const organization = deps.organization();
      return organization === null ? [] : operations.filter((stored) => isOurs(stored, organization));
    },
    lookedTo: () => looked ?? store.setting<number>(setting) ?? 0,
    look() {
      const organization = stopped ? null : deps.organization();
      // Before the directory is known, nobody's staff can be told from another's.
      if (organization === null || !directory.organization(organization)) return Promise.resolve();
      if (running) again = true;
      else running = run(organization);
      return running;
    },
    async stop() {
      stopped = true;
      // What failed in it was told to whoever asked for the look.
      while (running) await Promise.allSettled([running]);
    },
  };
}
