/** What the command line does with its arguments: runs the command, writes what it found, and sets the exit code. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { AppError, toWireError } from '../../../src-shared/errors.ts';
import { commands, usage, type Command, type CommandName, type CommandResult } from './commands.ts';
import { admit } from './admit.ts';
import { deploy } from './deploy.ts';
import { genesis } from './genesis.ts';
import { exitCodeOf, exitCodes } from './exit-codes.ts';
import { textOf } from './text.ts';
import { admitPorts, createCore, deployContracts, inviteFirst, qbftGenesis, type CoreOptions } from '../core.ts';

const options = {
  data: { type: 'string' },
  json: { type: 'boolean', default: false },
  'passphrase-file': { type: 'string' },
  'recovery-code-file': { type: 'string' },
  as: { type: 'string' },
  out: { type: 'string' },
  demo: { type: 'boolean', default: false },
  verifiable: { type: 'boolean', default: false },
  offline: { type: 'boolean', default: false },
  endpoint: { type: 'string' },
  chain: { type: 'string' },
  governor: { type: 'string', multiple: true },
  threshold: { type: 'string' },
  invitation: { type: 'string' },
  keystore: { type: 'string' },
  validator: { type: 'string', multiple: true },
  help: { type: 'boolean', default: false },
} as const;

export interface AdminOptions {
  /** The program's folder, with `resources` in it. */
  readonly programDir: string;
  /** As for the core: what a test lowers. */
  readonly passphraseCost?: CoreOptions['passphraseCost'];
}

async function run({ programDir, passphraseCost }: AdminOptions): Promise<number> {
  const { values, positionals } = parse();
  const [name, ...rest] = positionals;
  if (values.help || name === undefined) {
    process.stdout.write(usage);
    return values.help ? exitCodes.ok : exitCodes.usage;
  }
  if (name === 'deploy') {
    const { endpoint, chain, governor: governors = [], threshold, invitation } = values;
    return show(await deploy({ endpoint, chain, governors, threshold, invitation }, deployContracts, inviteFirst), values.json);
  }
  if (name === 'admit') {
    const { invitation, keystore, out } = values;
    const passphrase = secretOf(values['passphrase-file']);
    return show(await admit({ file: rest[0], invitation, keystore, passphrase, out }, admitPorts()), values.json);
  }
  if (name === 'genesis') {
    const { chain, validator: validators = [], out } = values;
    return show(genesis({ chain, validators, out, template: join(programDir, 'deploy', 'genesis.json') }, qbftGenesis), values.json);
  }
  if (!Object.hasOwn(commands, name)) throw new AppError('INVALID_INPUT', `There is no command “${name}”.\n${usage}`, { usage: true });
  if (values.data === undefined) throw new AppError('INVALID_INPUT', '--data <folder> is missing.', { usage: true });
  const resourcesDir = join(programDir, 'resources');
  const core = await createCore(
    {
      ...{ dataDir: values.data, resourcesDir, mdns: false, listen: ['/ip4/127.0.0.1/tcp/0'], version: versionIn(programDir) },
      ...(passphraseCost ? { passphraseCost } : {}),
    },
    { recoveryCode: secretOf(values['recovery-code-file']) },
  );
  try {
    if (!values.json) showProgress(core.onEvent);
    const command: Command = commands[name as CommandName];
    const result = await command(core.workstation, {
      keepKeyPlain: core.keepKeyPlain,
      arguments: rest,
      demo: values.demo,
      verifiable: values.verifiable,
      offline: values.offline,
      as: values.as,
      out: values.out,
      dataDir: values.data,
      passphrase: secretOf(values['passphrase-file']),
    });
    return show(result, values.json);
  } finally {
    await core.stop();
  }
}

/** Writes what a command found; answers the exit code. */
function show({ raw, output, exitCode }: CommandResult, json: boolean): number {
  process.stdout.write(raw ?? (json ? `${JSON.stringify(output)}\n` : textOf(output)));
  return exitCode ?? exitCodes.ok;
}

/** Secrets come in files: arguments can be seen by every process of the machine. */
function secretOf(file: string | undefined): string | undefined {
  return file === undefined ? undefined : readFileSync(file, 'utf8').replace(/\r?\n$/, '');
}

function parse() {
  try {
    return parseArgs({ options, allowPositionals: true });
  } catch (error) {
    throw new AppError(
      'INVALID_INPUT',
      `${error instanceof Error ? error.message : 'Unknown option'}\n${usage}`,
      { usage: true },
      { cause: error },
    );
  }
}

function versionIn(programDir: string): string {
  return (JSON.parse(readFileSync(join(programDir, 'package.json'), 'utf8')) as { version: string }).version;
}

function showProgress(onEvent: Awaited<ReturnType<typeof createCore>>['onEvent']): void {
  onEvent((event) => {
    if (event.event === 'progress') process.stderr.write(`${event.payload.label} (${event.payload.done}/${event.payload.total})\n`);
  });
}

/** Runs the command that this process's arguments name. Resolves also where it failed: the exit code says so. */
export async function runAdmin(options: AdminOptions): Promise<void> {
  try {
    process.exitCode = await run(options);
  } catch (error) {
    const wire =
      error instanceof Error && 'code' in error && error.code === 'ENOENT'
        ? { code: 'NOT_FOUND' as const, message: error.message, details: {} }
        : toWireError(error);
    if (process.argv.includes('--json')) process.stdout.write(`${JSON.stringify({ error: wire })}\n`);
    else process.stderr.write(`${wire.message}\n`);
    process.exitCode = exitCodeOf(error);
  }
}
