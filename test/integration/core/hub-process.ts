/** A clinic's hub (the built one, test/built-core.ts) in a process of its own, which can be killed at any moment and started again on the same data folder. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export class HubProcess {
  readonly dir = mkdtempSync(join(tmpdir(), 'anamnesis-hub-'));
  readonly lines: Record<string, unknown>[] = [];
  #child: ChildProcess | null = null;

  /** What its clock is ahead, from the next start on. */
  clockAheadMs = 0;

  /** Resolves when it says that it has started and knows the clinic. */
  async start(...more: string[]): Promise<Record<string, unknown>> {
    const args = ['dist/core/hub.mjs', '--data', this.dir, '--no-mdns', '--listen', '/ip4/127.0.0.1/tcp/0', ...more];
    const clock = `const now = Date.now; Date.now = () => now() + ${this.clockAheadMs};`;
    const child = spawn(process.execPath, ['--import', `data:text/javascript,${encodeURIComponent(clock)}`, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#child = child;
    this.lines.length = 0;
    const lines = createInterface({ input: child.stdout });
    for await (const line of lines) {
      const parsed = JSON.parse(line) as Record<string, unknown>;
      this.lines.push(parsed);
      const started = this.lines.find((said) => said['event'] === 'started');
      if (started && this.lines.some((said) => said['event'] === 'ready')) {
        child.stdout.resume();
        return started;
      }
    }
    throw new Error(`The hub ended: ${JSON.stringify(this.lines)}`);
  }

  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const gone = once(child, 'exit') as Promise<[number | null]>;
    child.kill(signal);
    return (await gone)[0];
  }
}
