/**
 * `reconnect-storm`: seconds until nothing waits any more at any of 50 clinics that come back at the same moment, each with 20 operations queued, and follow what
 * all of them send. Throws where one is lost or not the same everywhere. Limit: the same operations in 50 batches, sent with nothing stored or
 * followed. Ratio: limit/value. All of them share this machine's processor, and each checks all signatures of all others.
 */
import { until } from './lib/clinic.ts';
import { figure, say, timed } from './lib/figure.ts';
import { temporaryFolder } from './lib/folder.ts';
import { drained, ledgerSite, sendRaw, syncingStore } from './lib/ledger-site.ts';
import { otherClinic, person } from './lib/other-clinic.ts';
import { createRandom } from './lib/random.ts';

const clinics = 50;
const operationsEach = 20;
const limitMs = 20 * 60_000;

await figure('reconnect-storm', async () => {
  const random = createRandom(4);
  const governor = person(random);
  const raw = await ledgerSite(temporaryFolder(), governor);
  const made = Array.from({ length: clinics }, () => otherClinic(raw.config, random, governor, 1));
  const founding = made.flatMap((clinic) => clinic.founding);
  const queued = made.map((clinic) => Array.from({ length: operationsEach }, () => clinic.commit()));
  await sendRaw(raw, random, founding);
  const rawMs = await timed(() => Promise.all(queued.map((operations) => sendRaw(raw, random, operations)))).finally(() => raw.close());

  const site = await ledgerSite(temporaryFolder(), governor);
  const stores = queued.map(() => syncingStore(temporaryFolder(), site, random));
  try {
    await sendRaw(site, random, founding);
    for (const [i, operations] of queued.entries()) stores[i]?.enqueue(operations);
    const ms = await timed(async () => {
      for (const { sync } of stores) sync.start();
      await Promise.all(stores.map((store) => drained(store, limitMs)));
    });
    const all = clinics * operationsEach;
    await until(
      () => stores.every(({ store }) => store.countOperations({ kinds: ['Commit'], states: ['mined', 'final'] }) === all),
      limitMs,
    );
    say(`${all} operations, all of them at all ${clinics} clinics`);
    return { value: ms / 1000, unit: 's', limit: rawMs / 1000 };
  } finally {
    for (const store of stores) await store.close();
    await site.close();
  }
});
