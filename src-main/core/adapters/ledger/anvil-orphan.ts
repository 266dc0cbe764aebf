/**
 * An Anvil whose core was killed goes on running and holds its port and state file. The next start finds it by a file with its process id,
 * makes sure that it is the one that was started here, and ends it gracefully, so that it writes its state.
 */
import { execFile } from 'node:child_process';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { z } from 'zod';
import { openJsonRpc } from './json-rpc.ts';

const stopTimeoutMs = 30_000;
const noted = z.object({ pid: z.int().positive(), port: z.int().min(1).max(65535), chainId: z.int().positive() });
type Noted = z.infer<typeof noted>;

const fileIn = (dir: string) => join(dir, 'anvil.pid.json');

export async function noteProcess(dir: string, process: Noted): Promise<void> {
  const file = fileIn(dir);
  // Whole or not at all: a core that is killed while it writes would leave an Anvil that the next one does not find.
  await writeFile(`${file}.new`, JSON.stringify(process));
  await rename(`${file}.new`, file);
}

export async function forgetProcess(dir: string): Promise<void> {
  await rm(fileIn(dir), { force: true });
}

/** Ends the Anvil that an earlier core left behind on this folder, if there is one. */
export async function stopOrphan(dir: string, stateFile: string): Promise<void> {
  const orphan = await readNote(dir);
  if (orphan !== null && isAlive(orphan.pid) && (await isOurs(orphan, stateFile))) {
    signal(orphan.pid, 'SIGTERM');
    const until = Date.now() + stopTimeoutMs;
    while (isAlive(orphan.pid) && Date.now() < until) await delay(20);
    if (isAlive(orphan.pid)) signal(orphan.pid, 'SIGKILL');
  }
  await forgetProcess(dir);
}

async function readNote(dir: string): Promise<Noted | null> {
  let text: string;
  try {
    text = await readFile(fileIn(dir), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  try {
    return noted.parse(JSON.parse(text));
  } catch {
    // Damaged: an Anvil that still holds the port is then met as a taken port, and another one is used.
    return null;
  }
}

function isAlive(pid: number): boolean {
  return signal(pid, 0);
}

/** False where the process has ended, or belongs to someone else. */
function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}

/** Process ids are used again: only a process that was started with our state file is ours. */
async function isOurs(orphan: Noted, stateFile: string): Promise<boolean> {
  if (process.platform === 'win32') return answersAsOurs(orphan);
  const { stdout } = await promisify(execFile)('ps', ['-ww', '-o', 'command=', '-p', String(orphan.pid)]).catch(() => ({ stdout: '' }));
  if (stdout !== '') return stdout.includes('anvil') && stdout.includes(stateFile);
  // A small system without `ps`.
  const commandLine = await readFile(`/proc/${orphan.pid}/cmdline`, 'utf8').catch(() => '');
  return commandLine.includes('anvil') && commandLine.includes(stateFile);
}

async function answersAsOurs({ port, chainId }: Noted): Promise<boolean> {
  const endpoint = openJsonRpc(`http://127.0.0.1:${port}`);
  try {
    const version = await endpoint.send('web3_clientVersion', []);
    return Number(await endpoint.send('eth_chainId', [])) === chainId && String(version).startsWith('anvil/');
  } catch {
    // Nothing there answers like a ledger: not ours.
    return false;
  } finally {
    endpoint.close();
  }
}
