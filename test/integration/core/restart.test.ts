import { afterAll, beforeAll, expect, it } from 'vitest';
import { joinClinic } from './two-clinics.ts';
import { foundClinic, startWorkstation, type TestWorkstation } from './workstation.ts';

let a: TestWorkstation;
let b: TestWorkstation;
beforeAll(async () => {
  a = await startWorkstation();
  b = await startWorkstation();
});
afterAll(async () => {
  await b.stop();
  await a.stop();
});

it('keeps its addresses over a restart, so that those it invited find it again', async () => {
  await foundClinic(a, 'Clinic A');
  await a.until(
    'an address',
    () => a.ask('network.view', {}),
    (view) => view.addresses.length > 0,
  );
  await joinClinic(a, b);
  await b.until(
    'connected',
    () => b.snapshot(),
    (s) => s.sync.peers === 1 && s.sync.state === 'online',
  );
  const { endpoint } = a.core.workstation.network.require();
  await a.restart();
  await b.restart();
  await b.until(
    'connected again',
    () => b.snapshot(),
    (s) => s.sync.peers === 1 && s.sync.state === 'online',
  );
  expect(a.core.workstation.network.require().endpoint).toBe(endpoint);
});
