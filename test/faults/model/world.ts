/** Four workstations of clinics that share one real ledger, and four doctors who work at all of them. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import { anvilBinary } from '../../../src-main/core/adapters/ledger/anvil-binary.ts';
import { freePort } from '../../../src-main/core/adapters/ledger/anvil-process.ts';
import { deployContracts } from '../../../src-main/core/adapters/ledger/deploy.ts';
import { createLedger } from '../../../src-main/core/adapters/ledger/ledger.ts';
import type { EmbeddedLedgerPort, LedgerEvent, PersonKeys } from '../../../src-main/core/ports.ts';
import type { PatientSummary } from '../../../src-shared/view-types.ts';
import { eventually, rpc } from '../../integration/ledger/site.ts';
import { Place } from './place.ts';

const nobody = '12D3KooWNobodyHeardFromHereAnywhereEverAgain11111111';
const passphrase = 'correct horse battery';
const demographics = { family: 'Rao', given: 'Asha', prefix: '', birthDate: '', birthDateEstimated: false, gender: 'unknown' as const };
/** Without any progress: however busy this computer is. */
const settleLimitMs = 120_000;
const settlePollMs = 30;
/** Looks at what did not change until time is made to pass: what waits for others to be faster, or for an answer, need not be waited for. */
const patience = 10;
const timePassesMs = 1000;
const yearMs = 365 * 24 * 3600_000;
/** What the workstations' clocks are off by: the second is a year ahead, the third a year behind. */
const skews = [0, yearMs, -yearMs, 0];

export interface Doctor {
  readonly account: string;
  readonly secret: Uint8Array;
}

export interface Patient {
  readonly summary: PatientSummary;
  readonly desk: { keys: PersonKeys; patient: string };
}

export class World {
  readonly places: Place[] = [];
  readonly doctors: Doctor[] = [];
  #admin: Uint8Array = new Uint8Array();
  #anvil: ChildProcess | null = null;
  #url = '';
  #ahead = 0;

  static async start(count: number): Promise<World> {
    const world = new World();
    for (let i = 0; i < count; i++) {
      const place = new Place(
        world.#ledger(),
        () => world.#url,
        () => world.places,
        () => Date.now() + world.#ahead + (skews[i] ?? 0),
      );
      world.places.push(place);
    }
    const [first = expect.fail(), ...others] = world.places;
    const phrase = first.keys.createPhrase();
    await first.w.setup.createClinic({ clinicName: 'Clinic', personName: 'Admin', passphrase, phrase });
    world.#admin = first.keys.fromPhrase(phrase).secret();
    const invitation = first.w.network.invitationCode([], nobody);
    for (const place of others) {
      const joining = { invitation, clinicName: 'Another clinic', personName: 'Admin', passphrase, phrase: first.keys.createPhrase() };
      const { requestCode } = await place.w.setup.join(joining);
      first.w.setup.admit(requestCode);
    }
    for (let i = 0; i < 4; i++) {
      const unlocked = first.keys.fromPhrase(first.keys.createPhrase());
      const secret = unlocked.secret();
      const { account, enrolmentCode } = await first.w.people.createKey('Doctor', passphrase, unlocked);
      await first.w.people.approve(enrolmentCode, ['practitioner']);
      world.doctors.push({ account, secret });
    }
    await first.w.people.changeRoles(first.w.sessions.require().account, ['admin', 'registrar']);
    await world.settle(world.places);
    return world;
  }

  async stop(): Promise<void> {
    for (const place of this.places) await place.close();
    if (!this.#anvil) return;
    this.#anvil.kill('SIGKILL');
    await once(this.#anvil, 'exit');
  }

  /** A ledger that goes on when the workstation that began it is killed, and whose blocks can be taken back. */
  #ledger(): EmbeddedLedgerPort {
    return {
      start: async ({ chainId }) => {
        if (!this.#anvil) {
          const port = await freePort(0);
          const free = ['--base-fee', '0', '--gas-price', '0', '--no-priority-fee', '--gas-limit', '100000000', '--hardfork', 'prague'];
          const options = ['--port', String(port), '--chain-id', String(chainId), '--quiet', '--accounts', '0', '--order', 'fifo'];
          this.#anvil = spawn(anvilBinary(), [...options, ...free], { stdio: 'ignore' });
          this.#url = `http://127.0.0.1:${port}`;
          await eventually(() => rpc(this.#url, 'eth_chainId'));
        }
        return { url: this.#url, port: Number(new URL(this.#url).port) };
      },
      deploy: (url, chainId, governors, threshold) => deployContracts(url, chainId, governors, threshold),
      stop: () => Promise.resolve(),
    };
  }

  async height(): Promise<number> {
    return Number(await rpc(this.#url, 'eth_blockNumber'));
  }

  /**
   * Takes the newest blocks back and goes on another way. No block is made meanwhile: that Anvil takes back the state of one that it is just making, and keeps its
   * events, is the only known explanation of operations that were once seen to be applied twice.
   */
  async reorganize(depth: number): Promise<void> {
    await rpc(this.#url, 'evm_setAutomine', false);
    try {
      // Made once the one before is done.
      await this.mine(1);
      await rpc(this.#url, 'anvil_rollback', depth + 1);
      await this.mine(depth + 2);
    } finally {
      await rpc(this.#url, 'evm_setAutomine', true);
    }
    // What came meanwhile waits for a block.
    await this.mine(1);
  }

  mine = (blocks: number) => rpc(this.#url, 'anvil_mine', `0x${blocks.toString(16)}`);

  async events(from: number): Promise<LedgerEvent[]> {
    const ledger = createLedger();
    ledger.connect(this.#url, this.places[0]?.w.network.require().config ?? expect.fail());
    try {
      return await ledger.events(from, await this.height());
    } finally {
      ledger.close();
    }
  }

  /** Waits until these workstations have sent everything and read the ledger to its head. */
  async settle(places: readonly Place[]): Promise<void> {
    let end = Date.now() + settleLimitMs;
    let before = '';
    for (let still = 0; ; still++) {
      const head = await this.height();
      const views = places.map((place) => progressOf(place));
      const open = views.filter(({ waiting, followed, known }) => waiting.length > 0 || followed !== head || known !== head);
      if (open.length === 0 && (await this.height()) === head && (await this.#agree(places))) return;
      const now = JSON.stringify([head, views.map(({ waiting, followed }) => [waiting, followed])]);
      if (now === before && Date.now() > end) throw new Error(`Never settled: ${now} ${JSON.stringify(open.map(({ status }) => status))}`);
      if (now !== before) {
        still = 0;
        end = Date.now() + settleLimitMs;
      }
      before = now;
      if (still % patience === patience - 1) this.#ahead += timePassesMs;
      if (still % 2 === 0) for (const { hurry } of open) hurry();
      await delay(settlePollMs);
    }
  }

  async #agree(places: readonly Place[]): Promise<boolean> {
    const { hash } = (await rpc(this.#url, 'eth_getBlockByNumber', 'latest', false)) as { hash: string };
    const away = places.filter(({ w }) => w.store.workstation.followedBlocks(1)[0]?.hash !== hash);
    for (const { w } of away) w.connections.hurry();
    return away.length === 0;
  }

  async patient(): Promise<Patient> {
    const [first = expect.fail()] = this.places;
    const { patient, phrase } = await first.as(this.#admin, (session) =>
      first.w.patients.register(session, { ...demographics, phone: '', address: '', identifiers: [] }, '246810'),
    );
    return { summary: patient, desk: { keys: first.keys.fromPhrase(phrase), patient: patient.patient } };
  }
}

/** What a workstation has yet to send, how far it has read, and how far it knows the ledger to go. */
function progressOf({ w }: Place) {
  const store = w.store.workstation;
  const waiting = [
    ...store
      .operations({ states: ['pending', 'submitted'] })
      .map(({ kind, state, origin, operation }) => `${kind} ${state} ${origin} ${operation.opId}`),
    ...store.openTransactions().map(({ hash }) => hash),
    ...store.uncheckedCommits(false, 10).map(({ event }) => `unchecked ${event.opId}`),
    ...store.uncheckedCommits(true, 10).map(({ event }) => `unchecked ${event.opId}`),
  ];
  const status = w.connections.status();
  return { waiting, followed: store.followedBlocks(1)[0]?.number, known: status?.head, status, hurry: () => w.connections.hurry() };
}
