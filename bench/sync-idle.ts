/**
 * `sync-idle@<commits>`: milliseconds that a workstation needs for a look at the ledger that finds nothing new, with 1,000 commits behind it and with
 * 100,000 (`--commits N` for another number): the follower's questions to its store, the counts for the status line, and an index that looks for what
 * came. Limit: one read of one row. Without a ledger's own time: its answers are made up.
 */
import type { LedgerEvent, LedgerPort } from '../src-main/core/ports.ts';
import { createStore } from '../src-main/core/adapters/sqlite/store.ts';
import { createOperationCodec } from '../src-main/core/adapters/ledger/operation-codec.ts';
import { createFollower } from '../src-main/core/services/sync/follower.ts';
import { operationKinds } from '../src-shared/operations.ts';
import { figure, median, say, timed } from './lib/figure.ts';
import { temporaryFolder } from './lib/folder.ts';
import { createRandom } from './lib/random.ts';

const rounds = 200;
const perBlock = 500;
const at = process.argv.indexOf('--commits');
const sizes = at === -1 ? [1000, 100_000] : [Number(process.argv[at + 1])];

const word = (n: number) => `0x${n.toString(16).padStart(64, '0')}`;
const account = '0x52908400098527886E0F7030069857D2E4169EE7';

for (const commits of sizes) {
  await figure(`sync-idle@${commits}`, async () => {
    const store = createStore({ dir: temporaryFolder(), machineKey: new Uint8Array(32).fill(7) });
    const { workstation } = store;
    const codec = createOperationCodec();
    const random = createRandom(5);
    let block = 0;
    for (let start = 0; start < commits; start += perBlock) {
      block += 1;
      const events = Array.from({ length: Math.min(perBlock, commits - start) }, (_, logIndex) => {
        const payload = {
          patient: account,
          compartment: word(random.below(1000) + 1),
          epoch: 0,
          organization: word(0),
          commit: word(start + logIndex + 1),
        };
        const operation = {
          ...{ kind: operationKinds.Commit.code, opId: payload.commit, actor: account, issuedAt: 1, deadline: 2 },
          ...{ payload: codec.encodePayload('Commit', payload), signatures: [`0x${'ab'.repeat(65)}`] },
        };
        const event: LedgerEvent = {
          type: 'applied',
          opId: payload.commit,
          operation,
          block,
          blockHash: word(block),
          logIndex,
          txHash: word(block),
        };
        return { event, decoded: { kind: 'Commit' as const, payload } };
      });
      workstation.applyEvents(events, [{ number: block, hash: word(block) }], block);
      if (block % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    const head = { number: block, hash: word(block), timestamp: 1 };
    const never = () => Promise.reject(new Error('This figure sends nothing'));
    const ledger: LedgerPort = {
      ...{ connect: () => undefined, config: { chainId: 1, operations: account }, close: () => undefined, relayerAddress: () => account },
      ...{
        nonce: never,
        signBatch: never,
        broadcast: never,
        receipt: never,
        relay: never,
        recognized: never,
        governance: never,
        applied: never,
      },
      ...{ check: () => Promise.resolve(head), head: () => Promise.resolve(head), isFinalAtOnce: () => Promise.resolve(true) },
      ...{ blockHash: (number) => Promise.resolve(word(number)), blockTime: () => Promise.resolve(1), events: () => Promise.resolve([]) },
    };
    const follower = createFollower({ store: workstation, ledger, codec, confirmations: 0, clock: () => 0, onChange: () => undefined });
    const top = workstation.lastSeq();
    const look = () => {
      follower.status();
      workstation.operations({ kinds: ['Revoke'], afterSeq: top, order: 'seq', limit: 500 });
      workstation.commitsAfter(top, 500);
      workstation.openTransactions();
      workstation.pending(1);
      workstation.followedBlocks(1);
    };
    // The first one prepares its statements.
    look();
    const values: number[] = [];
    const limits: number[] = [];
    for (let round = 0; round < rounds; round++) {
      values.push(await timed(look));
      limits.push(await timed(() => workstation.operation(word(1))));
    }
    say(`${commits} commits, ${block} blocks`);
    store.close();
    return { value: median(values), unit: 'ms', limit: median(limits) };
  });
}
