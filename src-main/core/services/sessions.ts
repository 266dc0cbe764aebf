/**
 * Who is at the workstation: one person at a time, and perhaps a patient beside them at the desk. Keys and the person's index are open only while
 * this session lasts; locking (by hand, when idle, or when the process ends) zeroes and closes them.
 */
import { AppError } from '../../../src-shared/errors.ts';
import type { AccountIndexPort, KeyPort, PersonKeys, StorePort } from '../ports.ts';
import type { AttemptLimiter } from './attempts.ts';
import type { FactBus } from './facts.ts';
import type { PatientKeys } from './patient-keys.ts';

export interface Session {
  readonly keys: PersonKeys;
  readonly account: string;
  readonly name: string;
  readonly index: AccountIndexPort;
  /** Secret keys of the person's organization by organization id, newest last; filled once their envelope has been opened. */
  readonly organizationKeys: Map<string, Uint8Array[]>;
}

export interface DeskSession {
  /** Of the card's owner. */
  readonly keys: PersonKeys;
  /** For whom its owner decides: as a rule themselves. */
  readonly patient: string;
  /** Keys that were opened on the way, zeroed with it. */
  readonly secrets?: Uint8Array[];
  /** While it has not been said for whom. */
  readonly undecided?: boolean;
}

export interface Sessions {
  current(): Session | null;
  /** Throws NOT_LOGGED_IN. */
  require(): Session;
  desk(): DeskSession | null;
  requireDesk(): DeskSession;
  logIn(account: string, passphrase: string): Promise<void>;
  /** Opens a session with keys that were just made (first run, rotation). */
  begin(keys: PersonKeys, name: string): void;
  /** Throws WRONG_CREDENTIALS, TRY_LATER, CARD_INVALID, and what `PatientKeys.complete` throws: KEY_REPLACED for a card of a former key. */
  openDesk(card: string, pin: string): Promise<DeskSession>;
  /** The keys of a card, without a desk; the caller destroys them. Throws the same. */
  openCard(card: string, pin: string): Promise<DeskSession>;
  /** The keys that lie on a card, also where they do not count, or not yet; the caller destroys them. Throws NOT_LOGGED_IN, WRONG_CREDENTIALS, TRY_LATER, CARD_INVALID. */
  unlockCard(card: string, pin: string): Promise<PersonKeys>;
  /** For whom the card's owner decides from now on; null: that is asked again. That they may is the caller's to check. */
  actFor(patient: string | null): DeskSession;
  closeDesk(): void;
  lock(): void;
  touch(): void;
  /** Called after a session began and before one ends. */
  onBegin(listener: (session: Session) => void): void;
  onEnd(listener: () => void): void;
}

/** AAD of sealed seeds: a card's seed does not open as a log-in and the reverse. */
export const sealContext = {
  person: (account: string) => `person/${account.toLowerCase()}`,
  card: (account: string) => `card/${account.toLowerCase()}`,
};

export function createSessions(deps: {
  readonly store: StorePort;
  readonly keys: KeyPort;
  readonly attempts: AttemptLimiter;
  readonly facts: FactBus;
  readonly idleMinutes: () => number;
  readonly patientKeys: PatientKeys;
}): Sessions {
  const { store, keys, attempts, facts } = deps;
  let session: Session | null = null;
  let desk: DeskSession | null = null;
  let timer: NodeJS.Timeout | null = null;
  const beginListeners: ((session: Session) => void)[] = [];
  const endListeners: (() => void)[] = [];

  const closeDesk = () => {
    desk?.keys.destroy();
    for (const secret of desk?.secrets ?? []) secret.fill(0);
    desk = null;
  };

  const lock = () => {
    if (timer) clearTimeout(timer);
    timer = null;
    closeDesk();
    if (!session) return;
    for (const listener of endListeners) listener();
    session.keys.destroy();
    for (const secrets of session.organizationKeys.values()) for (const secret of secrets) secret.fill(0);
    session.index.close();
    session = null;
    facts.tell('status', null);
  };

  const touch = () => {
    if (timer) clearTimeout(timer);
    timer = session ? setTimeout(lock, deps.idleMinutes() * 60_000) : null;
    timer?.unref();
  };

  const begin = (opened: PersonKeys, name: string) => {
    lock();
    const indexKey = opened.derive('index');
    const formerKeys = opened.deriveFormer('index');
    const { index } = store.openAccount(opened.account, indexKey, formerKeys);
    for (const key of [indexKey, ...formerKeys]) key.fill(0);
    session = { keys: opened, account: opened.account, name, index, organizationKeys: new Map() };
    touch();
    for (const listener of beginListeners) listener(session);
    facts.tell('status', null);
  };

  const unlockCard = async (card: string, pin: string): Promise<PersonKeys> => {
    if (!session) throw new AppError('NOT_LOGGED_IN', 'The workstation is locked.');
    const { account, sealed } = keys.decodeCard(card);
    return attempts.guard(`card/${account.toLowerCase()}`, async () => {
      const secret = await keys.open(sealed, pin, sealContext.card(account));
      const held = keys.fromSecret(secret);
      secret.fill(0);
      if (held.account === account) return held;
      held.destroy();
      throw new AppError('WRONG_CREDENTIALS', 'That did not open.');
    });
  };

  const openCard = async (card: string, pin: string): Promise<DeskSession> => {
    const opened = session;
    const unlocked = await unlockCard(card, pin);
    const { account } = unlocked;
    const all = await deps.patientKeys.complete(unlocked, account);
    if (session !== opened) {
      all.destroy();
      throw new AppError('NOT_LOGGED_IN', 'The workstation was locked meanwhile. Log in and open the card again.');
    }
    return { keys: all, patient: account };
  };

  return {
    current: () => session,
    require() {
      if (!session) throw new AppError('NOT_LOGGED_IN', 'The workstation is locked. Log in again; what was typed is kept as a draft.');
      return session;
    },
    desk: () => desk,
    requireDesk() {
      if (!session || !desk) throw new AppError('LOCKED', "The patient's card is not open. Ask for the card and PIN again.");
      if (desk.undecided) throw new AppError('LOCKED', "Say first for whom this card's owner decides. Nothing was changed.");
      return desk;
    },
    async logIn(account, passphrase) {
      const opened = await attempts.guard(`person/${account.toLowerCase()}`, async () => {
        const person = store.workstation.people().find((p) => p.account === account);
        if (!person) throw new AppError('WRONG_CREDENTIALS', 'That did not open.');
        const secret = await keys.open(person.sealed, passphrase, sealContext.person(account));
        const unlocked = keys.fromSecret(secret);
        secret.fill(0);
        return { unlocked, name: person.name };
      });
      begin(opened.unlocked, opened.name);
    },
    begin,
    openCard,
    unlockCard,
    async openDesk(card, pin) {
      const opened = await openCard(card, pin);
      closeDesk();
      desk = { ...opened, secrets: [] };
      facts.tell('status', null);
      return desk;
    },
    actFor(patient) {
      if (!session || !desk) throw new AppError('LOCKED', "The patient's card is not open. Ask for the card and PIN again.");
      for (const secret of desk.secrets ?? []) secret.fill(0);
      desk = { keys: desk.keys, patient: patient ?? desk.keys.account, secrets: [], undecided: patient === null };
      facts.tell('status', null);
      return desk;
    },
    closeDesk() {
      closeDesk();
      facts.tell('status', null);
    },
    lock,
    touch,
    onBegin: (listener) => beginListeners.push(listener),
    onEnd: (listener) => endListeners.push(listener),
  };
}
