/**
 * A clinic's records pinned by another clinic's hub, all in processes of their own: the client is killed between giving a pin and noting it, the hub is killed,
 * and a hub has what it holds pinned by the other one.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CoreProcess } from '../core/core-process.ts';
import { HubProcess } from '../core/hub-process.ts';
import { demographicsOf, passphrase, pin, startWorkstation, type TestWorkstation } from '../core/workstation.ts';

const tokens = { desk: 'token-of-the-desk-0123456789', hub: 'token-of-the-hub-0123456789' };

describe('pinning at a hub', () => {
  const dir = mkdtempSync(join(tmpdir(), 'anamnesis-pinning-'));
  const a = new CoreProcess(join(dir, 'a'), { memoryKiB: 8192, passes: 1 });
  const hubA = new HubProcess();
  const hubB = new HubProcess();
  let b: TestWorkstation;
  let account = '';
  let hubPort = 0;
  /** After so many pins that the hub took, the client is killed before it hears of it. */
  let killAfter = 0;
  let given = 0;
  let onKill = () => undefined as void;
  const inTheWay = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      fetch(`http://127.0.0.1:${hubPort}${request.url ?? ''}`, {
        method: request.method ?? 'GET',
        headers: { Authorization: request.headers.authorization ?? '', 'Content-Type': 'application/json' },
        ...(body.length > 0 ? { body } : {}),
      }).then(
        async (answer) => {
          const text = await answer.text();
          if (request.method === 'POST' && answer.status === 202) given += 1;
          if (killAfter > 0 && request.method === 'POST' && --killAfter === 0) {
            await a.end('SIGKILL');
            onKill();
          }
          response.writeHead(answer.status, { 'Content-Type': 'application/json' }).end(text);
        },
        () => response.destroy(),
      );
    });
  });
  const endpoint = () => `http://127.0.0.1:${(inTheWay.address() as AddressInfo).port}`;
  const tokenFile = join(dir, 'tokens');
  const serveB = (...more: string[]) => hubB.start('--pinning', '127.0.0.1:0', '--pinning-tokens', tokenFile, ...more);
  const pinsOf = async (token: string) => {
    const url = `http://127.0.0.1:${hubPort}/pins?limit=1000&status=queued,pinning,pinned,failed`;
    const { results } = (await (await fetch(url, { headers: { Authorization: `Bearer ${token}` } })).json()) as {
      results: { status: string; pin: { cid: string } }[];
    };
    return results.map(({ status, pin: { cid } }) => ({ status, cid }));
  };
  const until = async <T>(what: string, probe: () => Promise<T>, holds: (value: T) => boolean): Promise<T> => b.until(what, probe, holds);
  const allPinned = () =>
    until(
      'all pinned',
      () => a.ask('availability.view', {}),
      ({ pinning }) => pinning !== null && pinning.pinned > 0 && pinning.waiting + pinning.queued + pinning.pinning + pinning.failed === 0,
    );
  const register = (family: string) =>
    a.ask('patients.register', {
      demographics: demographicsOf(family),
      pin,
    });
  const anchored = () =>
    until(
      'anchored',
      () => a.ask('workstation.snapshot', {}),
      ({ sync }) => sync.waiting === 0 && sync.state === 'online',
    );

  beforeAll(async () => {
    await new Promise<void>((resolve) => void inTheWay.listen(0, '127.0.0.1', resolve));
    a.start();
    const { phrase } = await a.ask('setup.createPhrase', {});
    await a.ask('setup.createClinic', { clinicName: 'Clinic A', personName: 'Admin A', passphrase, phrase });
    account = (await a.ask('workstation.snapshot', {})).session?.account ?? '';
    await a.ask('staff.changeRoles', { account, roles: ['admin', 'registrar'] });
    b = await startWorkstation();
    const { invitation } = await a.ask('network.invitation', {});
    const { requestCode } = await b.ask('setup.join', {
      ...{ invitation, clinicName: 'Clinic B', personName: 'Admin B', passphrase },
      phrase: (await b.ask('setup.createPhrase', {})).phrase,
    });
    await a.ask('network.admit', { requestCode });
    await until(
      'admitted',
      () => b.snapshot(),
      ({ phase }) => phase === 'ready',
    );
    writeFileSync(tokenFile, `# who may\ndesk ${tokens.desk}\nhub-of-a ${tokens.hub}\n`, { mode: 0o600 });
    const file = join(dir, 'invitation-b');
    const [admin] = (await b.snapshot()).people;
    await b.ask('session.logIn', { account: admin?.account ?? '', passphrase });
    writeFileSync(file, (await b.ask('computers.invitation', {})).invitation);
    hubPort = Number((await serveB('--invitation-file', file, '--name', 'Hub of B'))['pinning']);
    for (const family of ['First', 'Second', 'Third']) await register(family);
    await anchored();
  }, 240_000);
  afterAll(async () => {
    await hubA.end('SIGTERM');
    await hubB.end('SIGTERM');
    await b?.stop();
    await a.end('SIGTERM');
    inTheWay.close();
    inTheWay.closeAllConnections();
    for (const folder of [dir, hubA.dir, hubB.dir]) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  it('goes on where a client was killed that had given a pin and not noted it, and doubles none', { timeout: 240_000 }, async () => {
    for (const [i, after] of [1, 3, 2].entries()) {
      const killed = new Promise<void>((resolve) => (onKill = resolve));
      killAfter = after;
      if (i === 0) await a.ask('availability.setPinning', { service: { name: 'Hub of B', endpoint: endpoint(), token: tokens.desk } });
      await killed;
      a.start();
      await a.ask('session.logIn', { account, passphrase });
    }
    await allPinned();
    const pins = await pinsOf(tokens.desk);
    expect(pins.every(({ status }) => status === 'pinned')).toBe(true);
    expect(new Set(pins.map(({ cid }) => cid)).size).toBe(pins.length);
    // Each was given once, though three times nobody heard the answer.
    expect(given).toBe(pins.length);
  });

  it('still has all of it after the hub was killed, and takes more', { timeout: 200_000 }, async () => {
    const before = await pinsOf(tokens.desk);
    const { pinning: earlier } = await a.ask('availability.view', {});
    await hubB.end('SIGKILL');
    await register('Fourth');
    await anchored();
    hubPort = Number((await serveB())['pinning']);
    expect(await pinsOf(tokens.desk)).toEqual(before);
    const { pinning } = await until(
      'the new ones too',
      () => a.ask('availability.view', {}),
      (view) =>
        (view.pinning?.pinned ?? 0) > (earlier?.pinned ?? 0) &&
        view.pinning?.waiting === 0 &&
        view.pinning.queued + view.pinning.pinning === 0,
    );
    expect(pinning?.error).toBeNull();
    const pins = await pinsOf(tokens.desk);
    expect(pins.length).toBeGreaterThan(before.length);
    expect(new Set(pins.map(({ cid }) => cid)).size).toBe(pins.length);
  });

  it(
    'is used by a hub too, by its options: what it holds is pinned, nothing twice after a restart, and a wrong token ends it',
    { timeout: 240_000 },
    async () => {
      const file = join(dir, 'invitation-a');
      writeFileSync(file, (await a.ask('computers.invitation', {})).invitation);
      const token = join(dir, 'token');
      writeFileSync(token, `${tokens.hub}\n`, { mode: 0o600 });
      const use = ['--pin-at', endpoint(), '--pin-at-token', token, '--pin-at-name', 'Clinic B'];
      const started = await hubA.start('--invitation-file', file, '--name', 'Hub of A', ...use);
      expect(started['pinnedElsewhere']).toMatchObject({ error: null });
      const count = (await pinsOf(tokens.desk)).length;
      await until(
        'all of it',
        () => pinsOf(tokens.hub),
        (pins) => pins.length >= count && pins.every(({ status }) => status === 'pinned'),
      );
      await hubA.end('SIGKILL');
      const before = given;
      const again = await hubA.start(...use);
      expect(again['pinnedElsewhere']).toMatchObject({ failed: 0, error: null });
      const pins = await pinsOf(tokens.hub);
      expect(new Set(pins.map(({ cid }) => cid)).size).toBe(pins.length);
      expect(given).toBe(before);
      await hubA.end('SIGTERM');
      writeFileSync(token, 'token-of-nobody-0123456789');
      await expect(hubA.start(...use)).rejects.toThrow('The hub ended');
    },
  );
});
