/** A whole core in this process, on a data folder of its own, spoken to through its calls as a screen does. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCore, type Core } from '../../../src-main/core/core.ts';
import { AppError } from '../../../src-shared/errors.ts';
import type { CallInput, CallName, CallOutput, Demographics } from '../../../src-shared/ipc-schema.ts';
import type { Role } from '../../../src-shared/operations.ts';
import type { Snapshot } from '../../../src-shared/view-types.ts';

export const passphrase = 'correct horse battery';
export const pin = '246810';

export interface TestWorkstation {
  readonly dir: string;
  readonly core: Core;
  ask<N extends CallName>(name: N, input: CallInput<N>): Promise<CallOutput<N>>;
  snapshot(): Promise<Snapshot>;
  /** Waits until something holds; fails with the last answer after 30 s. */
  until<T>(what: string, probe: () => Promise<T>, holds: (value: T) => boolean): Promise<T>;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export async function startWorkstation(dir = mkdtempSync(join(tmpdir(), 'anamnesis-'))): Promise<TestWorkstation> {
  const start = () =>
    createCore({
      dataDir: dir,
      resourcesDir: join(process.cwd(), 'resources'),
      mdns: false,
      listen: ['/ip4/127.0.0.1/tcp/0'],
      version: 'test',
      // What is tested here is not the cost of guessing.
      passphraseCost: { memoryKiB: 8192, passes: 1 },
    });
  let core = await start();
  let id = 0;
  const ask: TestWorkstation['ask'] = async (call, input) => {
    const reply = await core.call({ id: id++, call, input });
    if (reply.ok) return reply.output as never;
    throw new AppError(reply.error.code, reply.error.message, reply.error.details);
  };
  return {
    dir,
    get core() {
      return core;
    },
    ask,
    snapshot: () => ask('workstation.snapshot', {}),
    async until(what, probe, holds) {
      const end = Date.now() + 90_000;
      for (;;) {
        const value = await probe();
        if (holds(value)) return value;
        if (Date.now() > end) throw new Error(`Never happened: ${what}. Last seen: ${JSON.stringify(value)?.slice(0, 2000)}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    async restart() {
      await core.stop();
      core = await start();
    },
    async stop() {
      await core.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Their accounts. */
export interface Staff {
  readonly admin: string;
  readonly registrar: string;
  readonly doctor: string;
}

/** Sets up a clinic with an admin, a registrar and a doctor. */
export async function foundClinic(w: TestWorkstation, name: string): Promise<Staff> {
  const { phrase } = await w.ask('setup.createPhrase', {});
  await w.ask('setup.createClinic', { clinicName: name, personName: `Admin of ${name}`, passphrase, phrase });
  return staff(w, name);
}

/** Enrols a registrar and a doctor; the admin is logged in. */
export async function staff(w: TestWorkstation, name: string): Promise<Staff> {
  const admin = (await w.snapshot()).session?.account ?? '';
  const enrol = async (personName: string, role: 'registrar' | 'practitioner') => {
    const { phrase } = await w.ask('setup.createPhrase', {});
    const { account, enrolmentCode } = await w.ask('people.createKey', { personName, passphrase, phrase });
    await w.ask('staff.approve', { enrolmentCode, roles: [role] });
    return account;
  };
  const registrar = await enrol(`Registrar of ${name}`, 'registrar');
  const doctor = await enrol(`Doctor of ${name}`, 'practitioner');
  return { admin, registrar, doctor };
}

/** Has `added` come into the clinic of `desk`, where an admin is logged in, as a further computer. */
export async function addComputer(desk: TestWorkstation, added: TestWorkstation, computerName: string): Promise<void> {
  const { invitation } = await desk.ask('computers.invitation', {});
  await added.ask('setup.joinClinic', { invitation, computerName });
  await added.until(
    'ready and online',
    () => added.snapshot(),
    ({ phase, sync }) => phase === 'ready' && sync.state === 'online',
  );
}

/** Enrols somebody with a key of their own at `w`, approved at another computer of the clinic. Resolves to the account, once `w` knows it. */
export async function enrolAt(w: TestWorkstation, approving: TestWorkstation, personName: string, roles: Role[]): Promise<string> {
  const { phrase } = await w.ask('setup.createPhrase', {});
  const { account, enrolmentCode } = await w.ask('people.createKey', { personName, passphrase, phrase });
  await approving.ask('staff.approve', { enrolmentCode, roles });
  await w.until(
    'enrolled',
    () => w.snapshot(),
    ({ people }) => people.some((person) => person.account === account && person.status === 'active'),
  );
  return account;
}

/** Of a woman called Ada whom nobody else is known to be, unless `but` says otherwise. */
export const demographicsOf = (family: string, but: Partial<Demographics> = {}): Demographics => ({
  ...{ family, given: 'Ada', prefix: '', birthDate: '1970-01-01', birthDateEstimated: false, gender: 'female' },
  ...{ phone: '', address: '', identifiers: [] },
  ...but,
});

export const logIn = (w: TestWorkstation, account: string) => w.ask('session.logIn', { account, passphrase });

/** Makes the ledger of a workstation answer nobody, and answer again. */
export function ledgerOf(w: TestWorkstation): { away(): void; back(): void } {
  const { pid } = JSON.parse(readFileSync(join(w.dir, 'ledger', 'anvil.pid.json'), 'utf8')) as { pid: number };
  return { away: () => void process.kill(pid, 'SIGSTOP'), back: () => void process.kill(pid, 'SIGCONT') };
}

/** The bytes of a file that the workstation made, slice by slice. */
export async function fetchFile(w: TestWorkstation, { file, size }: { file: string; size: number }): Promise<Buffer> {
  const slices: Buffer[] = [];
  for (let at = 0; at < size; at += slices.at(-1)?.length ?? 0)
    slices.push(Buffer.from((await w.ask('files.read', { file, offset: at })).base64, 'base64'));
  return Buffer.concat(slices);
}
