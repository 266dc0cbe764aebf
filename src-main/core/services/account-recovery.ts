/**
 * A new key for a patient who has lost card, PIN and words. While the card is there, the patient chooses who can help (on the ledger: guardians of the account's
 * recovery; they read nothing and decide nothing). When all is lost, a first one of them and the new key ask for it together, further ones agree, each at a
 * desk with their own card; after a waiting time, in which whoever still has the old key can stop it, it is put in force. Nothing of the old key is needed, and
 * nothing that only the old key opened comes back by it: see bringing-back.ts.
 */
import { AppError } from '../../../src-shared/errors.ts';
import { recoveryLimits } from '../../../src-shared/operations.ts';
import type { KeyHelper, KeyHelpersView, PendingKey } from '../../../src-shared/view-types.ts';
import type { KeyPort, PersonKeys } from '../ports.ts';
import type { AccountRecoveries, KnownProposal } from './account-recoveries.ts';
import type { Cards } from './cards.ts';
import type { Delegates } from './delegates.ts';
import type { DeskRights } from './desk-rights.ts';
import type { Directory } from './directory.ts';
import type { Publisher } from './publisher.ts';
import type { DeskSession, Session, Sessions } from './sessions.ts';
import type { Signing } from './signing.ts';

export interface HelperChoice {
  /** Accounts; none: nobody can help any more. */
  readonly helpers: readonly string[];
  readonly threshold: number;
  readonly days: number;
}

export interface AccountRecovery {
  /** Signed by the patient. Ends what was asked for so far. Throws NOT_ALLOWED, NOT_FOUND, INVALID_INPUT. */
  choose(desk: DeskSession, choice: HelperChoice): void;
  chosen(account: string): KeyHelpersView;
  /** New keys that were asked for and are not in force, the newest first. */
  pending(account: string): PendingKey[];
  /** Of others, whom this account can help. */
  helpedBy(account: string): (PendingKey & { readonly mine: boolean })[];
  /**
   * Makes a new key, asked for by the first helper, whose card opens it. The card holds it, the words give it; neither opens anything before it is in force. Throws
   * NOT_ALLOWED where the card is of nobody who can help, and what opening it throws.
   */
  begin(session: Session, patient: string, helper: { card: string; pin: string }, newPin: string): Promise<NewCard>;
  /** Signed by the helper at the desk. Throws NOT_FOUND where it lost its force, NOT_ALLOWED. */
  agree(desk: DeskSession, proposal: string): void;
  /** Signed by the owner at the desk, with the old key. Throws NOT_FOUND where there is nothing to stop. */
  stop(desk: DeskSession): void;
  /** Puts a new key in force, signed by itself. Throws KEY_MISSING with `details.readyAt` where it is too early, CARD_INVALID, NOT_FOUND. */
  complete(session: Session, patient: string, card: string, pin: string): Promise<void>;
}

export interface NewCard {
  readonly card: string;
  readonly phrase: string;
  readonly code: string;
}

const nobody = `0x${'00'.repeat(20)}`;
const daySeconds = 86_400;
const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();

export function createAccountRecovery(deps: {
  readonly keys: KeyPort;
  readonly recoveries: AccountRecoveries;
  readonly directory: Directory;
  readonly delegates: Pick<Delegates, 'find'>;
  readonly rights: DeskRights;
  readonly cards: Cards;
  readonly sessions: Sessions;
  readonly signing: Signing;
  readonly publisher: Publisher;
  /** Seconds: this computer's clock, or the ledger's newest block where that is later. */
  readonly now: () => number;
  readonly nameOf: (account: string) => string;
}): AccountRecovery {
  const { keys, recoveries, directory, sessions, signing, publisher, nameOf } = deps;

  const helper = (account: string): KeyHelper => ({ account, name: nameOf(account) });
  const viewOf = ({ id, account, askedAt, agreed, readyAt, anchored }: KnownProposal): PendingKey => {
    const state = readyAt === 0 ? 'collecting' : deps.now() < readyAt ? 'waiting' : 'ready';
    return {
      ...{ proposal: id, account, name: nameOf(account), code: codeOf(id), askedAt: askedAt * 1000, agreed: agreed.map(helper) },
      ...{ threshold: recoveries.of(account).terms.threshold, readyAt: readyAt * 1000, state, unsent: !anchored },
    };
  };
  const pending: AccountRecovery['pending'] = (account) =>
    recoveries
      .of(account)
      .proposals.map(viewOf)
      .sort((a, b) => b.askedAt - a.askedAt);

  const requireHelper = (patient: string, account: string): void => {
    if (recoveries.of(patient).terms.guardians.some((one) => same(one, account))) return;
    throw new AppError(
      'NOT_ALLOWED',
      'This card’s owner is none of those whom the patient chose to help to a new key. Nothing was changed; ask for the card of one of them.',
    );
  };

  const propose = async (session: Session, patient: string, proposer: PersonKeys, newPin: string): Promise<NewCard> => {
    const phrase = keys.createPhrase();
    const newer = keys.fromPhrase(phrase);
    const all = keys.recovered(patient, newer);
    try {
      const card = await deps.cards.write(all, newPin);
      if (sessions.current() !== session)
        throw new AppError('NOT_LOGGED_IN', 'The workstation was locked meanwhile. Nothing was changed; log in and try again.');
      const payload = { account: patient, signer: newer.account, encryptionKey: newer.encryptionKey };
      const proposal = signing.make('ProposeRecovery', payload, 'Ask for a new key for somebody', proposer, { cosigners: [newer] });
      publisher.publish([], [proposal]);
      return { card, phrase, code: codeOf(proposal.operation.opId) };
    } finally {
      newer.destroy();
      all.destroy();
    }
  };

  return {
    pending,
    choose(desk, { helpers, threshold, days }) {
      deps.rights.requireSelf(desk, 'choose who can help to a new key');
      const { patient } = desk;
      for (const account of helpers) {
        if (same(account, patient)) throw new AppError('INVALID_INPUT', 'Nobody can help themselves to a new key. Choose somebody else.');
        if (directory.memberships(account).length === 0) deps.delegates.find({ account });
      }
      const none = helpers.length === 0;
      const delay = none ? 0 : days * daySeconds;
      const distinct = new Set(helpers.map((account) => account.toLowerCase())).size === helpers.length;
      const inRange = none || (threshold >= 1 && threshold <= helpers.length && delay >= recoveryLimits.minDelay);
      if (!distinct || !inRange || helpers.length > recoveryLimits.guardians || delay > recoveryLimits.maxDelay) {
        throw new AppError(
          'INVALID_INPUT',
          'Choose one to five different people, no more of whom must agree than there are, and 1 to 90 days. Nothing was changed.',
        );
      }
      const [guardian1 = nobody, guardian2 = nobody, guardian3 = nobody, guardian4 = nobody, guardian5 = nobody] = helpers;
      const payload = {
        ...{ guardian1, guardian2, guardian3, guardian4, guardian5 },
        ...{ threshold: none ? 0 : threshold, delay, round: recoveries.of(patient).terms.round },
      };
      publisher.publish([], [signing.make('SetRecovery', payload, 'Choose who can help to a new key', desk.keys)]);
    },
    chosen(account) {
      const { terms, waiting } = recoveries.of(account);
      return { helpers: terms.guardians.map(helper), threshold: terms.threshold, days: terms.delay / daySeconds, waiting };
    },
    helpedBy: (account) =>
      recoveries
        .helpedBy(account)
        .flatMap((other) => pending(other))
        .map((one) => ({ ...one, mine: one.agreed.some((agreed) => same(agreed.account, account)) })),
    async begin(session, patient, { card, pin }, newPin) {
      if (recoveries.of(patient).terms.threshold === 0) throw nobodyChosen();
      const opened = await sessions.openCard(card, pin);
      try {
        requireHelper(patient, opened.keys.account);
        return await propose(session, patient, opened.keys, newPin);
      } finally {
        opened.keys.destroy();
      }
    },
    agree({ keys: own }, proposal) {
      const known = recoveries.helpedBy(own.account).flatMap((account) => recoveries.of(account).proposals);
      const wanted = known.find(({ id }) => id === proposal);
      if (!wanted) throw lostForce();
      if (wanted.agreed.some((one) => same(one, own.account)))
        throw new AppError('ALREADY_EXISTS', 'This was agreed to before with this card. Nothing needs to be done.');
      const payload = { account: wanted.account, proposal };
      publisher.publish([], [signing.make('ApproveRecovery', payload, 'Agree to a new key for somebody', own)]);
    },
    stop(desk) {
      deps.rights.requireSelf(desk, 'stop a new key');
      if (recoveries.of(desk.patient).proposals.length === 0) throw lostForce();
      publisher.publish([], [signing.make('VetoRecovery', { account: desk.patient }, 'Stop a new key', desk.keys)]);
    },
    async complete(session, patient, card, pin) {
      const all = await sessions.unlockCard(card, pin);
      // A card of a new key holds none of those before.
      const phrase = all.account === patient && !all.signers.includes(patient) ? (all.phrase() ?? '') : '';
      all.destroy();
      if (phrase === '')
        throw new AppError(
          'CARD_INVALID',
          'This is the old card, or that of somebody else. Nothing was changed; take the one that was made with the new key.',
        );
      const newest = keys.fromPhrase(phrase);
      try {
        if (directory.signer(patient) === newest.account)
          throw new AppError('ALREADY_EXISTS', 'The new key is in force already: the card opens. Nothing needs to be done.');
        const proposal = recoveries.of(patient).proposals.find(({ signer }) => signer === newest.account);
        if (!proposal) throw lostForce();
        requireReady(viewOf(proposal));
        if (sessions.current() !== session)
          throw new AppError('NOT_LOGGED_IN', 'The workstation was locked meanwhile. Nothing was changed; log in and try again.');
        const payload = { account: patient, proposal: proposal.id };
        publisher.publish([], [signing.make('CompleteRecovery', payload, 'Put a new key in force', newest)]);
      } finally {
        newest.destroy();
      }
    },
  };
}

/** Four groups of four: enough to tell one from another, short enough to be read out. */
function codeOf(proposal: string): string {
  return proposal
    .slice(2, 18)
    .toUpperCase()
    .replace(/(.{4})(?=.)/g, '$1-');
}

function requireReady({ state, agreed, threshold, readyAt }: PendingKey): void {
  if (state === 'ready') return;
  const text =
    state === 'collecting'
      ? `${agreed.length} of ${threshold} have agreed so far. The others agree at a desk, each with their own card.`
      : `It can be put in force from ${new Date(readyAt).toISOString().slice(0, 16).replace('T', ' ')} (UTC) on: until then whoever has the old card can stop it.`;
  throw new AppError('KEY_MISSING', `The new key cannot be put in force yet. ${text} Nothing was changed.`, { readyAt });
}

const nobodyChosen = () =>
  new AppError(
    'NOT_ALLOWED',
    'The patient chose nobody who could help to a new key, or this workstation has not heard of it. Nothing was changed. Without card, words and shares the patient can only be registered anew; link the two registrations under Duplicates.',
  );

const lostForce = () =>
  new AppError(
    'NOT_FOUND',
    'This request for a new key has lost its force: it was stopped, another key was put in force, or the helpers were chosen anew. Nothing was changed; ask anew if it is still needed.',
  );
