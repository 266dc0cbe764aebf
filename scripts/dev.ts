/**
 * `npm run dev`: the workstation with its sources watched. A change in the screens reloads the page; one in the core or
 * the shell starts the workstation again. Options as for `npm start`.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { watch } from 'node:fs';
import { join } from 'node:path';
import { build, buildChanged } from './build.ts';
import { projectEnv, root } from './lib/project.ts';

const args = process.argv.slice(2);
/** Editors write a file in several steps. */
const settleMs = 150;
let running: ChildProcess | null = null;
let pending: ReturnType<typeof setTimeout> | undefined;
let working: Promise<void> = Promise.resolve();
let first = true;

const say = (text: string): void => void process.stderr.write(`dev: ${text}\n`);

function start(): void {
  const child = spawn('node', [join(root, 'scripts', 'start.ts'), ...args, ...(first || args.includes('--no-open') ? [] : ['--no-open'])], {
    stdio: 'inherit',
    env: projectEnv({ ANAMNESIS_DEV: '1' }),
  });
  first = false;
  running = child;
  child.on('close', (code) => {
    // Closed by the person, not by us: then that was it.
    if (running === child) process.exit(code ?? 0);
  });
}

async function restart(): Promise<void> {
  const child = running;
  running = null;
  if (child && child.exitCode === null) {
    const closed = new Promise((resolve) => child.once('close', resolve));
    child.kill('SIGTERM');
    await closed;
  }
  start();
}

async function rebuild(): Promise<void> {
  try {
    const built = await buildChanged();
    // The page reloads by itself when the screens are new (reload-on-change.ts).
    if (built.some((name) => name !== 'renderer')) await restart();
  } catch (error) {
    say(`${error instanceof Error ? error.message : String(error)}\ndev: the workstation goes on as it was; waiting for the next change`);
  }
}

for (const folder of ['src-main', 'src-shared', 'src-renderer', 'resources', 'contracts/src']) {
  watch(join(root, folder), { recursive: true }, (_event, file) => {
    if (file?.includes('generated') || file?.includes('node_modules')) return;
    clearTimeout(pending);
    pending = setTimeout(() => {
      say(`${folder}/${file ?? ''} changed`);
      working = working.then(rebuild);
    }, settleMs);
  });
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    const child = running;
    running = null;
    child?.on('close', () => process.exit(0));
    if (child) child.kill(signal);
    else process.exit(0);
  });
}

await build();
start();
