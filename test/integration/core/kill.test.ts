import { fork, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { categories } from '../../../src-shared/categories.ts';
import { AppError } from '../../../src-shared/errors.ts';
import type { CallInput, CallName, CallOutput, ReplyMessage } from '../../../src-shared/ipc-schema.ts';
import { granteeOfAccount } from '../../../src-main/core/services/bytes.ts';

const passphrase = 'correct horse battery';
const pin = '246810';
const kills = 6;

/** A core in a process of its own, which can be killed. */
class CoreProcess {
  readonly #dir: string;
  readonly #waiting = new Map<number, { resolve: (reply: ReplyMessage) => void; reject: (error: Error) => void }>();
  #child: ChildProcess | null = null;
  #id = 0;

  constructor(dir: string) {
    this.#dir = dir;
  }

  start(): void {
    const options = {
      dataDir: this.#dir,
      resourcesDir: join(process.cwd(), 'resources'),
      mdns: false,
      listen: ['/ip4/127.0.0.1/tcp/0'],
      version: 'test',
    };
    const child = fork('src-main/core/entry.ts', [JSON.stringify(options)], { serialization: 'advanced', execArgv: [] });
    child.on('message', (message: ReplyMessage | { event: string } | { control: string }) => {
      if (!('id' in message)) return;
      this.#waiting.get(message.id)?.resolve(message);
      this.#waiting.delete(message.id);
    });
    child.on('exit', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('killed'));
      this.#waiting.clear();
    });
    this.#child = child;
  }

  async ask<N extends CallName>(call: N, input: CallInput<N>): Promise<CallOutput<N>> {
    const id = this.#id++;
    const reply = await new Promise<ReplyMessage>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#child?.send({ id, call, input });
    });
    if (reply.ok) return reply.output as never;
    throw new AppError(reply.error.code, reply.error.message, reply.error.details);
  }

  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await gone;
  }
}

describe('a core that is killed while it saves', () => {
  const dir = mkdtempSync(join(tmpdir(), 'anamnesis-kill-'));
  const core = new CoreProcess(dir);
  afterAll(async () => {
    await core.end('SIGTERM');
    rmSync(dir, { recursive: true, force: true });
  });

  it('has everything that it said was saved, and every bit of it verifies', async () => {
    core.start();
    const { phrase } = await core.ask('setup.createPhrase', {});
    await core.ask('setup.createClinic', { clinicName: 'Clinic', personName: 'Dr Rao', passphrase, phrase });
    const account = (await core.ask('workstation.snapshot', {})).session?.account ?? '';
    await core.ask('staff.changeRoles', { account, roles: ['admin', 'registrar', 'practitioner'] });
    const { card, patient } = await core.ask('patients.register', {
      demographics: {
        family: 'Rao',
        given: 'Asha',
        prefix: '',
        birthDate: '1980',
        birthDateEstimated: true,
        gender: 'female',
        phone: '',
        address: '',
        identifiers: [],
      },
      pin,
    });
    await core.ask('desk.open', { card, pin });
    await core.ask('desk.grant', {
      grantee: granteeOfAccount(account),
      categories: [...categories],
      write: true,
      purpose: 'treatment',
      until: 0,
    });

    const saved = new Set<string>();
    for (let round = 0; round < kills; round++) {
      const writing = write(patient.patient, saved);
      const target = saved.size + 3 + round * 2;
      while (saved.size < target) await new Promise((resolve) => setImmediate(resolve));
      await core.end('SIGKILL');
      await writing;
      core.start();
      await core.ask('session.logIn', { account, passphrase });
      const { entries } = await core.ask('chart.entries', { patient: patient.patient, resourceTypes: ['Encounter'], limit: 500 });
      const here = new Set(entries.map((entry) => entry.recordId));
      expect([...saved].filter((recordId) => !here.has(recordId))).toEqual([]);
    }
    await settled();
    const report = await core.ask('chart.verify', { patient: patient.patient });
    expect(report).toMatchObject({ failures: [], waiting: 0 });
    expect(report.verified).toBeGreaterThanOrEqual(saved.size);
  }, 120_000);

  /** Writes encounters until the process is gone; notes only those that were answered. */
  async function write(patient: string, saved: Set<string>): Promise<void> {
    for (;;) {
      try {
        const input = { patient, class: 'AMB' as const, start: '2026-11-23T10:00:00Z', reason: 'Visit', diagnoses: [], note: 'Seen.' };
        const { records } = await core.ask('chart.saveEncounter', input);
        for (const record of records) if (record.resourceType === 'Encounter') saved.add(record.recordId);
      } catch (error) {
        if (error instanceof AppError && (error.code === 'CONSENT_MISSING' || error.code === 'KEY_MISSING')) continue;
        return;
      }
    }
  }

  async function settled(): Promise<void> {
    const end = Date.now() + 60_000;
    for (;;) {
      const { sync } = await core.ask('workstation.snapshot', {});
      if (sync.waiting === 0 && sync.state === 'online') return;
      if (Date.now() > end) throw new Error(`Not anchored: ${JSON.stringify(sync)}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
});
