/**
 * Which patients are one person: the links between them, replayed from the operations known here in ledger order by the rules of the contract
 * `Duplicates`. A link says where to look as well. It changes nothing of either patient's consents, records or identifiers.
 */
import { roleBits, type OperationKind } from '../../../src-shared/operations.ts';
import type { OperationCodecPort, StoredOperation, WorkstationStorePort } from '../ports.ts';
import type { Directory } from './directory.ts';

export interface PatientLink {
  readonly duplicate: string;
  /** Under whom the person goes on. */
  readonly survivor: string;
  readonly organization: string;
  /** Account that signed it. */
  readonly by: string;
  /** Digest of the sealed reason. */
  readonly reason: string;
  readonly opId: string;
  /** Seconds; what the signer's clock claimed. */
  readonly at: number;
  readonly anchored: boolean;
}

export interface PatientLinks {
  /** Links that stand, in the order in which they were made. */
  all(): PatientLink[];
  /** The link by which a patient is a duplicate of another. */
  linkOf(patient: string): PatientLink | undefined;
  /** Links by which others are duplicates of this patient. */
  duplicatesOf(patient: string): PatientLink[];
  /** All other registrations of the same person, the one to go on with first. */
  othersOf(patient: string): { readonly patient: string; readonly link: PatientLink }[];
}

const kinds = ['LinkPatients', 'UnlinkPatients'] as const satisfies readonly OperationKind[];
/** Operations after which links may be others. A patient has to be registered to be linked; a registrar has to be one to link. */
export const linkKinds: ReadonlySet<OperationKind> = new Set<OperationKind>([
  ...kinds,
  ...(['RegisterPatient', 'EnrolMember', 'ChangeMember', 'SuspendMember', 'SuspendOrganization'] as const),
]);

export function createPatientLinks(
  store: WorkstationStorePort,
  codec: OperationCodecPort,
  directory: Pick<Directory, 'memberAt'>,
): PatientLinks & { invalidate(): void } {
  let links: Standing | null = null;
  /** By operation and place: what is anchored has its answer for good, and looking it up replays the directory. */
  const registrars = new Map<string, boolean>();

  const isRegistrar = (organization: string, stored: StoredOperation): boolean => {
    const { opId, actor } = stored.operation;
    const place = `${opId}/${stored.block}/${stored.logIndex}`;
    const known = stored.block === null ? undefined : registrars.get(place);
    if (known !== undefined) return known;
    const roles = directory.memberAt(organization, actor, stored)?.roles ?? 0;
    const held = (roles & roleBits.registrar) !== 0;
    if (stored.block !== null) registrars.set(place, held);
    return held;
  };

  const isPatient = (account: string): boolean =>
    store.operations({ kinds: ['RegisterPatient'], patient: account }).some((o) => o.state !== 'rejected');

  const replay = (): Standing => {
    const standing = new Standing();
    for (const stored of store.operations({ kinds })) {
      if (stored.state === 'rejected') continue;
      const decoded = codec.decodePayload(stored.operation);
      if (decoded.kind === 'LinkPatients') {
        const { organization, duplicate, survivor, reason } = decoded.payload;
        if (key(duplicate) === key(survivor) || !isPatient(duplicate) || !isPatient(survivor) || !isRegistrar(organization, stored))
          continue;
        const { opId, actor, issuedAt } = stored.operation;
        standing.link({ duplicate, survivor, organization, reason, opId, by: actor, at: issuedAt, anchored: stored.block !== null });
      } else if (decoded.kind === 'UnlinkPatients' && isRegistrar(decoded.payload.organization, stored)) {
        standing.unlink(decoded.payload.duplicate);
      }
    }
    return standing;
  };
  const current = () => (links ??= replay());

  return {
    invalidate() {
      links = null;
    },
    all: () => [...current().byDuplicate.values()],
    linkOf: (patient) => current().byDuplicate.get(key(patient)),
    duplicatesOf: (patient) => current().duplicatesOf(patient),
    othersOf(patient) {
      const own = current().byDuplicate.get(key(patient));
      const survivor = own?.survivor ?? patient;
      const siblings = current()
        .duplicatesOf(survivor)
        .filter((link) => key(link.duplicate) !== key(patient));
      return [...(own ? [{ patient: survivor, link: own }] : []), ...siblings.map((link) => ({ patient: link.duplicate, link }))];
    },
  };
}

/** Accounts are written with a checksum here and may not be elsewhere. */
const key = (account: string) => account.toLowerCase();

class Standing {
  readonly byDuplicate = new Map<string, PatientLink>();
  readonly #bySurvivor = new Map<string, PatientLink[]>();

  duplicatesOf(patient: string): PatientLink[] {
    return this.#bySurvivor.get(key(patient)) ?? [];
  }

  /** Links make no chains: neither is linked itself, and nobody is linked to the duplicate. */
  link(link: PatientLink): void {
    const { duplicate, survivor } = link;
    if (this.byDuplicate.has(key(duplicate)) || this.byDuplicate.has(key(survivor)) || this.duplicatesOf(duplicate).length > 0) return;
    this.byDuplicate.set(key(duplicate), link);
    this.#bySurvivor.set(key(survivor), [...this.duplicatesOf(survivor), link]);
  }

  unlink(duplicate: string): void {
    const link = this.byDuplicate.get(key(duplicate));
    if (!link) return;
    this.byDuplicate.delete(key(duplicate));
    this.#bySurvivor.set(
      key(link.survivor),
      this.duplicatesOf(link.survivor).filter((other) => other !== link),
    );
  }
}
