/** A real Anvil behind a proxy that lies: whatever an endpoint answers for a while, in the end every operation is anchored, once. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { getBytes } from 'ethers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { gateway } from '../../../src-main/core/adapters/ledger/gateway-abi.ts';
import { createLedger } from '../../../src-main/core/adapters/ledger/ledger.ts';
import { appliedOnLedger, bytes32, clinic, eventually, rpc, site, workstation } from './site.ts';
import type { Clinic, Site, Workstation } from './site.ts';

interface Call {
  readonly id: number;
  readonly method: string;
  readonly params: readonly unknown[];
}
type Block = { number: string; hash: string; timestamp: string; mixHash?: string } | null;

/** Answers by `lie` where that gives something, otherwise as the endpoint behind it does. */
async function lyingProxy(target: string) {
  const state = {
    url: '',
    /** Instead of any answer. */
    instead: null as { status: number; type: string; body: string } | null,
    /** The result that is told, given the true one. */
    lie: (_call: Call, result: unknown): unknown => result,
    requests: 0,
    close: () => new Promise<void>((resolve) => (server.closeAllConnections(), server.close(() => resolve()))),
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      state.requests += 1;
      if (state.instead)
        return void response.writeHead(state.instead.status, { 'content-type': state.instead.type }).end(state.instead.body);
      const asked = JSON.parse(Buffer.concat(chunks).toString()) as Call | Call[];
      const calls = Array.isArray(asked) ? asked : [asked];
      Promise.all(
        calls.map(async (call) => {
          try {
            return { jsonrpc: '2.0', id: call.id, result: state.lie(call, await rpc(target, call.method, ...call.params)) };
          } catch (error) {
            return { jsonrpc: '2.0', id: call.id, error: { code: -32000, message: (error as Error).message } };
          }
        }),
      ).then(
        (answers) =>
          response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(Array.isArray(asked) ? answers : answers[0])),
        () => request.socket.destroy(),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  state.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return state;
}

let at: Site;
let between: Awaited<ReturnType<typeof lyingProxy>>;
let here: Workstation;
let founded: Clinic;
/** How far this workstation's clock runs ahead, milliseconds. */
let ahead = 0;
const relayerKey = getBytes(bytes32());

beforeEach(async () => {
  at = await site();
  between = await lyingProxy(at.url);
  here = workstation({ dir: join(at.dir, 'a'), url: between.url, config: at.config, relayerKey, clock: () => Date.now() + ahead });
  founded = clinic(at.config);
});
afterEach(async () => {
  await here.close();
  await between.close();
  await at.close();
});

async function anchoredOnce(operations: readonly { opId: string }[]) {
  await eventually(() => {
    here.sync.hurry();
    expect(new Set(here.states(operations as never))).toEqual(new Set(['final']));
  });
  const counts = await appliedOnLedger(at.url, at.config);
  expect(operations.map(({ opId }) => counts.get(opId))).toEqual(operations.map(() => 1));
}

/** Lets the workstation ask so many times. */
async function asks(times: number) {
  const until = between.requests + times;
  await eventually(() => {
    here.sync.hurry();
    expect(between.requests).toBeGreaterThanOrEqual(until);
  });
}

describe('an endpoint that', () => {
  it.each([
    ['is asked too often', { status: 429, type: 'text/plain', body: 'slow down' }],
    ['is behind a log-in page', { status: 200, type: 'text/html', body: '<html><h1>Welcome to the hotel</h1></html>' }],
    ['is down behind a gateway', { status: 502, type: 'text/html', body: '<html>Bad gateway</html>' }],
    ['answers with half of an answer', { status: 200, type: 'application/json', body: '{"jsonrpc":"2.0","id":1,"resu' }],
    ['answers with something else', { status: 200, type: 'application/json', body: '{"jsonrpc":"2.0","id":1,"result":{"a":[]}}' }],
    ['redirects', { status: 302, type: 'text/plain', body: '' }],
  ])('%s is said to be so, and what waits is sent once when it answers', async (_name, instead) => {
    here.enqueue(...founded.founding);
    between.instead = instead;
    here.sync.start();
    await asks(3);
    await eventually(() => expect(here.sync.status()).toMatchObject({ state: 'offline', error: { code: 'LEDGER_UNREACHABLE' } }));
    expect(here.states(founded.founding)).toEqual(['pending', 'pending', 'pending', 'pending']);
    between.instead = null;
    await anchoredOnce(founded.founding);
    expect(here.sync.status()).toMatchObject({ state: 'online', error: null });
  });

  it('makes a block while it answers about the newest state is asked again, a few times', async () => {
    const ledger = createLedger();
    ledger.connect(between.url, at.config);
    let times = 2;
    between.lie = ({ method }, result) => {
      if (method === 'eth_call' && times-- > 0) throw new Error('BlockOutOfRangeError: block height is 18 but requested was 17');
      return result;
    };
    expect(await ledger.applied(bytes32())).toBeNull();
    times = 3;
    await expect(ledger.applied(bytes32())).rejects.toMatchObject({ code: 'LEDGER_REFUSED' });
    ledger.close();
  });

  it('stalls keeps what was sent, and nothing is taken for final', async () => {
    const head = (await rpc(at.url, 'eth_getBlockByNumber', 'latest', false)) as Block;
    between.lie = ({ method, params }, result) => {
      if (method === 'eth_getBlockByNumber' && params[0] === 'latest') return head;
      return method === 'eth_getTransactionReceipt' ? null : result;
    };
    here.enqueue(...founded.founding);
    here.sync.start();
    await asks(40);
    expect(here.states(founded.founding)).not.toContain('final');
    between.lie = (_call, result) => result;
    await anchoredOnce(founded.founding);
  });

  it('lags now and then, as several nodes behind one name do, confuses nothing', async () => {
    here.enqueue(...founded.founding);
    here.sync.start();
    await anchoredOnce(founded.founding);
    let turn = 0;
    const earlier = (await rpc(at.url, 'eth_getBlockByNumber', '0x1', false)) as Block;
    between.lie = ({ method, params }, result) => {
      if (method === 'eth_getBlockByNumber' && params[0] === 'latest') return turn++ % 2 === 0 ? earlier : result;
      if (method === 'eth_getTransactionReceipt') return turn++ % 2 === 0 ? null : result;
      return result;
    };
    const commits = Array.from({ length: 20 }, () => founded.commit());
    here.enqueue(...commits);
    await asks(60);
    between.lie = (_call, result) => result;
    await anchoredOnce([...founded.founding, ...commits]);
  });

  it('says that transactions are mined which are not, is not believed for long', async () => {
    here.enqueue(...founded.founding);
    const block = (await rpc(at.url, 'eth_getBlockByNumber', 'latest', false)) as { number: string; hash: string };
    between.lie = ({ method, params }, result) => {
      if (method === 'eth_sendRawTransaction') return result;
      if (method !== 'eth_getTransactionReceipt') return result;
      return { transactionHash: params[0], blockNumber: block.number, blockHash: block.hash, status: '0x1', contractAddress: null };
    };
    here.sync.start();
    await asks(20);
    between.lie = (_call, result) => result;
    await anchoredOnce(founded.founding);
  });

  it('makes events up is found out: they change nothing here, and are counted', async () => {
    here.enqueue(...founded.founding);
    here.sync.start();
    await anchoredOnce(founded.founding);
    between.lie = ({ method }, result) => {
      if (method !== 'eth_getLogs') return result;
      // Somebody else's number on what the doctor signed.
      return (result as { topics: string[] }[]).map((log) => ({ ...log, topics: log.topics.with(1, bytes32()) }));
    };
    const known = here.store.countOperations({});
    here.enqueue(founded.commit());
    await eventually(() => expect(here.sync.status().forged).toBeGreaterThan(0));
    expect(here.store.countOperations({})).toBe(known + 1);
  });

  describe('leaves out that an operation was applied', () => {
    /** As long as `left` says so, the log is not in any answer. */
    const withhold = (opId: string, left: () => boolean) => {
      const applied = gateway.getEvent('OperationApplied')?.topicHash;
      const isIt = (log: { topics: string[] }) => log.topics[0] === applied && log.topics[1] === opId;
      between.lie = ({ method }, result) =>
        method === 'eth_getLogs' && (result as { topics: string[] }[]).some(isIt) && left()
          ? (result as { topics: string[] }[]).filter((log) => !isIt(log))
          : result;
    };

    it('once, is found out by asking the contract: it is anchored, and never shown as refused', async () => {
      here.enqueue(...founded.founding);
      here.sync.start();
      await anchoredOnce(founded.founding);
      const commit = founded.commit();
      let withheld = 0;
      withhold(commit.opId, () => withheld++ === 0);
      here.enqueue(commit);
      await anchoredOnce([commit]);
      expect(withheld).toBeGreaterThan(1);
      expect(here.sync.status().rejected).toBe(0);
    });

    it('for long, leaves it waiting until somebody shows it', async () => {
      here.enqueue(...founded.founding);
      here.sync.start();
      await anchoredOnce(founded.founding);
      const commit = founded.commit();
      let honest = false;
      let asked = 0;
      withhold(commit.opId, () => !honest && ++asked > 0);
      here.enqueue(commit);
      // The event itself, and once more for each time that it was sent again and refused as used.
      await eventually(() => expect(asked).toBeGreaterThan(2));
      expect(here.states([commit])[0]).toMatch(/^(pending|submitted)$/);
      honest = true;
      await eventually(() => {
        ahead += 10 * 60_000;
        here.sync.hurry();
        expect(here.states([commit])).toEqual(['final']);
      });
      await anchoredOnce([commit]);
      expect(here.sync.status().rejected).toBe(0);
    });
  });

  it('tells by its blocks that they are final at once is followed so, and others by depth', async () => {
    const byzantine = '0x63746963616c2062797a616e74696e65206661756c7420746f6c6572616e6365';
    await here.close();
    for (const [dir, mixHash, expected] of [
      ['b', byzantine, 0],
      ['c', undefined, 12],
    ] as const) {
      between.lie = ({ method }, result) =>
        method === 'eth_getBlockByNumber' && result !== null && mixHash ? { ...(result as object), mixHash } : result;
      here = workstation({ dir: join(at.dir, dir), url: between.url, config: at.config, confirmations: null });
      const operations = clinic(at.config).founding;
      here.enqueue(...operations);
      here.sync.start();
      const state = expected === 0 ? 'final' : 'mined';
      await eventually(() => expect(new Set(here.states(operations))).toEqual(new Set([state])));
      expect(here.sync.status().confirmations).toBe(expected);
      if (dir === 'b') await here.close();
    }
  });
});

describe('a relayer', () => {
  it('whose key is used by a restored copy elsewhere goes on behind it', async () => {
    here.enqueue(...founded.founding);
    here.sync.start();
    await anchoredOnce(founded.founding);
    const ledger = createLedger();
    ledger.connect(at.url, at.config);
    const elsewhere = founded.commit();
    const nonce = await ledger.nonce(ledger.relayerAddress(relayerKey));
    // One that fills the next number, and one behind a gap, which cannot be mined.
    await ledger.broadcast((await ledger.signBatch([elsewhere], relayerKey, nonce)).raw);
    await ledger.broadcast((await ledger.signBatch([founded.commit()], relayerKey, nonce + 9)).raw);
    ledger.close();
    const commits = Array.from({ length: 5 }, () => founded.commit());
    here.enqueue(...commits);
    await anchoredOnce(commits);
  });
});
