/** The supervisor over a real child process: relaying, dying, giving up, stopping. */
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { forkCore } from '../../../src-main/core-child.ts';
import { superviseCore, type CoreProcess } from '../../../src-main/core-process.ts';
import type { EventMessage, ReplyMessage } from '../../../src-shared/ipc-schema.ts';

const fixture = join(import.meta.dirname, 'fixture-core.mjs');
const running: CoreProcess[] = [];

function start(version = 'plain'): CoreProcess {
  const core = superviseCore(forkCore(fixture, process.execPath), { dataDir: '', resourcesDir: '', mdns: false, version });
  running.push(core);
  return core;
}

function output(reply: ReplyMessage): { call: string; input: unknown; pid: number } {
  if (!reply.ok) throw new Error(reply.error.code);
  return reply.output as { call: string; input: unknown; pid: number };
}

const codeOf = (reply: ReplyMessage): string => (reply.ok ? 'ok' : reply.error.code);

afterEach(async () => {
  await Promise.all(running.splice(0).map((core) => core.stop()));
});

describe('a running core', () => {
  it('answers each caller under the id it used, though two use the same', async () => {
    const core = start();
    const replies = await Promise.all(['a.one', 'b.two'].map((call) => core.call({ id: 1, call, input: { of: call } })));
    expect(replies.map((reply) => reply.id)).toEqual([1, 1]);
    expect(replies.map((reply) => output(reply).call)).toEqual(['a.one', 'b.two']);
  });

  it('keeps bytes as they are', async () => {
    const core = start();
    const bytes = new Uint8Array([0, 255, 7]);
    expect(output(await core.call({ id: 1, call: 'a.bytes', input: { bytes } })).input).toEqual({ bytes });
  });

  it('tells events to every listener, until it stops listening', async () => {
    const core = start();
    const seen: EventMessage[] = [];
    const stop = core.onEvent((message) => seen.push(message));
    await core.call({ id: 1, call: 'test.event', input: { job: 'x' } });
    stop();
    await core.call({ id: 2, call: 'test.event', input: { job: 'y' } });
    expect(seen).toEqual([{ event: 'progress', payload: { job: 'x' } }]);
  });

  it('refuses more than it can keep, and takes calls again afterwards', async () => {
    const core = start();
    const many = Array.from({ length: 256 }, (_, id) => core.call({ id, call: 'test.never', input: {} }));
    expect(codeOf(await core.call({ id: 999, call: 'a.call', input: {} }))).toBe('TRY_LATER');
    await core.stop();
    expect(new Set((await Promise.all(many)).map(codeOf))).toEqual(new Set(['CANCELLED']));
  });
});

describe('a core that dies', () => {
  it('fails what was under way with CORE_RESTARTED, and the next call meets a new process', async () => {
    const core = start();
    const first = output(await core.call({ id: 1, call: 'a.call', input: {} })).pid;
    const [never, killer] = await Promise.all([
      core.call({ id: 2, call: 'test.never', input: {} }),
      core.call({ id: 3, call: 'test.die', input: {} }),
    ]);
    expect([codeOf(never), codeOf(killer)]).toEqual(['CORE_RESTARTED', 'CORE_RESTARTED']);
    const second = output(await core.call({ id: 4, call: 'a.call', input: {} })).pid;
    expect(second).not.toBe(first);
  });

  it('has the state told anew once it is back', async () => {
    const core = start();
    await core.ready;
    const seen: string[] = [];
    core.onEvent((message) => seen.push(message.event));
    await core.call({ id: 1, call: 'test.die', input: {} });
    await vi.waitFor(() => expect(seen).toEqual(['snapshot', 'patientsChanged', 'outboxChanged']), 10_000);
  });

  it('is given up after dying again and again at the start, and every call says so', async () => {
    const core = start('dies-at-start');
    const failure = await new Promise<{ code: string }>((resolve) => core.onFailure(resolve));
    expect(failure.code).toBe('INTERNAL');
    expect(codeOf(await core.call({ id: 1, call: 'a.call', input: {} }))).toBe('INTERNAL');
  });
});

describe('a core that cannot start', () => {
  it('is not started again, and every call gets its reason', async () => {
    const core = start('cannot-start');
    const failure = await new Promise<{ code: string }>((resolve) => core.onFailure(resolve));
    expect(failure.code).toBe('STORE_NEWER');
    expect(codeOf(await core.call({ id: 1, call: 'a.call', input: {} }))).toBe('STORE_NEWER');
    await vi.waitFor(() => expect(core.pid).toBeUndefined(), 10_000);
  });

  it('is tried again when a person asks', async () => {
    const core = start('cannot-start');
    const failures: string[] = [];
    core.onFailure((error) => failures.push(error.code));
    await vi.waitFor(() => expect(failures).toHaveLength(1), 10_000);
    core.restart();
    await vi.waitFor(() => expect(failures).toHaveLength(2), 10_000);
  });

  it('is told as well where its program is missing', async () => {
    const core = superviseCore(forkCore(join(import.meta.dirname, 'no-such-file.mjs'), process.execPath), {
      dataDir: '',
      resourcesDir: '',
      mdns: false,
      version: '',
    });
    running.push(core);
    expect((await new Promise<{ code: string }>((resolve) => core.onFailure(resolve))).code).toBe('INTERNAL');
  });
});

describe('stopping', () => {
  it('ends the process and answers what comes later', async () => {
    const core = start();
    const { pid } = output(await core.call({ id: 1, call: 'a.call', input: {} }));
    await core.stop();
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    expect(codeOf(await core.call({ id: 2, call: 'a.call', input: {} }))).toBe('CANCELLED');
  });
});
