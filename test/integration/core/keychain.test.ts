/** The machine's key under a keychain, through a whole core: on, restarted, killed, lost, recovered, off; and from the command line. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { writeRecoveryCode } from '../../../src-main/core/adapters/crypto/recovery-code.ts';
import { AppError } from '../../../src-shared/errors.ts';
import { CoreProcess } from './core-process.ts';

// Many starts of a whole core: what a loaded machine takes for one is not what is tested.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const passphrase = 'correct horse battery';
const dir = mkdtempSync(join(tmpdir(), 'anamnesis-keychain-'));
let secret: string | null = 'one';
const core = new CoreProcess(dir, { memoryKiB: 8192, passes: 1 }, () => secret);
const keyFile = () => readFileSync(join(dir, 'machine.key'));
const codeFile = join(dir, 'code.txt');
let code = '';
let admin = '';
let opIds: string[] = [];

afterAll(async () => {
  await core.end('SIGTERM');
  rmSync(dir, { recursive: true, force: true });
});

async function restart(keychain: string | null, signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
  await core.end(signal);
  secret = keychain;
  core.start();
}

/** Ids of everything that was made here. */
async function madeHere(): Promise<string[]> {
  return (await core.ask('sync.outbox', { show: 'all', limit: 100 })).entries.map(({ opId }) => opId);
}

/** Everything that was made here is still here. */
async function expectAll(): Promise<void> {
  await core.ask('session.logIn', { account: admin, passphrase });
  const here = await madeHere();
  expect(here).toEqual(expect.arrayContaining(opIds));
}

/** After a wrong passphrase the next try has to wait, which is asked again until it is over. */
async function afterTheWait<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'TRY_LATER') throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

interface Outcome {
  readonly exitCode: number;
  readonly output: {
    readonly error?: { readonly code: string; readonly message: string };
    readonly clinic?: string;
    readonly unsealed?: boolean;
  };
}
function commandLine(...args: readonly string[]): Promise<Outcome> {
  const program = join(process.cwd(), 'src-main', 'core', 'admin.ts');
  return new Promise((resolve) =>
    execFile(process.execPath, [program, ...args, '--data', dir, '--json'], (error, stdout) =>
      resolve({ exitCode: typeof error?.code === 'number' ? error.code : 0, output: JSON.parse(stdout) as Outcome['output'] }),
    ),
  );
}

describe('the keychain as second lock', () => {
  beforeAll(async () => {
    core.start();
    const { phrase } = await core.ask('setup.createPhrase', {});
    await core.ask('setup.createClinic', { clinicName: 'Sealed', personName: 'Ada', passphrase, phrase });
    admin = (await core.ask('workstation.snapshot', {})).session?.account ?? '';
    opIds = await madeHere();
    expect(opIds.length).toBeGreaterThan(0);
  });

  it('is not turned on by itself: the key of a new folder is a plain file', async () => {
    expect(await core.ask('keychain.view', {})).toMatchObject({ on: false, openedByCode: false, keychain: { available: true } });
    expect(keyFile()).toHaveLength(32);
  });

  it('gives the recovery code for the passphrase only, and is turned on by that code only', async () => {
    await expect(core.ask('keychain.code', { passphrase: 'wrong passphrase' })).rejects.toMatchObject({ code: 'WRONG_CREDENTIALS' });
    ({ code } = await afterTheWait(() => core.ask('keychain.code', { passphrase })));
    await expect(core.ask('keychain.turnOn', { code: writeRecoveryCode(new Uint8Array(32)) })).rejects.toMatchObject({
      code: 'CODE_INVALID',
    });
    await expect(core.ask('keychain.turnOn', { code: code.slice(5) })).rejects.toMatchObject({ code: 'CODE_INVALID' });
    expect(keyFile()).toHaveLength(32);
  });

  it('is not turned on where the keychain does not run, or gives back something else than it was given', async () => {
    secret = null;
    await expect(core.ask('keychain.turnOn', { code })).rejects.toMatchObject({ code: 'KEYCHAIN_UNAVAILABLE' });
    expect(keyFile()).toHaveLength(32);
    secret = 'one';
  });

  it('seals the key and opens it at the next start, also after a kill', async () => {
    const plain = keyFile();
    await core.ask('keychain.turnOn', { code });
    expect(keyFile().includes(plain)).toBe(false);
    expect(keyFile().toString('utf8')).not.toContain(plain.toString('base64'));
    await restart('one', 'SIGKILL');
    await expectAll();
    expect(await core.ask('keychain.view', {})).toMatchObject({ on: true, openedByCode: false });
  });

  it('is for administrators', async () => {
    await core.ask('session.lock', {});
    for (const call of ['keychain.view', 'keychain.code', 'keychain.turnOn', 'keychain.turnOff'] as const) {
      const input = { 'keychain.view': {}, 'keychain.turnOn': { code } }[call as 'keychain.view'] ?? { passphrase };
      await expect(core.ask(call, input)).rejects.toMatchObject({ code: 'NOT_LOGGED_IN' });
    }
  });
});

describe('a keychain that was lost', () => {
  it('leaves a workstation that does nothing but ask for the code, and says so', async () => {
    const before = keyFile();
    await restart('two');
    await expect(core.ask('workstation.snapshot', {})).rejects.toMatchObject({
      code: 'KEY_SEALED',
      message: expect.stringMatching(/nothing is lost.*recovery code/),
    });
    await expect(core.ask('session.logIn', { account: admin, passphrase })).rejects.toMatchObject({ code: 'KEY_SEALED' });
    await expect(core.ask('keychain.recover', { code: null })).rejects.toMatchObject({ code: 'KEY_SEALED' });
    await expect(core.ask('keychain.recover', { code: `${code.slice(0, -4)}0000` })).rejects.toMatchObject({ code: 'CODE_INVALID' });
    const others = writeRecoveryCode(new Uint8Array(32).fill(9));
    await expect(core.ask('keychain.recover', { code: others })).rejects.toMatchObject({
      code: 'CODE_INVALID',
      message: expect.stringMatching(/another workstation/),
    });
    expect(keyFile().equals(before)).toBe(true);
  });

  it('opens without the code once the keychain is back', async () => {
    secret = 'one';
    expect(await core.ask('keychain.recover', { code: null })).toEqual({ sealedAnew: false });
    await expectAll();
  });

  it('opens by the code with nothing lost, and the keychain of now seals the key anew', async () => {
    await restart('two');
    expect(await core.ask('keychain.recover', { code: code.toLowerCase() })).toEqual({ sealedAnew: true });
    await expectAll();
    expect(await core.ask('keychain.view', {})).toMatchObject({ on: true, openedByCode: false });
    await restart('two');
    await expectAll();
  });

  it('opens by the code for one start where no keychain runs, until it is turned off', async () => {
    await restart(null);
    await expect(core.ask('workstation.snapshot', {})).rejects.toMatchObject({ code: 'KEY_SEALED' });
    expect(await core.ask('keychain.recover', { code })).toEqual({ sealedAnew: false });
    await restart(null);
    await expect(core.ask('workstation.snapshot', {})).rejects.toMatchObject({ code: 'KEY_SEALED' });
    expect(await core.ask('keychain.recover', { code })).toEqual({ sealedAnew: false });
    await expectAll();
    expect(await core.ask('keychain.view', {})).toMatchObject({ on: true, openedByCode: true });
    await expect(core.ask('keychain.turnOff', { passphrase: 'wrong passphrase' })).rejects.toMatchObject({ code: 'WRONG_CREDENTIALS' });
    await afterTheWait(() => core.ask('keychain.turnOff', { passphrase }));
    await restart(null);
    await expectAll();
    expect(await core.ask('keychain.view', {})).toMatchObject({ on: false, openedByCode: false, keychain: { available: false } });
  });
});

describe('the command line', () => {
  beforeAll(async () => {
    await restart('one');
    await core.ask('session.logIn', { account: admin, passphrase });
    await core.ask('keychain.turnOn', { code });
    await core.end('SIGTERM');
    writeFileSync(codeFile, `${code}\n`);
  });

  it('says that the key is sealed and what to do, with exit code 7', async () => {
    const { exitCode, output } = await commandLine('status');
    expect(exitCode).toBe(7);
    expect(output.error).toMatchObject({ code: 'KEY_SEALED', message: expect.stringMatching(/nothing is lost.*--recovery-code-file/) });
  });

  it('works with the recovery code in a file, and leaves the key sealed', async () => {
    const before = keyFile();
    expect(await commandLine('status', '--recovery-code-file', codeFile)).toMatchObject({ exitCode: 0, output: { clinic: 'Sealed' } });
    expect(keyFile().equals(before)).toBe(true);
    writeFileSync(join(dir, 'other.txt'), writeRecoveryCode(new Uint8Array(32)));
    expect((await commandLine('status', '--recovery-code-file', join(dir, 'other.txt'))).exitCode).toBe(4);
  });

  it('keeps the key in a plain file again', async () => {
    expect(await commandLine('unseal', '--recovery-code-file', codeFile)).toMatchObject({ exitCode: 0, output: { unsealed: true } });
    expect(keyFile()).toHaveLength(32);
    expect((await commandLine('status')).exitCode).toBe(0);
  });

  it.each(['damaged', 'missing'])('repairs a key file that is %s', async (how) => {
    const whole = keyFile();
    if (how === 'damaged') writeFileSync(join(dir, 'machine.key'), whole.subarray(0, 20));
    else rmSync(join(dir, 'machine.key'));
    const { exitCode, output } = await commandLine('status');
    expect({ exitCode, code: output.error?.code }).toEqual({ exitCode: 7, code: 'STORE_DAMAGED' });
    expect(output.error?.message).toMatch(new RegExp(`${how}.*recovery code`));
    const other = await commandLine('unseal', '--recovery-code-file', join(dir, 'other.txt'));
    expect(other).toMatchObject({ exitCode: 7, output: { error: { code: 'STORE_DAMAGED' } } });
    expect(await commandLine('unseal', '--recovery-code-file', codeFile)).toMatchObject({ exitCode: 0, output: { unsealed: true } });
    expect(keyFile().equals(whole)).toBe(true);
  });
});
