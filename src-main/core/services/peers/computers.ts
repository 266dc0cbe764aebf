/**
 * The computers of the network's clinics: who vouched for which, whom this one serves, and how another computer of this clinic comes in. Vouchers go
 * from workstation to workstation; what they are worth is looked up in the directory each time, so a clinic or admin that is suspended takes theirs along.
 */
import { AppError } from '../../../../src-shared/errors.ts';
import type { KeyPort, PeerPort, PersonKeys, RecordCryptoPort, WorkstationStorePort } from '../../ports.ts';
import type { Directory } from '../directory.ts';
import type { Session, Sessions } from '../sessions.ts';
import { newInvitationKey, replaces, voucher, type Voucher, type Vouchers } from './vouchers.ts';

/** own: a workstation of this clinic. member: of another one. unknown: nobody vouches for it, as far as is known here. refused: it was taken out. */
export type Standing = 'own' | 'member' | 'unknown' | 'refused';

/** What an invited computer needs to prove where it belongs, and to know whom to believe before it has seen the directory. */
export interface Entrance {
  readonly organization: string;
  readonly by: string;
  readonly key: string;
  readonly signature: string;
}

export interface Computers {
  standing(peer: string): Standing;
  /** This workstation's voucher first, then, for members, all that count. */
  toShow(peer: string): Voucher[];
  /** What a peer showed. Gives whether something of it was news. */
  learn(shown: readonly unknown[]): boolean;
  forgetPresented(peer: string): void;
  own(): Voucher | null;
  /** Whose it is, by the voucher that counts; null where nobody vouches for it. */
  organizationOf(peer: string): string | null;
  /** Of this clinic, for the admin's screen. */
  list(): Voucher[];
  /** What goes into an invitation: a key for one computer, signed by the admin logged in. */
  invite(session: Session): Entrance;
  /** This computer, as an admin sets it up. */
  found(organization: string, name: string, peer: string, admin: PersonKeys): void;
  /** This computer, as it comes in by an invitation. */
  enter(entrance: Entrance, name: string, peer: string): void;
  /** Takes a computer out for good. Throws NOT_FOUND, NOT_ALLOWED. */
  remove(session: Session, peer: string): void;
  /** Signs anew what somebody signed who is no admin any more, and for this computer where nobody did. */
  renew(session: Session): boolean;
  onChange(listener: () => void): void;
}

const setting = 'computers';
const entranceSetting = 'entrance';
const maxPerOrganization = 100;
const maxKnown = 2000;
/** So that all of them fit into one message (hello.ts), however long their names are. */
const maxShown = 1000;
const maxPresented = 256;

export function createComputers(deps: {
  readonly store: WorkstationStorePort;
  readonly keys: KeyPort;
  readonly crypto: RecordCryptoPort;
  readonly directory: Directory;
  readonly sessions: Sessions;
  readonly vouchers: Vouchers;
  readonly peers: Pick<PeerPort, 'cutOff'>;
  readonly organization: () => string | null;
  readonly ownPeer: () => string | null;
}): Computers {
  const { store, keys, crypto, directory, vouchers } = deps;
  let cache: Map<string, Voucher> | null = null;
  /** Shown by peers, not worth keeping yet: their clinic may be about to be admitted. */
  const presented = new Map<string, Voucher>();
  const listeners: (() => void)[] = [];

  const known = (): Map<string, Voucher> => (cache ??= new Map((store.setting<Voucher[]>(setting) ?? []).map((v) => [v.peer, v])));

  /** Where there are too many, other clinics' computers are passed over, the oldest first. */
  const atMost = (count: number, list: readonly Voucher[]): Voucher[] => {
    const isOwn = ({ organization }: Voucher) => organization === deps.organization();
    return [...list.filter((v) => !isOwn(v)), ...list.filter(isOwn)].slice(-count);
  };

  const keep = (next: readonly Voucher[]) => {
    const all = new Map(known());
    for (const v of next) all.set(v.peer, v);
    const kept = atMost(maxKnown, [...all.values()]);
    store.setSetting(setting, kept);
    cache = new Map(kept.map((v) => [v.peer, v]));
    for (const v of next) presented.delete(v.peer);
    for (const listener of listeners) listener();
  };

  /** Whether whoever signed it is an admin of the clinic, as is known here. */
  const isInForce = (v: Voucher): boolean => {
    if (directory.organization(v.organization)) return directory.roles(v.organization, v.by).includes('admin');
    // A computer that has just come in knows no directory: it believes who invited it.
    const entrance = store.setting<Entrance>(entranceSetting);
    return entrance?.organization === v.organization && entrance.by === v.by;
  };

  const isWorthKeeping = (v: Voucher): boolean => {
    const before = known().get(v.peer);
    if (before && (before.organization !== v.organization || !replaces(v, before))) return false;
    if (!isInForce(v)) return false;
    const others = [...known().values()].filter((other) => other.organization === v.organization && other.peer !== v.peer);
    // An invitation is for one computer: the first that comes with it.
    if (v.invitation && others.some((other) => other.invitation?.key === v.invitation?.key)) return false;
    return before !== undefined || others.length < maxPerOrganization;
  };

  const standing = (peer: string): Standing => {
    const shown = presented.get(peer);
    const v = known().get(peer) ?? (shown && isWorthKeeping(shown) ? shown : undefined);
    if (!v) return 'unknown';
    if (!v.active || directory.organization(v.organization)?.suspended) return 'refused';
    if (!isInForce(v)) return 'unknown';
    return v.organization === deps.organization() ? 'own' : 'member';
  };

  const own = () => known().get(deps.ownPeer() ?? '') ?? null;

  const signerOf = (person: PersonKeys) => directory.signer(person.account);

  return {
    standing,
    own,
    toShow(peer) {
      const mine = own();
      const isTrusted = ['own', 'member'].includes(standing(peer));
      const others = isTrusted ? [...known().values()].filter((v) => v.peer !== mine?.peer && (isInForce(v) || !v.active)) : [];
      return [...(mine ? [mine] : []), ...atMost(maxShown, others)];
    },
    learn(shown) {
      const fresh: Voucher[] = [];
      for (const one of shown) {
        const parsed = voucher.safeParse(one);
        if (!parsed.success) continue;
        const before = known().get(parsed.data.peer);
        if (before?.signature === parsed.data.signature || !vouchers.isSigned(parsed.data)) continue;
        if (isWorthKeeping(parsed.data)) {
          fresh.push(parsed.data);
          // So that the next of the same page is held against it: two computers with one invitation.
          keep([parsed.data]);
        } else if (!before && parsed.data.peer !== deps.ownPeer()) {
          if (presented.size >= maxPresented) presented.delete(presented.keys().next().value ?? '');
          if (parsed.data.active) presented.set(parsed.data.peer, parsed.data);
        }
      }
      return fresh.length > 0;
    },
    forgetPresented: (peer) => void presented.delete(peer),
    organizationOf: (peer) => known().get(peer)?.organization ?? null,
    list: () => [...known().values()].filter((v) => v.organization === deps.organization() && v.active),
    invite(session) {
      const organization = deps.organization();
      if (!organization) throw new AppError('NOT_SET_UP', 'This workstation is not set up yet.');
      const key = newInvitationKey(crypto);
      const invited = keys.fromPrivateKey(key);
      const signature = vouchers.signInvitation(organization, invited.account, session.keys, signerOf(session.keys));
      invited.destroy();
      return { organization, by: session.account, key, signature };
    },
    found(organization, name, peer, admin) {
      keep([
        vouchers.sign(
          { organization, peer, name, active: true, sequence: 0, invitation: null },
          admin,
          admin.signers.at(-1) ?? admin.account,
        ),
      ]);
    },
    enter(entrance, name, peer) {
      const invited = keys.fromPrivateKey(entrance.key);
      const { organization, by, signature } = entrance;
      const v = vouchers.signInvited({ organization, peer, name, active: true, sequence: 0, by }, { keys: invited, signature });
      invited.destroy();
      if (!vouchers.isSigned(v)) {
        throw new AppError('CODE_INVALID', 'This invitation was changed on its way. Ask for a new one; nothing was changed here.');
      }
      // Its key has done what it was for.
      store.setSetting(entranceSetting, { ...entrance, key: '' });
      keep([v]);
    },
    remove(session, peer) {
      const v = known().get(peer);
      if (!v || v.organization !== deps.organization() || !v.active)
        throw new AppError('NOT_FOUND', 'This computer is not one of the clinic’s any more. Nothing was changed.');
      if (peer === deps.ownPeer())
        throw new AppError('NOT_ALLOWED', 'A computer cannot take itself out. Do it at another one of the clinic; nothing was changed.');
      const { organization, name, sequence, invitation } = v;
      keep([
        vouchers.sign(
          { organization, peer, name, active: false, sequence: sequence + 1, invitation },
          session.keys,
          signerOf(session.keys),
        ),
      ]);
    },
    renew(session) {
      const organization = deps.organization();
      const ownPeer = deps.ownPeer();
      if (!organization || !directory.roles(organization, session.account).includes('admin')) return false;
      const signer = signerOf(session.keys);
      if (!session.keys.signers.includes(signer)) return false;
      const next: Voucher[] = [];
      for (const v of known().values()) {
        // What an admin signed, or a key of theirs that was replaced since, is put under one that counts.
        if (v.organization !== organization || !v.active || (isInForce(v) && vouchers.isByAdmin(v))) continue;
        next.push(
          vouchers.sign(
            { organization, peer: v.peer, name: v.name, active: true, sequence: v.sequence + 1, invitation: v.invitation },
            session.keys,
            signer,
          ),
        );
      }
      if (ownPeer && !known().has(ownPeer)) {
        next.push(
          vouchers.sign(
            { organization, peer: ownPeer, name: 'Computer', active: true, sequence: 0, invitation: null },
            session.keys,
            signer,
          ),
        );
      }
      if (next.length > 0) keep(next);
      return next.length > 0;
    },
    onChange: (listener) => void listeners.push(listener),
  };
}
