/**
 * The door to the services: parses every input by the call's schema, checks who may ask, and answers with a result or an error that has a code.
 * The only place where calls and services meet.
 */
import { AppError, toWireError } from '../../src-shared/errors.ts';
import { calls, type CallMessage, type CallName, type ReplyMessage } from '../../src-shared/ipc-schema.ts';
import type { Role } from '../../src-shared/operations.ts';
import type { Handlers } from './rpc-handlers.ts';
import { handlers as accessHandlers } from './rpc-access.ts';
import { handlers as accountHandlers } from './rpc-accounts.ts';
import { handlers as attentionHandlers } from './rpc-attention.ts';
import { handlers as availabilityHandlers } from './rpc-availability.ts';
import { handlers as cardHandlers } from './rpc-cards.ts';
import { handlers as carryHandlers } from './rpc-carry.ts';
import { handlers as computerHandlers } from './rpc-computers.ts';
import { handlers as earlierHandlers } from './rpc-earlier.ts';
import { handlers as movingHandlers } from './rpc-moving.ts';
import { handlers as keychainHandlers } from './rpc-keychain.ts';
import { handlers as duplicateHandlers } from './rpc-duplicates.ts';
import { handlers as helperHandlers } from './rpc-helpers.ts';
import { handlers as patientHandlers } from './rpc-patients.ts';
import { handlers as recoveryHandlers } from './rpc-recovery.ts';
import { handlers as workstationHandlers } from './rpc-workstation.ts';
import type { KeychainService } from './services/keychain.ts';
import type { Terminology } from './services/terminology.ts';
import type { Workstation } from './services/workstation.ts';

/** Who may call: anyone at the screen, whoever is logged in, or whoever holds one of these roles in this clinic. */
type Guard = 'anyone' | 'session' | 'governor' | readonly Role[];

const frontDesk: readonly Role[] = ['registrar'];
const clinical: readonly Role[] = ['practitioner'];
const patientFacing: readonly Role[] = ['registrar', 'practitioner'];
const admin: readonly Role[] = ['admin'];

const guards: Readonly<Record<CallName, Guard>> = {
  'workstation.snapshot': 'anyone',
  'setup.createPhrase': 'anyone',
  'setup.createClinic': 'anyone',
  'setup.createDemo': 'anyone',
  'setup.join': 'anyone',
  'setup.joinClinic': 'anyone',
  'people.createKey': 'anyone',
  'people.enrolmentCode': 'anyone',
  'keys.read': 'anyone',
  'keys.take': 'anyone',
  'keys.phrase': 'session',
  'keys.keystore': 'session',
  'keys.changePassphrase': 'session',
  'keys.rotate': 'session',
  'keys.adopt': 'session',
  'session.logIn': 'anyone',
  'session.lock': 'anyone',
  'session.touch': 'anyone',
  'settings.set': 'session',
  'keychain.view': admin,
  'keychain.code': admin,
  'keychain.turnOn': admin,
  'keychain.turnOff': admin,
  'keychain.recover': 'anyone',
  'staff.list': admin,
  'staff.readCode': admin,
  'staff.approve': admin,
  'staff.changeRoles': admin,
  'staff.setSuspended': admin,
  'staff.leave': admin,
  'network.view': admin,
  'network.invitation': admin,
  'computers.list': admin,
  'computers.invitation': admin,
  'computers.remove': admin,
  'availability.view': 'session',
  'availability.record': clinical,
  'availability.setCopies': admin,
  'availability.setPinning': admin,
  'availability.previewFreeing': admin,
  'availability.setFreeing': admin,
  'availability.free': admin,
  'availability.check': 'session',
  'network.readRequest': 'governor',
  'network.admit': 'governor',
  'network.dial': admin,
  'moving.view': admin,
  'moving.ask': admin,
  'moving.forget': admin,
  'moving.go': admin,
  'moving.follow': admin,
  'network.setEndpoint': admin,
  'patients.search': patientFacing,
  'patients.get': patientFacing,
  'patients.similar': frontDesk,
  'patients.register': frontDesk,
  'patients.details': frontDesk,
  'patients.correct': frontDesk,
  'attention.list': patientFacing,
  'attention.setAside': patientFacing,
  'duplicates.list': frontDesk,
  'duplicates.of': patientFacing,
  'duplicates.link': frontDesk,
  'duplicates.unlink': frontDesk,
  'duplicates.dismiss': frontDesk,
  'cards.reissue': patientFacing,
  'cards.newKey': patientFacing,
  'cards.guessing': patientFacing,
  'recovery.make': patientFacing,
  'recovery.card': patientFacing,
  'helpers.pending': patientFacing,
  'helpers.begin': patientFacing,
  'helpers.complete': patientFacing,
  'helpers.atDesk': patientFacing,
  'helpers.choose': patientFacing,
  'helpers.agree': patientFacing,
  'helpers.stop': patientFacing,
  'helpers.bringBack': patientFacing,
  'desk.open': patientFacing,
  'desk.close': 'session',
  'desk.actFor': patientFacing,
  'desk.sharing': patientFacing,
  'desk.grant': patientFacing,
  'desk.revoke': patientFacing,
  'desk.export': patientFacing,
  'earlier.view': patientFacing,
  'earlier.reencrypt': patientFacing,
  'earlier.stop': patientFacing,
  'earlier.interrupted': patientFacing,
  'delegates.find': patientFacing,
  'delegates.appoint': patientFacing,
  'delegates.dismiss': patientFacing,
  'emergency.view': clinical,
  'emergency.open': clinical,
  'emergency.close': clinical,
  'emergency.switch': patientFacing,
  'requests.find': clinical,
  'requests.ask': clinical,
  'requests.sent': clinical,
  'requests.open': patientFacing,
  'requests.approve': patientFacing,
  'requests.decline': patientFacing,
  'chart.open': clinical,
  'chart.entries': clinical,
  'chart.record': clinical,
  'chart.verify': clinical,
  'chart.export': clinical,
  'chart.saveEncounter': clinical,
  'chart.correct': patientFacing,
  'drafts.list': 'session',
  'drafts.save': 'session',
  'drafts.discard': 'session',
  'terminology.search': 'session',
  'files.begin': clinical,
  'files.append': clinical,
  'files.read': 'session',
  'files.discard': 'session',
  'import.preview': clinical,
  'import.run': clinical,
  'sync.outbox': 'session',
  'sync.retry': 'session',
  'sync.retryAll': 'session',
  'sync.withdrawal': 'session',
  'sync.withdraw': 'session',
  'sync.now': 'session',
  'sync.pause': 'session',
  'carry.out': 'session',
  'carry.read': 'session',
  'carry.begin': 'session',
  'carry.append': 'session',
  'carry.end': 'session',
  'carry.stop': 'session',
};

export interface Rpc {
  handle(message: CallMessage): Promise<ReplyMessage>;
}

/** What is beside the workstation's own services. */
interface Beside {
  readonly keychain: KeychainService;
  readonly terminology: () => Terminology;
}

export function createRpc(workstation: Workstation, { keychain, terminology }: Beside, report: (error: unknown) => void): Rpc {
  const handlers: Handlers<CallName> = {
    ...workstationHandlers(workstation),
    ...accessHandlers(workstation),
    ...accountHandlers(workstation),
    ...attentionHandlers(workstation),
    ...cardHandlers(workstation),
    ...carryHandlers(workstation),
    ...availabilityHandlers(workstation),
    ...computerHandlers(workstation),
    ...earlierHandlers(workstation),
    ...movingHandlers(workstation),
    ...keychainHandlers(keychain),
    ...duplicateHandlers(workstation),
    ...helperHandlers(workstation),
    ...recoveryHandlers(workstation),
    ...patientHandlers(workstation, terminology),
  };

  const check = (guard: Guard) => {
    if (guard === 'anyone') return;
    const { account } = workstation.sessions.require();
    const roles = workstation.directory.roles(workstation.clinic().id, account);
    if (guard === 'session') return;
    const allowed = guard === 'governor' ? workstation.snapshots.read().session?.governor : guard.some((role) => roles.includes(role));
    if (!allowed) throw new AppError('NOT_ALLOWED', 'Your role in this clinic does not allow this. Ask your administrator if it should.');
  };

  const answer = async (name: string, input: unknown): Promise<unknown> => {
    if (!Object.hasOwn(calls, name)) throw new AppError('INVALID_INPUT', 'There is no such call.');
    const call = name as CallName;
    const parsed = calls[call].input.safeParse(input);
    if (!parsed.success) throw invalidInput(parsed.error.issues);
    check(guards[call]);
    const session = workstation.sessions.current();
    try {
      return await (handlers[call] as (parsedInput: unknown) => unknown)(parsed.data);
    } catch (error) {
      // A lock, or another person's log-in, closed keys and index under this call. Saves have no wait behind their commit point: this one is not saved.
      if (error instanceof AppError || session === null || workstation.sessions.current() === session) throw error;
      const message = 'The workstation was locked while this was under way. What was shown as saved is safe. Log in, then do it again.';
      throw new AppError('LOCKED', message, {}, { cause: error });
    }
  };

  return {
    async handle({ id, call, input }) {
      try {
        return { id, ok: true, output: await answer(call, input) };
      } catch (error) {
        if (!(error instanceof AppError)) report(error);
        return { id, ok: false, error: toWireError(error) };
      }
    },
  };
}

/** Names the field that is wrong; never its value, which could be a passphrase. */
function invalidInput(issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[]): AppError {
  const field = issues[0]?.path.map(String).join('.') ?? '';
  return new AppError('INVALID_INPUT', `What was entered${field ? ` for “${field}”` : ''} cannot be used. Nothing was changed.`, { field });
}
