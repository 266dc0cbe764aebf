/**
 * The clinic's hub: a core without a screen and without people. It comes in by an invitation like any other computer of the clinic, holds all of the
 * clinic's operations and blocks, hands them to the others, and sends to the ledger what their makers cannot. docs/admin.md describes it.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { AppError, toWireError } from '../../src-shared/errors.ts';
import { exitCodeOf, exitCodes } from './admin/exit-codes.ts';
import { createCore, startPinningServer, type Core } from './core.ts';

const usage = `hub --data <folder> [options]

  --invitation-file <file>  brings this computer into a clinic; needed once
  --name <text>             what it is called among the clinic's computers ("Hub")
  --listen <address>        where others reach it, for example /ip4/0.0.0.0/tcp/4001; may be given several times
  --pinning <host:port>     pins for other clinics of the network (IPFS Pinning Service API)
  --pinning-tokens <file>   who may: a line each with a name and a token of 20 characters or more
  --pinning-cert <file>, --pinning-key <file>
                            certificate and key (PEM): without, only this computer is served
  --pin-at <address>        has all that this hub keeps pinned there, at another clinic's hub; without, nowhere
  --pin-at-token <file>     the token that it gave
  --pin-at-name <text>      what it is called in lists ("Pinning service")
  --no-mdns                 does not look for others on the local network
`;

const options = {
  data: { type: 'string' },
  'invitation-file': { type: 'string' },
  name: { type: 'string', default: 'Hub' },
  listen: { type: 'string', multiple: true },
  pinning: { type: 'string' },
  'pinning-tokens': { type: 'string' },
  'pinning-cert': { type: 'string' },
  'pinning-key': { type: 'string' },
  'pin-at': { type: 'string' },
  'pin-at-token': { type: 'string' },
  'pin-at-name': { type: 'string', default: 'Pinning service' },
  'no-mdns': { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

/** dist/core/hub.mjs and src-main/core/hub.ts lie equally deep below the program's folder. */
const programDir = join(import.meta.dirname, '..', '..');
/** Durable state never depends on a clean stop, so one that hangs is cut short. */
const stopLimitMs = 8_000;
const sayEveryMs = 60_000;
const askAgainMs = 15_000;

type Values = ReturnType<typeof parse>;

function parse() {
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    const text = error instanceof Error ? error.message : 'Unknown option';
    throw new AppError('INVALID_INPUT', `${text}\n${usage}`, { usage: true }, { cause: error });
  }
}

/** One line of JSON, for a log. Counts and states only. */
function say(line: Readonly<Record<string, unknown>>): void {
  process.stdout.write(`${JSON.stringify({ at: new Date().toISOString(), ...line })}\n`);
}

async function bringIn({ workstation }: Core, values: Values): Promise<void> {
  if (workstation.setup.phase() !== 'unconfigured') return;
  const file = values['invitation-file'];
  if (file === undefined) {
    throw new AppError(
      'NOT_SET_UP',
      'This hub belongs to no clinic yet. Make an invitation on the screen Network, under “Computers of this clinic”, and give its file with --invitation-file.',
    );
  }
  const { clinicName } = await workstation.setup.joinClinic({ invitation: readFileSync(file, 'utf8'), computerName: values.name });
  say({ event: 'joined', clinic: clinicName });
}

function status({ workstation }: Core): Readonly<Record<string, unknown>> {
  const { phase, sync } = workstation.snapshots.read();
  const awaiting = workstation.store.workstation.awaitingBlocks(1000, 0).length;
  const { waiting = 0, queued = 0, pinning = 0, pinned = 0, failed = 0, error = null } = workstation.availability.pinning.view() ?? {};
  return {
    ...{ phase, ledger: sync.state, waiting: sync.waiting, followed: sync.followed, peers: sync.peers, awaiting },
    ...(workstation.availability.pinning.view() ? { pinnedElsewhere: { waiting: waiting + queued + pinning, pinned, failed, error } } : {}),
  };
}

/** Names by tokens. Throws INVALID_INPUT. */
function clientsIn(text: string): Map<string, string> {
  const clients = new Map<string, string>();
  for (const line of text.split('\n').map((one) => one.trim())) {
    if (line === '' || line.startsWith('#')) continue;
    const [name = '', token = '', ...rest] = line.split(/\s+/);
    if (token === '' || rest.length > 0 || clients.has(token))
      throw new AppError('INVALID_INPUT', 'The file of tokens has a line each with a name and a token of its own.', { usage: true });
    clients.set(token, name);
  }
  return clients;
}

async function startPinning({ workstation }: Core, values: Values) {
  const { pinning, 'pinning-tokens': tokens, 'pinning-cert': cert, 'pinning-key': key } = values;
  if (pinning === undefined) return null;
  const [, host = '', port = ''] = /^\[?([^\]]+?)\]?:(\d{1,5})$/.exec(pinning) ?? [];
  if (tokens === undefined || host === '' || (cert === undefined) !== (key === undefined)) {
    throw new AppError('INVALID_INPUT', `--pinning needs <host:port>, and --pinning-tokens.\n${usage}`, { usage: true });
  }
  return startPinningServer({
    ...{ keeper: workstation.availability.pinKeeping, clients: clientsIn(readFileSync(tokens, 'utf8')), host, port: Number(port) },
    ...(cert === undefined || key === undefined ? {} : { tls: { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') } }),
    report: () => say({ event: 'fault', in: 'pinning' }),
  });
}

/**
 * Uses the service that the options name, and no other. One that is away is asked again, so that a hub starts whoever else does not. Throws INVALID_INPUT, and
 * WRONG_CREDENTIALS where it does not take the token.
 */
async function pinAt(core: Core, values: Values): Promise<void> {
  const { 'pin-at': endpoint, 'pin-at-token': file, 'pin-at-name': name } = values;
  const { pinning } = core.workstation.availability;
  if ((endpoint === undefined) !== (file === undefined))
    throw new AppError('INVALID_INPUT', `--pin-at needs --pin-at-token, and the other way round.\n${usage}`, { usage: true });
  if (endpoint === undefined || file === undefined) return pinning.view() ? pinning.stopUsing() : undefined;
  const service = { name, endpoint, token: readFileSync(file, 'utf8').trim() };
  // Chosen anew, all would be given to it again.
  if (pinning.isUsing(service)) return;
  try {
    await pinning.use(service);
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'PEER_UNREACHABLE') throw error;
    say({ event: 'fault', in: 'pin-at', text: error.message });
    const again = () =>
      pinAt(core, values).catch((cause: unknown) => say({ event: 'fault', in: 'pin-at', text: toWireError(cause).message }));
    setTimeout(() => void again(), askAgainMs).unref();
  }
}

/** Says once that the clinic's directory has been read: from then on it takes what others bring. */
function announceReady(core: Core): void {
  let said = false;
  const look = () => {
    if (said || core.workstation.setup.phase() !== 'ready') return;
    said = true;
    say({ event: 'ready' });
  };
  core.onEvent(look);
  look();
}

async function run(): Promise<void> {
  const values = parse();
  if (values.help) return void process.stdout.write(usage);
  if (values.data === undefined) throw new AppError('INVALID_INPUT', `--data <folder> is missing.\n${usage}`, { usage: true });
  const { version } = JSON.parse(readFileSync(join(programDir, 'package.json'), 'utf8')) as { version: string };
  const core = await createCore({
    dataDir: values.data,
    resourcesDir: join(programDir, 'resources'),
    mdns: !values['no-mdns'],
    kind: 'hub',
    version,
    ...(values.listen ? { listen: values.listen } : {}),
  });
  let server: Awaited<ReturnType<typeof startPinning>> = null;
  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    setTimeout(() => process.exit(1), stopLimitMs).unref();
    Promise.all([server?.stop(), core.stop()]).then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  try {
    await bringIn(core, values);
    server = await startPinning(core, values);
    await pinAt(core, values);
  } catch (error) {
    await core.stop();
    throw error;
  }
  announceReady(core);
  say({
    event: 'started',
    addresses: await core.workstation.connections.addresses(),
    ...(server ? { pinning: server.port } : {}),
    ...status(core),
  });
  // Keeps the process alive, and says now and again how it stands.
  setInterval(() => say({ event: 'status', ...status(core) }), sayEveryMs);
}

run().catch((error: unknown) => {
  const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
  process.stderr.write(`${isMissing ? error.message : toWireError(error).message}\n`);
  process.exitCode = exitCodeOf(error) || exitCodes.usage;
});
