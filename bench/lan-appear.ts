/**
 * `lan-appear`: milliseconds from "saved" at the desk until the doctor's list at another computer of the clinic shows the patient (95th percentile), with
 * the ledger away; two core processes over loopback. Limit: the same bytes asked for and answered once between two nodes, median. Ratio: limit/value.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createIpfs } from '../src-main/core/adapters/ipfs/ipfs.ts';
import { createBlockstore } from '../src-main/core/adapters/sqlite/blockstore.ts';
import { buildCore, startCore, type CoreProcess } from './lib/core-process.ts';
import { figure, median, percentile, say, timed } from './lib/figure.ts';

const patients = 40;
/** Operations, envelope, commit and pack of one registration, about. */
const registrationBytes = 8 * 1024;
const passphrase = 'correct horse battery';

const folders: string[] = [];
const folder = (): string => {
  const dir = mkdtempSync(join(tmpdir(), 'anamnesis-lan-'));
  folders.push(dir);
  return dir;
};

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 60_000;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`Never happened: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

async function enrol(at: CoreProcess, admin: CoreProcess, personName: string, role: 'registrar' | 'practitioner'): Promise<string> {
  const { phrase } = await at.ask('setup.createPhrase', {});
  const { account, enrolmentCode } = await at.ask('people.createKey', { personName, passphrase, phrase });
  await admin.ask('staff.approve', { enrolmentCode, roles: [role] });
  await until('enrolled', async () =>
    (await at.ask('workstation.snapshot', {})).people.some((p) => p.account === account && p.status === 'active'),
  );
  return account;
}

async function rawRoundTrip(): Promise<number> {
  const swarmKey = new Uint8Array(randomBytes(32));
  const nodes = await Promise.all(
    [0, 1].map(async () => {
      const blocks = createBlockstore({ dir: folder() });
      const ipfs = createIpfs({ blocks });
      ipfs.serve('/bench/1', {
        maxRequestBytes: 65_536,
        maxAnswerBytes: 65_536,
        answer: () => Promise.resolve(new Uint8Array(registrationBytes)),
      });
      const identity = new Uint8Array(randomBytes(32));
      await ipfs.start({ swarmKey, identity, listen: ['/ip4/127.0.0.1/tcp/0'], peers: [], mdns: false });
      return { ipfs, blocks };
    }),
  );
  const [a, b] = nodes.map(({ ipfs }) => ipfs) as [ReturnType<typeof createIpfs>, ReturnType<typeof createIpfs>];
  await a.dial(b.addresses()[0] ?? '');
  const peer = a.peers()[0]?.id ?? '';
  const values: number[] = [];
  for (let i = 0; i < 50; i++) {
    values.push(await timed(() => a.ask(peer, '/bench/1', new Uint8Array(registrationBytes), { maxBytes: 65_536, timeoutMs: 10_000 })));
  }
  for (const { ipfs, blocks } of nodes) {
    await ipfs.stop();
    blocks.close();
  }
  return median(values);
}

await figure('lan-appear', async () => {
  await buildCore();
  const deskDir = folder();
  const desk = startCore(deskDir);
  const office = startCore(folder());
  try {
    const { phrase } = await desk.ask('setup.createPhrase', {});
    await desk.ask('setup.createClinic', { clinicName: 'Clinic', personName: 'Admin', passphrase, phrase });
    const { invitation } = await desk.ask('computers.invitation', {});
    await office.ask('setup.joinClinic', { invitation, computerName: 'Office' });
    await until('joined', async () => (await office.ask('workstation.snapshot', {})).phase === 'ready');
    const registrar = await enrol(desk, desk, 'Registrar', 'registrar');
    const doctor = await enrol(office, desk, 'Doctor', 'practitioner');
    await until('anchored', async () => (await desk.ask('workstation.snapshot', {})).sync.waiting === 0);
    await desk.ask('session.logIn', { account: registrar, passphrase });
    await office.ask('session.logIn', { account: doctor, passphrase });
    const { pid } = JSON.parse(readFileSync(join(deskDir, 'ledger', 'anvil.pid.json'), 'utf8')) as { pid: number };
    process.kill(pid, 'SIGSTOP');
    const values: number[] = [];
    for (let i = 0; i < patients; i++) {
      const family = `Appears${String.fromCharCode(65 + (i % 26))}${i}`;
      await desk.ask('patients.register', {
        demographics: {
          ...{
            family,
            given: 'Ada',
            prefix: '',
            birthDate: '1970-01-01',
            birthDateEstimated: false,
            gender: 'female',
            phone: '',
            address: '',
          },
          identifiers: [],
        },
        pin: '246810',
      });
      values.push(
        await timed(() =>
          until('shown', async () => (await office.ask('patients.search', { text: family, limit: 5, offset: 0 })).hits.length > 0),
        ),
      );
    }
    process.kill(pid, 'SIGCONT');
    say(
      `p50 ${Math.round(median(values))} ms, p95 ${Math.round(percentile(values, 0.95))} ms, longest ${Math.round(Math.max(...values))} ms`,
    );
    return { value: percentile(values, 0.95), unit: 'ms', limit: await rawRoundTrip() };
  } finally {
    await office.stop();
    await desk.stop();
    for (const dir of folders) rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
  }
});
