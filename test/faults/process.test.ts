/**
 * Two clinics and a hub in processes of their own, a ledger behind proxies that lie, wires between them that fail, and SIGKILL for each of them: at every
 * state of the outbox, then at random.
 * FAULTS_SECONDS and FAULTS_SEED choose how long and which (`npm run soak -- --minutes M --seed S`).
 */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { appliedOnLedger } from '../integration/ledger/site.ts';
import { keepCounts } from './counts.ts';
import { wireFaults } from './process/faulty-wire.ts';
import type { LyingProxy } from './process/lying-proxy.ts';
import { Site, until, type Clinic } from './process/site.ts';
import { seeded } from './random.ts';

const secondsTold = process.env['FAULTS_SECONDS'];
const seconds = Number(secondsTold ?? 30);
/** A slow wire makes rounds long: it has a test of its own (failing-wire.test.ts), and is among these in long runs. */
const faultsOfWires = wireFaults.filter((fault) => secondsTold !== undefined || fault !== 'slow');
const seed = Number(process.env['FAULTS_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const random = seeded(seed);
const counts = {
  rounds: 0,
  killsOfA: 0,
  killsOfB: 0,
  killsOfHub: 0,
  killsOfLedger: 0,
  acknowledged: 0,
  lost: 0,
  anchoredTwice: 0,
  relayed: 0,
  verified: 0,
};
/** A chart's page: more encounters of one patient could not be looked at in one call. */
const mostPerPatient = 300;

let site: Site;
beforeAll(async () => {
  site = await Site.start(random);
}, 240_000);
afterAll(async () => {
  const wires = Object.fromEntries(wireFaults.map((fault) => [fault, site.wires.reduce((sum, { met }) => sum + (met.get(fault) ?? 0), 0)]));
  keepCounts('processes', { seed, seconds, ...counts, lies: Object.fromEntries(site.proxy.told), wires });
  await site.close();
}, 60_000);

async function killed(clinic: Clinic): Promise<void> {
  await clinic.core.end('SIGKILL');
  counts[clinic === site.a ? 'killsOfA' : 'killsOfB'] += 1;
}

async function killedHub(): Promise<void> {
  await site.hub.end('SIGKILL');
  counts.killsOfHub += 1;
}

/** What was said to be saved is there, right after the kill and whatever the ledger does. */
async function nothingLost(clinic: Clinic): Promise<void> {
  const missing = await clinic.missing(site.patient);
  counts.lost += missing.length;
  expect(missing).toEqual([]);
}

/** Waits until these operations are on the ledger; gives how often each of it was applied. */
async function onLedger(opIds: readonly string[]): Promise<Map<string, number>> {
  const { endpoint, chainId, operations } = await site.a.core.ask('network.view', {});
  return until(
    'everything is on the ledger',
    () => appliedOnLedger(endpoint, { chainId, operations }),
    (applied) => opIds.every((opId) => applied.has(opId)),
  );
}

/** All faults end: everything is anchored once, both have all of it, and every bit verifies. */
async function healed(): Promise<void> {
  const { a, b, proxy, hubProxy, patient } = site;
  for (const one of [proxy, hubProxy]) Object.assign(one, { share: 0, away: false, onPass: null });
  for (const wire of site.wires) wire.fault = null;
  await a.settled();
  await b.settled();
  const made = [...a.saved, ...b.saved];
  const applied = await onLedger(made.flatMap(({ operations }) => operations));
  const twice = [...applied.values()].filter((times) => times !== 1).length;
  counts.anchoredTwice += twice;
  expect(twice).toBe(0);
  for (const clinic of [a, b]) {
    const report = await until(
      'all of it verifies',
      () => clinic.core.ask('chart.verify', { patient }),
      // What a slow or dead wire has not brought yet is still to come.
      ({ verified, waiting, failures }) =>
        failures.some(({ check }) => check !== 'unavailable') || (failures.length === 0 && waiting === 0 && verified >= made.length),
    );
    expect(report.failures).toEqual([]);
    counts.verified += report.verified;
    await nothingLost(clinic);
  }
  counts.acknowledged += made.length;
}

/** Calls of the outbox and the follower, in the order in which an operation meets them: waiting, stored and not sent, sent and not answered, mined, read. */
const states = [
  ['eth_getTransactionCount', 'before'],
  ['eth_sendRawTransaction', 'before'],
  ['eth_sendRawTransaction', 'after'],
  ['eth_getTransactionReceipt', 'before'],
  ['eth_getTransactionReceipt', 'after'],
  ['eth_getLogs', 'before'],
  ['eth_getLogs', 'after'],
] as const;

/** Of them, what only a sender does. */
const relaying = [
  ['eth_sendRawTransaction', 'before'],
  ['eth_sendRawTransaction', 'after'],
] as const;

describe('a workstation that is killed', () => {
  it.each(states)(
    'at %s, %s the ledger has it, has lost nothing and sends everything once',
    async (method, moment) => {
      const { b, proxy, patient } = site;
      let hit = false;
      const before = b.saved.length;
      proxy.onPass = async (passing, when) => {
        // Not for anything that was under way already: only once something new is saved.
        if (hit || passing !== method || when !== moment || b.saved.length === before) return undefined;
        hit = true;
        await killed(b);
        return 'gone';
      };
      await b.write(patient, () => hit);
      await b.revive();
      await nothingLost(b);
      await healed();
      expect(hit).toBe(true);
    },
    240_000,
  );
});

describe('a hub', () => {
  it.each(relaying)(
    'that is killed itself at %s, %s the ledger has it, sends once what was handed to it by a workstation that is dead since',
    async (method, moment) => {
      const { b, hub, proxy, hubProxy, patient } = site;
      proxy.away = true;
      hubProxy.away = true;
      const before = b.saved.length;
      await b.write(patient, () => b.saved.length >= before + 2);
      await until(
        'the hub holds it',
        () => b.core.ask('sync.outbox', { show: 'waiting', limit: 100 }),
        ({ entries }) => entries.length > 0 && entries.every(({ state }) => state === 'published'),
      );
      await killed(b);
      let hit = false;
      hubProxy.onPass = async (passing, when) => {
        if (passing !== method || when !== moment) return undefined;
        hubProxy.onPass = null;
        await killedHub();
        hit = true;
        return 'gone';
      };
      hubProxy.away = false;
      await until('the hub is killed', async () => hit, Boolean);
      await hub.start();
      const handedOn = b.saved.slice(before).flatMap(({ operations }) => operations);
      const applied = await onLedger(handedOn);
      expect(handedOn.map((opId) => applied.get(opId))).toEqual(handedOn.map(() => 1));
      counts.relayed += handedOn.length;
      proxy.away = false;
      await b.revive();
      await healed();
    },
    240_000,
  );
});

describe('two clinics', () => {
  it(
    `lose nothing and anchor everything once, whoever is killed and whatever the ledger answers (${seconds} s, FAULTS_SEED=${seed})`,
    async () => {
      const end = Date.now() + seconds * 1000;
      do {
        if (site.a.saved.length + site.b.saved.length > mostPerPatient) await site.nextPatient();
        for (let i = 0; i < 3; i++) await round();
        await healed();
      } while (Date.now() < end);
    },
    seconds * 1000 + 600_000,
  );
});

const victims = ['a', 'b', 'both', 'hub', 'hub and b', 'ledger', 'ledger and a', 'nobody'] as const;

async function round(): Promise<void> {
  const { a, b, hub, proxy, hubProxy, patient, wires } = site;
  const share = (one: LyingProxy) => (one.share = random.pick([0, 0.1, 0.3, 0.6]));
  [proxy, hubProxy].forEach(share);
  for (const wire of wires) wire.fault = random.pick([null, null, ...faultsOfWires]);
  const before = { a: a.saved.length, b: b.saved.length };
  const target = 1 + random.below(5);
  let over = false;
  const enough = () => over;
  const writing = [a.write(patient, enough), b.write(patient, enough)];
  const victim: string = random.pick(victims);
  const reached = () => a.saved.length >= before.a + target && b.saved.length >= before.b + target;
  while (!reached()) await delay(2);
  await delay(random.below(40));
  const killing = [];
  if (victim.includes('ledger')) {
    await site.killLedger();
    counts.killsOfLedger += 1;
  }
  if (victim === 'a' || victim === 'both' || victim === 'ledger and a') killing.push(a);
  if (victim === 'b' || victim === 'both' || victim === 'hub and b') killing.push(b);
  await Promise.all([...killing.map(killed), ...(victim.startsWith('hub') ? [killedHub()] : [])]);
  over = true;
  await Promise.all(writing);
  for (const clinic of killing) await clinic.revive();
  if (victim.startsWith('hub')) await hub.start();
  for (const clinic of killing) await nothingLost(clinic);
  counts.rounds += 1;
}
