/** The browser shell as such: who gets in, what it serves, and what happens when its core dies. */
import { writeFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeBrowser, newContext } from '../harness/browser.ts';
import { launchBrowserShell, startShell, type ShellProcess } from '../harness/browser-shell.ts';
import { temporaryFolder } from '../harness/data-folder.ts';
import { isRunning, until } from '../harness/processes.ts';
import { send, signIn } from './raw-http.ts';

const snapshotCall = JSON.stringify({ id: 7, call: 'workstation.snapshot', input: {} });

describe('who gets in', () => {
  let shell: ShellProcess;
  let cookie: string;
  beforeAll(async () => {
    shell = await startShell({ dataDir: temporaryFolder() });
  });
  afterAll(() => shell.stop());

  const rpc = (headers: Record<string, string>, body = snapshotCall) =>
    send(shell.origin, '/rpc', { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body });

  it('listens on loopback only', () => {
    expect(new URL(shell.url).hostname).toBe('127.0.0.1');
  });

  it('refuses everyone before the token is used', async () => {
    expect((await send(shell.origin, '/')).status).toBe(401);
    expect((await send(shell.origin, '/?token=guessed')).status).toBe(401);
    expect((await rpc({ origin: shell.origin })).status).toBe(401);
    expect((await send(shell.origin, '/events')).status).toBe(401);
  });

  it('exchanges the token once for a cookie that scripts and other sites cannot use', async () => {
    const { pathname, search } = new URL(shell.url);
    const first = await send(shell.origin, pathname + search);
    expect(first.status).toBe(303);
    expect(first.headers['location']).toBe('/');
    const setCookie = first.headers['set-cookie']?.[0] ?? '';
    expect(setCookie).toMatch(/; HttpOnly; SameSite=Strict; Path=\/$/);
    cookie = setCookie.split(';')[0] ?? '';
    expect((await send(shell.origin, pathname + search)).status).toBe(401);
  });

  it('answers with the cookie, and again: a reload works', async () => {
    for (const time of ['first', 'second']) {
      const page = await send(shell.origin, '/', { headers: { cookie } });
      expect(page.status, time).toBe(200);
      expect(page.body).toContain('<title>Anamnesis</title>');
    }
  });

  it('forgives a dead token in the address of a page that has the cookie', async () => {
    const { pathname, search } = new URL(shell.url);
    expect((await send(shell.origin, pathname + search, { headers: { cookie } })).status).toBe(303);
  });

  it('refuses another Host (DNS rebinding), cookie or not', async () => {
    for (const host of ['evil.example', 'localhost:1', new URL(shell.origin).host.replace('127.0.0.1', 'localhost')]) {
      expect((await send(shell.origin, '/', { headers: { cookie, host } })).status, host).toBe(403);
    }
  });

  it('refuses a call of another Origin, or of none', async () => {
    expect((await rpc({ cookie, origin: 'https://evil.example' })).status).toBe(403);
    expect((await rpc({ cookie, origin: 'null' })).status).toBe(403);
    expect((await rpc({ cookie })).status).toBe(403);
    expect((await send(shell.origin, '/events', { headers: { cookie, 'sec-fetch-site': 'cross-site' } })).status).toBe(403);
  });

  it('answers a call of its own page', async () => {
    const answer = await rpc({ cookie, origin: shell.origin });
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body)).toMatchObject({ id: 7, ok: true, output: { phase: 'unconfigured' } });
  });

  it('refuses what is no call, no JSON, or more than 4 MB, and goes on', async () => {
    const own = { cookie, origin: shell.origin };
    expect((await rpc(own, '{"id":1')).status).toBe(400);
    expect((await rpc(own, '{"id":1,"call":"__proto__","input":{}}')).status).toBe(400);
    expect((await rpc({ ...own, 'content-type': 'text/plain' })).status).toBe(415);
    const large = await rpc({ ...own, 'content-length': String(5 * 1024 * 1024) }, 'x').catch((error: Error) => error);
    expect(large instanceof Error || large.status === 413).toBe(true);
    expect((await rpc(own)).status).toBe(200);
  });

  it('names an unknown call and wrong input as errors with a code', async () => {
    const own = { cookie, origin: shell.origin };
    for (const message of [
      { id: 1, call: 'no.suchCall', input: {} },
      { id: 2, call: 'patients.search', input: { text: 5 } },
    ]) {
      const answer = JSON.parse((await rpc(own, JSON.stringify(message))).body) as { ok: boolean; error: { code: string } };
      expect(answer.ok).toBe(false);
      expect(answer.error.code).toBe('INVALID_INPUT');
    }
  });

  it('serves nothing outside the built screens', async () => {
    for (const path of [
      '/../package.json',
      '/..%2fpackage.json',
      '/%2e%2e/%2e%2e/etc/passwd',
      '/assets/../../core/core.mjs',
      '/..\\core\\core.mjs',
      '/%00',
      '/%',
      '//etc/passwd',
    ]) {
      const answer = await send(shell.origin, path, { headers: { cookie } });
      expect(answer.status, path).toBe(404);
    }
  });

  it('sends the policy with every answer, refusals included', async () => {
    for (const headers of [{ cookie }, { accept: '*/*' }] as Record<string, string>[]) {
      const answer = await send(shell.origin, '/', { headers });
      const policy = String(answer.headers['content-security-policy']);
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("script-src 'self';");
      expect(policy).not.toMatch(/unsafe-eval|script-src[^;]*unsafe-inline|\*/);
      expect(answer.headers['x-content-type-options']).toBe('nosniff');
      expect(answer.headers['referrer-policy']).toBe('no-referrer');
      expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    }
  });

  it('tells events to its own page, starting with the state as it is', async () => {
    const controller = new AbortController();
    const response = await fetch(`${shell.origin}/events`, { headers: { cookie }, signal: controller.signal });
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    let text = '';
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk as Uint8Array);
      if (text.includes('"event":"snapshot"')) break;
    }
    controller.abort();
    expect(text).toContain('"phase":"unconfigured"');
  });

  it('writes neither token nor cookie anywhere but in its one line', () => {
    const [, token] = shell.url.split('token=');
    expect(shell.output().split(token ?? '?')).toHaveLength(2);
    expect(shell.output()).not.toContain(cookie.split('=')[1]);
  });
});

describe('the core behind it', () => {
  it('is started again after SIGKILL, and the page learns the state anew', async () => {
    const shell = await startShell({ dataDir: temporaryFolder() });
    try {
      const cookie = await signIn(shell.url);
      const call = () =>
        send(shell.origin, '/rpc', {
          method: 'POST',
          headers: { cookie, origin: shell.origin, 'content-type': 'application/json' },
          body: snapshotCall,
        });
      expect((await call()).body).toContain('"ok":true');
      const before = await shell.corePid();
      await shell.killCore();
      const after = await until('another core', async () => (await shell.corePid()) !== before && shell.corePid());
      expect(after).not.toBe(before);
      // A call that meets the dying process is answered too: with CORE_RESTARTED, then with the state.
      await until('the new core to answer', async () => (await call()).body.includes('"ok":true'));
    } finally {
      await shell.stop();
    }
  });

  it('ends with the shell, even when the shell is killed', async () => {
    const shell = await startShell({ dataDir: temporaryFolder() });
    const core = await shell.corePid();
    process.kill(shell.pid, 'SIGKILL');
    await until('the core to end', () => !isRunning(core));
    await shell.stop();
  });

  it('says why it cannot start, on every call, instead of dying again and again', async () => {
    const dataDir = temporaryFolder();
    // Not a database: the store has to refuse it.
    mkdirSync(dataDir, { recursive: true });
    writeFileSync(join(dataDir, 'workstation.db'), Buffer.alloc(8192, 7));
    const shell = await startShell({ dataDir });
    try {
      const cookie = await signIn(shell.url);
      const answer = await send(shell.origin, '/rpc', {
        method: 'POST',
        headers: { cookie, origin: shell.origin, 'content-type': 'application/json' },
        body: snapshotCall,
      });
      expect(JSON.parse(answer.body)).toMatchObject({ id: 7, ok: false, error: { code: 'STORE_DAMAGED' } });
    } finally {
      await shell.stop();
    }
  });
});

describe('in Chromium', () => {
  afterAll(closeBrowser);

  it('shows the first screen without a violation of its policy, survives a reload and a killed core', async () => {
    const workstation = await launchBrowserShell({ dataDir: temporaryFolder() });
    const { page } = workstation;
    const complaints: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    try {
      expect(new URL(page.url()).search).toBe('');
      await page.reload();
      await page.getByRole('heading').first().waitFor();
      expect(complaints).toEqual([]);
      await workstation.killCore();
      await workstation.corePid();
      await page.getByRole('heading').first().waitFor();
      const phase = await page.evaluate(async () => {
        const response = await fetch('/rpc', {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ id: 1, call: 'workstation.snapshot', input: {} }),
        });
        return ((await response.json()) as { output?: { phase: string } }).output?.phase;
      });
      expect(phase).toBe('unconfigured');
    } finally {
      await workstation.stop();
    }
  });

  it('keeps a page of another origin out, though the browser holds the cookie', async () => {
    const workstation = await launchBrowserShell({ dataDir: temporaryFolder() });
    const other = await startShell({ dataDir: temporaryFolder() });
    try {
      // Same browser, same host, another port: another origin that gets along with the cookie jar of 127.0.0.1.
      const page = await workstation.page.context().newPage();
      await page.goto(other.url);
      const reached = await page.evaluate(async (origin) => {
        try {
          await fetch(`${origin}/rpc`, {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: '{}',
            credentials: 'include',
          });
          return true;
        } catch {
          return false;
        }
      }, workstation.origin);
      expect(reached).toBe(false);
    } finally {
      await workstation.stop();
      await other.stop();
    }
  });

  it('gives a stranger with another browser profile nothing', async () => {
    const workstation = await launchBrowserShell({ dataDir: temporaryFolder() });
    try {
      const stranger = await (await newContext()).newPage();
      const response = await stranger.goto(workstation.url);
      expect(response?.status()).toBe(401);
      await stranger.context().close();
    } finally {
      await workstation.stop();
    }
  });
});
