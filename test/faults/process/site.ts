/**
 * Two clinics in processes of their own: A runs the ledger, B and its hub reach it through a lying proxy each; both clinics write in one patient's record.
 * What the three say to each other goes over wires that fail.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createRecordCrypto } from '../../../src-main/core/adapters/crypto/record-crypto.ts';
import { granteeOfAccount } from '../../../src-main/core/services/bytes.ts';
import { categories } from '../../../src-shared/categories.ts';
import { AppError } from '../../../src-shared/errors.ts';
import { CoreProcess } from '../../integration/core/core-process.ts';
import { HubProcess } from '../../integration/core/hub-process.ts';
import type { Random } from '../random.ts';
import { FaultyWire } from './faulty-wire.ts';
import { LyingProxy } from './lying-proxy.ts';

export const passphrase = 'correct horse battery';
export const pin = '246810';
const cost = { memoryKiB: 8192, passes: 1 };
const waitMs = 180_000;
export const demographics = {
  ...{ family: 'Rao', given: 'Asha', prefix: '', birthDate: '1980', birthDateEstimated: true, gender: 'female' as const },
  ...{ phone: '', address: '', identifiers: [] },
};
/** What a workstation may answer while it is still learning, or while its peer or ledger is away. */
const passing = new Set(['CONSENT_MISSING', 'KEY_MISSING', 'BLOCK_UNAVAILABLE', 'NOT_FOUND']);

export interface Saved {
  readonly recordId: string;
  readonly operations: readonly string[];
}

export async function until<T>(what: string, probe: () => Promise<T>, holds: (value: T) => boolean): Promise<T> {
  const end = Date.now() + waitMs;
  let last: unknown;
  for (;;) {
    const value = await probe().catch((error: unknown) => {
      last = error;
      return undefined;
    });
    if (value !== undefined && holds(value)) return value;
    if (Date.now() > end) throw new Error(`Never happened: ${what}. Last seen: ${JSON.stringify(value)?.slice(0, 1000)} ${String(last)}`);
    await delay(100);
  }
}

/** One clinic's core with the person who does everything there. */
export class Clinic {
  readonly dir: string;
  readonly core: CoreProcess;
  account = '';
  /** What it said is saved, of the patient whose turn it is. */
  readonly saved: Saved[] = [];

  /** Told of each save as soon as it is answered. */
  onSaved: () => void = () => undefined;

  constructor(dir = mkdtempSync(join(tmpdir(), 'anamnesis-faults-')), env: Readonly<Record<string, string>> = {}) {
    this.dir = dir;
    this.core = new CoreProcess(dir, cost, () => null, env);
  }

  async revive(): Promise<void> {
    await this.core.end('SIGKILL');
    this.core.start();
    await this.core.ask('session.logIn', { account: this.account, passphrase });
  }

  /** Saves encounters until `enough` says so, or until the process is gone. Notes only what was answered. */
  async write(patient: string, enough: () => boolean): Promise<void> {
    const input = { patient, class: 'AMB' as const, start: '2026-11-23T10:00:00Z', reason: 'Visit', diagnoses: [], note: 'Seen.' };
    while (!enough()) {
      try {
        const { records, operations } = await this.core.ask('chart.saveEncounter', input);
        const encounter = records.find(({ resourceType }) => resourceType === 'Encounter');
        if (!encounter) throw new Error('An encounter was answered as saved without its id');
        this.saved.push({ recordId: encounter.recordId, operations });
        this.onSaved();
      } catch (error) {
        if (error instanceof AppError && passing.has(error.code)) await delay(50);
        else if (error instanceof AppError) throw error;
        else return;
      }
    }
  }

  /** Records that were said to be saved and are not in the chart. */
  async missing(patient: string): Promise<string[]> {
    const { entries } = await this.core.ask('chart.entries', { patient, resourceTypes: ['Encounter'], limit: 500 });
    const here = new Set(entries.map(({ recordId }) => recordId));
    return this.saved.map(({ recordId }) => recordId).filter((recordId) => !here.has(recordId));
  }

  async settled(): Promise<void> {
    await until(
      'everything is sent',
      () => this.core.ask('workstation.snapshot', {}),
      ({ sync }) => sync.waiting === 0 && sync.state === 'online',
    );
  }

  async close(): Promise<void> {
    await this.core.end('SIGTERM');
    rmSync(this.dir, { recursive: true, force: true, maxRetries: 5 });
  }
}

interface Invitation {
  readonly peers: readonly string[];
  readonly endpoint: string;
}
const crypto = createRecordCrypto();

type Prefix = 'ANAM-INVITE' | 'ANAM-COMPUTER';

const networkIn = (prefix: Prefix, code: string): Invitation => {
  const value = crypto.decodeCode(prefix, code) as Invitation & { readonly network: Invitation };
  return prefix === 'ANAM-INVITE' ? value : value.network;
};

/** The same invitation into the same network, with other ways to reach it. */
function rerouted(prefix: Prefix, code: string, ways: Invitation): string {
  const value = crypto.decodeCode(prefix, code) as object;
  return crypto.encodeCode(
    prefix,
    prefix === 'ANAM-INVITE' ? { ...value, ...ways } : { ...value, network: { ...networkIn(prefix, code), ...ways } },
  );
}

export class Site {
  readonly a = new Clinic();
  readonly b = new Clinic();
  /** Of clinic B. */
  readonly hub = new HubProcess();
  readonly proxy: LyingProxy;
  readonly hubProxy: LyingProxy;
  /** Before A, and before B. */
  readonly wires: FaultyWire[] = [];
  readonly #random: Random;
  patient = '';

  private constructor(random: Random) {
    this.#random = random;
    this.proxy = new LyingProxy(random);
    this.hubProxy = new LyingProxy(random);
  }

  static async start(random: Random): Promise<Site> {
    const site = new Site(random);
    const { a, b, proxy } = site;
    a.core.start();
    b.core.start();
    const { phrase } = await a.core.ask('setup.createPhrase', {});
    await a.core.ask('setup.createClinic', { clinicName: 'Clinic A', personName: 'Dr Rao', passphrase, phrase });
    const { invitation } = await a.core.ask('network.invitation', {});
    const second = await b.core.ask('setup.createPhrase', {});
    const joining = {
      invitation: await site.#wired('ANAM-INVITE', invitation),
      clinicName: 'Clinic B',
      personName: 'Dr Okafor',
      passphrase,
    };
    const { requestCode } = await b.core.ask('setup.join', { ...joining, phrase: second.phrase });
    await a.core.ask('network.admit', { requestCode });
    await until(
      'B is admitted',
      () => b.core.ask('workstation.snapshot', {}),
      (snapshot) => snapshot.phase === 'ready',
    );
    b.account = (await b.core.ask('workstation.snapshot', {})).people[0]?.account ?? '';
    await b.core.ask('session.logIn', { account: b.account, passphrase });
    a.account = (await a.core.ask('workstation.snapshot', {})).session?.account ?? '';
    for (const { core, account } of [a, b]) {
      await core.ask('staff.changeRoles', { account, roles: ['admin', 'registrar', 'practitioner'] });
    }
    const { endpoint } = await a.core.ask('network.view', {});
    for (const one of [proxy, site.hubProxy]) one.target = endpoint;
    await b.core.ask('network.setEndpoint', { endpoint: await proxy.listen() });
    await site.#startHub();
    await site.nextPatient();
    return site;
  }

  /** Whoever comes by this invitation reaches its maker, whose addresses stand first, over a wire that can fail. */
  async #wired(prefix: Prefix, code: string, endpoint?: string): Promise<string> {
    const network = networkIn(prefix, code);
    const wire = await FaultyWire.before(network.peers, this.#random);
    this.wires.push(wire);
    return rerouted(prefix, code, {
      peers: network.peers.map((address) => wire.through(address)),
      endpoint: endpoint ?? network.endpoint,
    });
  }

  async #startHub(): Promise<void> {
    const { invitation } = await this.b.core.ask('computers.invitation', {});
    const file = join(this.hub.dir, 'invitation');
    writeFileSync(file, await this.#wired('ANAM-COMPUTER', invitation, await this.hubProxy.listen()));
    await this.hub.start('--invitation-file', file);
    await until(
      'the hub is connected',
      () => this.b.core.ask('computers.list', {}),
      (computers) => computers.some(({ name, connected }) => name === 'Hub' && connected),
    );
  }

  /** A new patient shares everything with both doctors; what is saved is counted for them from here on. */
  async nextPatient(): Promise<void> {
    const { a, b } = this;
    await b.settled();
    const { card, patient } = await a.core.ask('patients.register', { demographics, pin });
    await a.core.ask('desk.open', { card, pin });
    for (const { account } of [a, b]) {
      await until(
        'the doctor at the desk',
        () => a.core.ask('desk.sharing', {}),
        (s) => s.candidates.some((c) => c.account === account),
      );
      const terms = { write: true, purpose: 'treatment' as const, until: 0 };
      await a.core.ask('desk.grant', { grantee: granteeOfAccount(account), categories: [...categories], ...terms });
    }
    await a.core.ask('desk.close', {});
    this.patient = patient.patient;
    a.saved.length = 0;
    b.saved.length = 0;
  }

  /** The embedded ledger, which A starts again. */
  async killLedger(): Promise<void> {
    const pid = () => (JSON.parse(readFileSync(join(this.a.dir, 'ledger', 'anvil.pid.json'), 'utf8')) as { pid: number }).pid;
    await until('the ledger runs', async () => process.kill(pid(), 'SIGKILL'), Boolean);
  }

  async close(): Promise<void> {
    await this.hub.end('SIGTERM');
    await this.b.close();
    await this.a.close();
    rmSync(this.hub.dir, { recursive: true, force: true, maxRetries: 5 });
    for (const one of [this.proxy, this.hubProxy, ...this.wires]) await one.close();
  }
}
