/** A clinic has its records pinned by another clinic's hub, over the Pinning Service API and real nodes. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startPinningServer, type PinningServer } from '../../../src-main/core/adapters/pinning/pinning-server.ts';
import { createPinKeeping, usualPinLimits } from '../../../src-main/core/services/availability/pin-keeping.ts';
import { joinClinic } from '../core/two-clinics.ts';
import { demographicsOf, foundClinic, logIn, pin, startWorkstation, type TestWorkstation } from '../core/workstation.ts';

const token = 'token-of-clinic-a-0123456789';

describe('pinning with another clinic', () => {
  let a: TestWorkstation;
  let b: TestWorkstation;
  let server: PinningServer;
  let people: Awaited<ReturnType<typeof foundClinic>>;
  const endpoint = () => `http://127.0.0.1:${server.port}`;
  const serve = async (port = 0) => {
    server = await startPinningServer({
      keeper: b.core.workstation.availability.pinKeeping,
      ...{
        clients: new Map([
          [token, 'clinic-a'],
          ['token-of-clinic-c-0123456789', 'clinic-c'],
        ]),
        host: '127.0.0.1',
        port,
      },
      report(error) {
        throw error;
      },
    });
  };
  const api = async (path: string, init: RequestInit = {}, by = token) => {
    const response = await fetch(`${endpoint()}${path}`, { ...init, headers: { Authorization: `Bearer ${by}` } });
    const text = await response.text();
    return { status: response.status, body: (text === '' ? null : JSON.parse(text)) as never };
  };
  const register = async (family: string) => {
    await logIn(a, people.registrar);
    const { patient } = await a.ask('patients.register', { demographics: demographicsOf(family), pin });
    const [commit] = a.core.workstation.store.workstation.operations({ kinds: ['Commit'], patient: patient.patient });
    return commit?.operation.opId ?? '';
  };
  const pinned = (opId: string) =>
    a.until(
      'pinned',
      () => Promise.resolve(a.core.workstation.availability.records.known([opId])),
      ({ copies }) => copies.some(({ kind }) => kind === 'pinning'),
    );

  beforeAll(async () => {
    a = await startWorkstation();
    b = await startWorkstation();
    people = await foundClinic(a, 'Clinic A');
    await joinClinic(a, b);
    await serve();
  }, 180_000);
  afterAll(async () => {
    await server?.stop();
    await b?.stop();
    await a?.stop();
  });

  it('takes no wrong token, and changes nothing then', async () => {
    await logIn(a, people.admin);
    const service = { name: 'Clinic B', endpoint: endpoint(), token: 'token-of-nobody-0123456789' };
    await expect(a.ask('availability.setPinning', { service })).rejects.toMatchObject({ code: 'WRONG_CREDENTIALS' });
    expect((await a.ask('availability.view', {})).pinning).toBeNull();
  });

  it('has everything pinned that is anchored; the record says so, and the other clinic has the blocks', async () => {
    const opId = await register('First');
    await logIn(a, people.admin);
    await a.ask('availability.setPinning', { service: { name: 'Clinic B', endpoint: endpoint(), token } });
    expect((await pinned(opId)).copies).toMatchObject([{ name: 'Clinic B', kind: 'pinning' }]);
    const { pinning, counts } = await a.until(
      'all of it',
      () => a.ask('availability.view', {}),
      ({ pinning }) => pinning !== null && pinning.pinned > 3 && pinning.waiting + pinning.queued + pinning.pinning === 0,
    );
    expect(pinning).toMatchObject({ name: 'Clinic B', failed: 0, error: null });
    expect(JSON.stringify(pinning)).not.toContain(token);
    expect(counts.onlyHere).toBe(0);
    const blocks = a.core.workstation.care.blocksOf(opId);
    expect(blocks.length).toBeGreaterThan(1);
    expect(blocks.every((cid) => b.core.workstation.ipfs.has(cid))).toBe(true);
  });

  it('goes on after a restart while the service was away, and gives nothing twice', async () => {
    const { port } = server;
    await server.stop();
    const opId = await register('Second');
    await a.until(
      'anchored',
      () => a.snapshot(),
      (s) => s.sync.waiting === 0,
    );
    await a.restart();
    await serve(port);
    a.core.workstation.availability.pinning.start();
    await pinned(opId);
    const { pins } = b.core.workstation.availability.pinKeeping.list(
      'clinic-a',
      { states: ['queued', 'pinning', 'pinned', 'failed'] },
      1000,
    );
    expect(new Set(pins.map(({ cid }) => cid)).size).toBe(pins.length);
  });

  it('speaks the API: filters, pages, one pin, replacing and taking back', async () => {
    const keeper = b.core.workstation.availability.pinKeeping;
    const opId = await register('Third');
    const cid = a.core.workstation.crypto.cidOfDigest(opId);
    const post = (path: string, body: unknown) => api(path, { method: 'POST', body: JSON.stringify(body) }, 'token-of-clinic-c-0123456789');
    const get = (path: string) => api(path, {}, 'token-of-clinic-c-0123456789');
    const added = await post('/pins', { cid, name: 'Mine', meta: { app: 'x' } });
    expect(added).toMatchObject({ status: 202, body: { status: 'queued', pin: { cid, name: 'Mine', meta: { app: 'x' } } } });
    const { requestid } = added.body as { requestid: string };
    await b.until(
      'pinned',
      () => get(`/pins/${requestid}`),
      ({ body }) => (body as { status: string }).status === 'pinned',
    );
    const count = async (query: string) => ((await get(`/pins?${query}`)).body as { count: number }).count;
    expect(await count('')).toBe(1);
    expect(await count('status=queued,failed')).toBe(0);
    expect(await count(`cid=${cid}`)).toBe(1);
    expect(await count('name=mine')).toBe(0);
    expect(await count('name=mine&match=iexact')).toBe(1);
    expect(await count('name=%25&match=ipartial')).toBe(0);
    expect(await count(`meta=${encodeURIComponent('{"app":"x"}')}`)).toBe(1);
    expect(await count(`meta=${encodeURIComponent('{"app":"y"}')}`)).toBe(0);
    expect(await count('before=2020-01-01T00:00:00Z')).toBe(0);
    expect((await get('/pins?limit=0')).status).toBe(400);
    expect((await get('/pins?cid=../../etc')).status).toBe(400);
    expect((await api(`/pins/${requestid}`)).status).toBe(404);
    expect((await api('/pins', {}, 'nobody')).status).toBe(401);
    expect((await post('/pins', { cid: 'x' })).status).toBe(400);
    expect((await post('/pins', { cid, name: 'x'.repeat(100_000) })).status).toBe(400);
    await pinned(opId);
    for (const { requestId } of keeper.list('clinic-a', { states: ['pinned'], cids: [cid] }, 10).pins) keeper.remove('clinic-a', requestId);
    // What is here is here for this client alone: none of it goes while its pin is replaced.
    const bytes = b.core.workstation.store.keptPins.usage('clinic-c').bytes;
    expect(bytes).toBeGreaterThan(0);
    const replaced = (await post(`/pins/${requestid}`, { cid })).body as { requestid: string };
    expect(b.core.workstation.ipfs.has(cid)).toBe(true);
    expect(b.core.workstation.store.keptPins.usage('clinic-c')).toEqual({ pins: 1, bytes });
    expect((await get(`/pins/${requestid}`)).status).toBe(404);
    expect((await api(`/pins/${replaced.requestid}`, { method: 'DELETE' }, 'token-of-clinic-c-0123456789')).status).toBe(202);
    expect((await get(`/pins/${replaced.requestid}`)).status).toBe(404);
    expect(b.core.workstation.ipfs.has(cid)).toBe(false);
  });

  it('keeps what it has of a pin while the rest is on its way, also when another client takes the same blocks back', async () => {
    const { workstation } = a.core;
    const { ipfs, care, crypto } = workstation;
    const opId = await register('Fourth');
    const cid = crypto.cidOfDigest(opId);
    const blocks = await a.until(
      'looked at',
      () => Promise.resolve(care.blocksOf(opId)),
      (list) => list.length > 1,
    );
    const all = await Promise.all(blocks.map(async (block) => ({ cid: block, bytes: await ipfs.get(block) })));
    const kept = workstation.store.keptPins;
    let arrive = () => {};
    let isAsked = () => {};
    const asked = new Promise<void>((resolve) => (isAsked = resolve));
    const arrived = new Promise<void>((resolve) => (arrive = resolve));
    /** What the commit names comes late. */
    const slowly: Pick<typeof ipfs, 'get'> = {
      async get(block, options) {
        if (block === cid) return ipfs.get(block, options);
        isAsked();
        await arrived;
        return ipfs.get(block, options);
      },
    };
    const report = (error: unknown) => {
      throw error;
    };
    const areMoved = { now: false };
    const keeper = createPinKeeping({
      ...{ kept, care, crypto, limits: usualPinLimits, clock: Date.now, report },
      ipfs: { ...ipfs, ...slowly },
      lists: { areMoved: () => Promise.resolve(areMoved.now) },
    });
    const { requestId } = keeper.add('y', { cid, name: '', origins: [], meta: {} });
    await asked;
    // Whoever else needed them needs them no more.
    care.forget(opId);
    care.drop([cid]);
    arrive();
    await a.until(
      'pinned',
      () => Promise.resolve(keeper.pin('y', requestId)?.status),
      (status) => status === 'pinned',
    );
    expect(care.isWhole(requestId)).toBe(true);
    expect(blocks.filter((block) => !ipfs.has(block))).toEqual([]);
    // Of contents that were encrypted anew meanwhile, another pin needs the commit only.
    areMoved.now = true;
    const other = keeper.add('z', { cid, name: '', origins: [], meta: {} });
    await a.until(
      'pinned',
      () => Promise.resolve(keeper.pin('z', other.requestId)?.status),
      (status) => status === 'pinned',
    );
    keeper.remove('y', requestId);
    expect(ipfs.has(cid)).toBe(true);
    expect(blocks.filter((block) => ipfs.has(block))).toHaveLength(1);
    keeper.remove('z', other.requestId);
    expect(blocks.filter((block) => ipfs.has(block))).toEqual([]);
    await keeper.stop();
    ipfs.put(all);
    care.name([{ owner: opId, cids: blocks }]);
  });

  it('is told that it has nothing any more when it is not used any more', async () => {
    await logIn(a, people.admin);
    await a.ask('availability.setPinning', { service: null });
    const view = await a.ask('availability.view', {});
    expect(view.pinning).toBeNull();
    expect(view.counts.onlyHere).toBe(view.counts.records);
  });

  it('serves other computers over https only', async () => {
    const keeper = b.core.workstation.availability.pinKeeping;
    const options = { keeper, clients: new Map([[token, 'a']]), host: '0.0.0.0', port: 0, report: () => undefined };
    await expect(startPinningServer(options)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });
});
