/**
 * Whole workstations for figures: a clinic founded as a person does it, with the embedded ledger, and a core over it spoken to through its calls.
 * One person holds all roles, so that a figure needs no second log-in.
 */
import { join } from 'node:path';
import { createCore, type Core } from '../../src-main/core/core.ts';
import { readKeyFile } from '../../src-main/core/adapters/files/key-file.ts';
import { createStore } from '../../src-main/core/adapters/sqlite/store.ts';
import type { StorePort } from '../../src-main/core/ports.ts';
import { AppError } from '../../src-shared/errors.ts';
import type { CallInput, CallName, CallOutput } from '../../src-shared/ipc-schema.ts';
import type { Session } from '../../src-main/core/services/sessions.ts';

export const passphrase = 'measured, not guessed';
export const pin = '246810';
/** A key derivation of the least cost: what a passphrase costs is no part of these figures, except where the process itself is measured. */
export const cheapPassphrase = { memoryKiB: 8192, passes: 1 };

export interface Workstation {
  readonly core: Core;
  ask<N extends CallName>(name: N, input: CallInput<N>): Promise<CallOutput<N>>;
  /** Throws where nobody is logged in. */
  session(): Session;
  stop(): Promise<void>;
}

export function coreOptions(dir: string) {
  return {
    dataDir: dir,
    resourcesDir: join(import.meta.dirname, '../../resources'),
    mdns: false,
    listen: ['/ip4/127.0.0.1/tcp/0'],
    version: 'bench',
  };
}

/** A core in this process over a data folder. */
export async function openWorkstation(dir: string, passphraseCost?: typeof cheapPassphrase): Promise<Workstation> {
  const core = await createCore({ ...coreOptions(dir), ...(passphraseCost ? { passphraseCost } : {}) });
  let id = 0;
  return {
    core,
    async ask(call, input) {
      const reply = await core.call({ id: id++, call, input });
      if (reply.ok) return reply.output as never;
      throw new AppError(reply.error.code, reply.error.message, reply.error.details);
    },
    session: () => core.workstation.sessions.require(),
    stop: () => core.stop(),
  };
}

/** Sets up a clinic with its own ledger; returns the account of its one person when all of it is anchored and the core has stopped. */
export async function foundClinic(dir: string, passphraseCost?: typeof cheapPassphrase): Promise<string> {
  const w = await openWorkstation(dir, passphraseCost);
  const { phrase } = await w.ask('setup.createPhrase', {});
  await w.ask('setup.createClinic', { clinicName: 'Clinic', personName: 'Dr Rao', passphrase, phrase });
  const { account } = w.session();
  await w.ask('staff.changeRoles', { account, roles: ['admin', 'registrar', 'practitioner'] });
  await until(async () => {
    const { sync } = await w.ask('workstation.snapshot', {});
    return sync.state === 'online' && sync.waiting === 0;
  });
  await w.stop();
  return account;
}

/** The stored data of a workstation that is not running. */
export function openStore(dir: string): StorePort {
  const file = readKeyFile(dir);
  if (file.kind !== 'plain') throw new Error(`${dir} has no plain machine key`);
  return createStore({ dir, machineKey: file.key });
}

/**
 * Takes the ledger away, as a pulled cable does: what is saved stays in the outbox. So a figure measures the workstation and not Anvil, which
 * would share its processor.
 */
export function unplugLedger(dir: string): void {
  const store = openStore(dir);
  const network = store.workstation.setting<Record<string, unknown>>('network');
  store.workstation.setSetting('network', { ...network, embedded: null, endpoint: 'http://127.0.0.1:9' });
  store.close();
}

/** Waits until something holds, at most so long. */
export async function until(holds: () => Promise<boolean> | boolean, limitMs = 60_000): Promise<void> {
  const end = performance.now() + limitMs;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`What was waited for did not happen within ${limitMs / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
