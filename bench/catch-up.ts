/**
 * `catch-up`: commits of others per second that a workstation takes in which was away: all read from the ledger and stored, and every tenth (which its doctor may
 * read) checked, decrypted and in the list. `catch-up@checked`: until the signatures of the others are checked too. 100,000 commits (COMMITS for another number; 5,000 where all figures are measured).
 * From when the ledger answers (starting the embedded one is its own matter). The blocks are here already: fetching them is the network's figure. Limit: as many signatures recovered, on as many threads, with nothing around it.
 */
import { randomUUID } from 'node:crypto';
import { cpSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createOperationCodec } from '../src-main/core/adapters/ledger/operation-codec.ts';
import type { SignedOperation } from '../src-shared/operations.ts';
import { cheapPassphrase, foundClinic, openWorkstation, passphrase, until, type Workstation } from './lib/clinic.ts';
import { figure, say, tell, timed } from './lib/figure.ts';
import { temporaryFolder } from './lib/folder.ts';
import { sendRaw } from './lib/ledger-site.ts';
import { otherClinic } from './lib/other-clinic.ts';
import { registerPatient } from './lib/patient.ts';
import { inventPatient } from './lib/people.ts';
import { createRandom } from './lib/random.ts';
import { inventResource } from './lib/records.ts';
import { saving } from './lib/saving.ts';

const count = Number(process.env['COMMITS'] ?? (process.argv.includes('--only') ? 100_000 : 5000));
const readable = count / 10;
const limitMs = 60 * 60_000;
const page = 2000;

async function anchored(w: Workstation): Promise<void> {
  await until(async () => {
    const { sync } = await w.ask('workstation.snapshot', {});
    return sync.state === 'online' && sync.waiting === 0;
  }, limitMs);
}

/** Puts back what a workstation knew; its ledger and the blocks stay. */
function putBack(backup: string, dir: string): void {
  const stays = (name: string): boolean => name === 'ledger' || name.startsWith('blocks.db');
  for (const name of readdirSync(dir)) if (!stays(name)) rmSync(join(dir, name), { recursive: true });
  for (const name of readdirSync(backup)) if (!stays(name)) cpSync(join(backup, name), join(dir, name), { recursive: true });
}

async function recoverRaw(at: Workstation, commits: readonly SignedOperation[]): Promise<number> {
  const codec = createOperationCodec();
  const { config } = at.core.workstation.network.require();
  const asked = commits.map((commit) => ({ digest: codec.digest(config, commit), signature: commit.signatures[0] ?? '' }));
  // The threads are started before.
  await codec.recoverAll(asked);
  return timed(() => codec.recoverAll(asked));
}

await figure('catch-up', async () => {
  const dir = temporaryFolder();
  const backup = temporaryFolder();
  const random = createRandom(9);
  const account = await foundClinic(dir, cheapPassphrase);
  let w = await openWorkstation(dir, cheapPassphrase);
  await w.ask('session.logIn', { account, passphrase });
  const patient = await registerPatient(w, inventPatient(random, ''));
  await anchored(w);
  await w.stop();
  cpSync(dir, backup, { recursive: true, filter: (from) => !from.endsWith('ledger') });

  say(`making ${count} commits, of which ${readable} can be read`);
  w = await openWorkstation(dir, cheapPassphrase);
  await w.ask('session.logIn', { account, passphrase });
  const { keys } = w.session();
  const { endpoint, config } = w.core.workstation.network.require();
  const clinic = otherClinic(config, random, keys, 200);
  await sendRaw({ url: endpoint, config }, random, clinic.founding);
  const save = saving(w);
  let sample: SignedOperation[] = [];
  for (let made = 0; made < count; made += page) {
    sample = Array.from({ length: page * 0.9 }, () => clinic.commit());
    const others = sendRaw({ url: endpoint, config }, random, sample);
    for (let i = 0; i < page / 10; i++) {
      const resource = inventResource(random, randomUUID(), `Patient/${patient}`) as { id: string; resourceType: string };
      const category = resource.resourceType === 'Observation' ? 'observations-and-results' : 'problems-and-encounters';
      const { id: recordId, resourceType } = resource;
      await save(patient, { recordId, versionId: randomUUID(), previous: [], resourceType, category, json: JSON.stringify(resource) });
    }
    await others;
    // As somebody who works at it: making so many takes longer than it stays unlocked by itself.
    await w.ask('session.touch', {});
    if (made % (10 * page) === 0) say(`${made + page} made`);
  }
  await anchored(w);
  await w.stop();
  putBack(backup, dir);

  w = await openWorkstation(dir, cheapPassphrase);
  try {
    const { store } = w.core.workstation;
    const before = store.workstation.countOperations({ kinds: ['Commit'] });
    await w.ask('session.logIn', { account, passphrase });
    const recordsHere = (): number =>
      w
        .session()
        .index.countRecords(patient)
        .reduce((sum, { count: some }) => sum + some, 0);
    const recordsBefore = recordsHere();
    const isRead = (): boolean => {
      const { followed = null, head = null } = w.core.workstation.connections.status() ?? {};
      return followed !== null && followed === head && recordsHere() === recordsBefore + readable;
    };
    const started = performance.now();
    await until(() => (w.core.workstation.connections.status()?.head ?? null) !== null, limitMs);
    const begun = performance.now();
    say(`the ledger answers after ${((begun - started) / 1000).toFixed(1)} s`);
    await until(isRead, limitMs);
    const readMs = performance.now() - begun;
    await until(() => store.workstation.countOperations({ kinds: ['Commit'] }) === before + count, limitMs);
    const checkedMs = performance.now() - begun;
    const limit = (sample.length / (await recoverRaw(w, sample))) * 1000;
    const rate = (ms: number) => ({ value: (count / ms) * 1000, unit: 'commits/s', limit }) as const;
    tell('catch-up@checked', rate(checkedMs));
    return rate(readMs);
  } finally {
    await w.stop();
  }
});
