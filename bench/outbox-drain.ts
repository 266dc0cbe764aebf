/**
 * `outbox-drain`: operations per second from a full outbox to final on the embedded ledger: 10,000 commits that a workstation queued in 30 days without a
 * network (OPERATIONS for another number; 2,000 where all figures are measured). Limit: the same commits in batches of the same size sent to a ledger
 * like it, with nothing stored or followed. Ratio: value/limit.
 */
import type { NetworkConfig } from '../src-main/core/ports.ts';
import type { SignedOperation } from '../src-shared/operations.ts';
import { figure, say, timed } from './lib/figure.ts';
import { temporaryFolder } from './lib/folder.ts';
import { drained, ledgerSite, sendRaw, syncingStore } from './lib/ledger-site.ts';
import { otherClinic, person } from './lib/other-clinic.ts';
import { createRandom } from './lib/random.ts';

const count = Number(process.env['OPERATIONS'] ?? (process.argv.includes('--only') ? 10_000 : 2000));
const limitMs = 10 * 60_000;

await figure('outbox-drain', async () => {
  const random = createRandom(3);
  const governor = person(random);
  /** Every such ledger has the same contracts at the same address: what is signed for one holds on the other. */
  const onLedger = async <T>(run: (site: { url: string; config: NetworkConfig }) => Promise<T>): Promise<T> => {
    const site = await ledgerSite(temporaryFolder(), governor);
    return run(site).finally(() => site.close());
  };
  let founding: readonly SignedOperation[] = [];
  let commits: readonly SignedOperation[] = [];
  const rawMs = await onLedger(async (site) => {
    const clinic = otherClinic(site.config, random, governor, 50);
    founding = clinic.founding;
    commits = Array.from({ length: count }, () => clinic.commit());
    await sendRaw(site, random, founding);
    return timed(() => sendRaw(site, random, commits));
  });
  const ms = await onLedger(async (site) => {
    await sendRaw(site, random, founding);
    const workstation = syncingStore(temporaryFolder(), site, random);
    try {
      workstation.enqueue(commits);
      return await timed(async () => {
        workstation.sync.start();
        await drained(workstation, limitMs);
      });
    } finally {
      say(JSON.stringify(workstation.store.countMade()));
      await workstation.close();
    }
  });
  return { value: (count / ms) * 1000, unit: 'operations/s', limit: (count / rawMs) * 1000 };
});
