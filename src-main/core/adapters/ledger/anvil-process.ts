/** One run of Anvil: start it, wait until it answers as ours, stop it so that it writes its state. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { AppError } from '../../../../src-shared/errors.ts';
import { anvilBinary } from './anvil-binary.ts';
import { openJsonRpc, type JsonRpcEndpoint } from './json-rpc.ts';
import { block, hash } from './rpc-values.ts';

/** A state of 100,000 blocks loads in about 15 s. */
const startTimeoutMs = 120_000;
const stopTimeoutMs = 60_000;
const quietTimeoutMs = 5_000;
const keptStderr = 4096;

export interface AnvilProcess {
  readonly port: number;
  readonly url: string;
  /** Seconds between two dumps of its state. */
  readonly stateInterval: number;
  /** Resolves when the process has ended, for whatever reason. */
  readonly ended: Promise<void>;
  /** Ends it; it writes its state first. */
  stop(): Promise<void>;
}

/** How a start went wrong: the process ended before it answered, or its state is none to go on with. */
export class AnvilStartError extends Error {
  readonly stateRefused: boolean;
  constructor(message: string, stateRefused: boolean) {
    super(message);
    this.stateRefused = stateRefused;
  }
}

function endedEarly(stderr: string): AnvilStartError {
  const stateRefused = /--state|failed to (?:parse|load|deserialize)|invalid value/i.test(stderr);
  return new AnvilStartError(`Anvil ended before it answered: ${stderr.slice(-500)}`, stateRefused);
}

function startTimedOut(): AppError {
  const text = 'The ledger on this computer did not start in time. What was saved is safe. It is tried again.';
  return new AppError('LEDGER_UNREACHABLE', text, { reason: 'timeout' });
}

/** The port if it is free on loopback, else another free one. */
export async function freePort(wanted: number): Promise<number> {
  return (await tryBind(wanted)) ?? (await tryBind(0)) ?? Promise.reject(noPort());
}

function noPort(): AppError {
  return new AppError(
    'LEDGER_UNREACHABLE',
    'This computer has no free port for the ledger. What was saved is safe. Restart the computer.',
    { reason: 'no-port' },
  );
}

function tryBind(port: number): Promise<number | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(null));
    server.listen(port, '127.0.0.1', () => {
      const bound = (server.address() as AddressInfo).port;
      server.close(() => resolve(bound));
    });
  });
}

export interface AnvilOptions {
  readonly stateFile: string;
  /** Seconds. */
  readonly stateInterval: number;
  readonly chainId: number;
  readonly port: number;
  /** Told as soon as there is a process, before it answers. */
  readonly onSpawn: (pid: number) => Promise<void>;
}

function argumentsOf(options: AnvilOptions): string[] {
  return [
    ...['--host', '127.0.0.1', '--port', String(options.port), '--chain-id', String(options.chainId)],
    ...['--state', options.stateFile, '--state-interval', String(options.stateInterval)],
    // Relayers of a single-site ledger have no money and need none.
    ...['--base-fee', '0', '--gas-price', '0', '--no-priority-fee', '--gas-limit', '100000000'],
    ...['--order', 'fifo', '--hardfork', 'prague'],
    // No accounts with well-known keys; no web page may read from it; old states are not needed (logs, blocks and receipts are kept).
    ...['--accounts', '0', '--no-cors', '--prune-history'],
    ...['--threads', '1', '--quiet'],
  ];
}

/**
 * Starts Anvil on loopback and resolves when it answers with the chain id. Throws {@link AnvilStartError} when it ends before or its state does not fit
 * together, LEDGER_UNREACHABLE when it does not answer in time, NOT_FOUND without a binary.
 */
export async function startAnvil(options: AnvilOptions): Promise<AnvilProcess> {
  const child = spawn(anvilBinary(), argumentsOf(options), { stdio: ['ignore', 'ignore', 'pipe'], windowsHide: true });
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => (stderr = (stderr + chunk.toString()).slice(-keptStderr)));
  const ended = endOf(child);
  let running = true;
  void ended.then(() => (running = false));

  const url = `http://127.0.0.1:${options.port}`;
  const endpoint = openJsonRpc(url);
  try {
    if (child.pid !== undefined) await options.onSpawn(child.pid);
    const until = Date.now() + startTimeoutMs;
    for (;;) {
      const answer = await endpoint.send('eth_chainId', []).catch(() => null);
      // The child must be alive: otherwise what answers is another program that took the port.
      if (!running) throw endedEarly(stderr);
      if (answer !== null && Number(answer) === options.chainId) break;
      if (answer !== null || Date.now() > until) throw startTimedOut();
      await Promise.race([delay(15), ended]);
    }
    if (await isAheadOfItsBlocks(endpoint)) throw new AnvilStartError('The state has the effect of a block that it has not.', true);
  } catch (error) {
    child.kill('SIGKILL');
    await ended;
    throw error;
  } finally {
    endpoint.close();
  }
  return {
    port: options.port,
    url,
    stateInterval: options.stateInterval,
    ended,
    async stop() {
      // Once it has ended, whatever answers at its port is another program.
      if (running) await Promise.race([stopMining(url), ended, delay(quietTimeoutMs, undefined, { ref: false })]);
      child.kill('SIGTERM');
      const stopped = await Promise.race([ended.then(() => true), delay(stopTimeoutMs, false, { ref: false })]);
      if (!stopped) child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Where each block notes the hash of the one before it, in slot number % 8191 (EIP-2935). */
const blockHashes = { contract: '0x0000F90827F1C53a10cb7A02335B175320002935', slots: 8191 } as const;

/**
 * Anvil writes its blocks first and then the accounts, and makes blocks meanwhile. Killed before it wrote again, it has the effect of one that came in between, and
 * its events are nowhere: nobody would ever learn what it had anchored. Such a block has noted the hash of the last one that is there.
 */
async function isAheadOfItsBlocks(endpoint: JsonRpcEndpoint): Promise<boolean> {
  const latest = async () => block.parse(await endpoint.send('eth_getBlockByNumber', ['latest', false]));
  for (let head = await latest(); ;) {
    const slot = `0x${(head.number % blockHashes.slots).toString(16)}`;
    const noted = hash.parse(await endpoint.send('eth_getStorageAt', [blockHashes.contract, slot, 'latest']));
    const now = await latest();
    // Somebody sends already: a block made meanwhile has noted it, and rightly.
    if (now.hash === head.hash) return noted === head.hash;
    head = now;
  }
}

/** Before it ends and writes its state: the same, avoided. */
async function stopMining(url: string): Promise<void> {
  const endpoint = openJsonRpc(url);
  try {
    await endpoint.send('evm_setAutomine', [false]);
    // Comes after the block that is being made. What is sent from now on is not in any block, and is sent again by whoever sent it.
    await endpoint.send('evm_mine', []);
  } catch {
    // It does not answer: then it makes no blocks either.
  } finally {
    endpoint.close();
  }
}

async function endOf(child: ChildProcess): Promise<void> {
  // 'error' without 'exit': the binary could not be started at all (no execute permission, wrong architecture).
  await Promise.race([once(child, 'exit'), once(child, 'error')]).catch(() => undefined);
}
