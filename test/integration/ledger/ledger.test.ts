import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getBytes } from 'ethers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLedger } from '../../../src-main/core/adapters/ledger/ledger.ts';
import { answering, bytes32, chainId, clinic, eventually, person, site } from './site.ts';
import type { Site } from './site.ts';

let at: Site;

beforeAll(async () => {
  at = await site();
});

afterAll(() => at.close());

async function failureOf(url: string, config = at.config) {
  const ledger = createLedger();
  ledger.connect(url, config);
  try {
    return await ledger.check().then(
      () => null,
      (error: unknown) => error as { code: string; message: string; details: Record<string, unknown> },
    );
  } finally {
    ledger.close();
  }
}

describe('a connection', () => {
  it('says which chain answered where it is the wrong one', async () => {
    expect(await failureOf(at.url, { ...at.config, chainId: 1 })).toMatchObject({
      code: 'LEDGER_WRONG_CHAIN',
      details: { reason: 'chain', expected: 1, actual: chainId },
    });
  });

  it('says so where the contracts are missing', async () => {
    expect(await failureOf(at.url, { chainId, operations: person().address })).toMatchObject({
      code: 'LEDGER_WRONG_CHAIN',
      details: { reason: 'gateway-missing' },
    });
  });

  it('says so where nothing listens', async () => {
    expect(await failureOf('http://127.0.0.1:1')).toMatchObject({ code: 'LEDGER_UNREACHABLE', details: { reason: 'offline' } });
  });

  it.each([
    ['a web page', 200, 'text/html', '<html><body>Welcome</body></html>', 'no-rpc'],
    ['a login page with status 401', 401, 'text/html', '<html></html>', 'no-rpc'],
    ['a redirect', 302, 'text/plain', '', 'no-rpc'],
    ['too many requests', 429, 'text/plain', '', 'no-rpc'],
    ['an empty answer', 200, 'application/json', '', 'no-rpc'],
    ['JSON that is no answer', 200, 'application/json', '{"hello":"world"}', 'no-rpc'],
    ['null', 200, 'application/json', '[null]', 'no-rpc'],
    ['a chain id that is no number', 200, 'application/json', '{"id":1,"jsonrpc":"2.0","result":{"a":1}}', 'bad-answer'],
    ['more than can be taken in', 200, 'application/json', `"${'x'.repeat(17 * 1024 * 1024)}"`, 'too-large'],
  ])('refuses %s, without telling the address', async (_what, status, type, body, reason) => {
    const server = await answering(status, type, body);
    const failure = await failureOf(server.url);
    expect(failure).toMatchObject({ code: 'LEDGER_UNREACHABLE', details: { reason } });
    expect(JSON.stringify([failure, failure?.message])).not.toContain('secret-key');
    await server.close();
  });

  it('gives up waiting for an endpoint that never ends its answer, when it is closed', async () => {
    const server = createServer((request, response) => {
      request.resume();
      response.writeHead(200).write('[');
    }).listen(0, '127.0.0.1');
    await eventually(() => expect(server.address()).not.toBeNull());
    const ledger = createLedger();
    ledger.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, at.config);
    const head = ledger.head();
    const failed = expect(head).rejects.toMatchObject({ code: 'LEDGER_UNREACHABLE' });
    await new Promise((resolve) => server.once('request', resolve));
    ledger.close();
    await failed;
    server.closeAllConnections();
    server.close();
  });

  it.each(['ws://127.0.0.1:1', 'file:///etc/passwd', 'not a url', ''])('takes no address such as "%s"', (url) => {
    expect(() => createLedger().connect(url, at.config)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }));
  });

  it('knows what to do before it is connected', async () => {
    await expect(createLedger().head()).rejects.toMatchObject({ code: 'LEDGER_UNREACHABLE' });
  });
});

describe('sending', () => {
  it('counts a transaction as sent that is known, and says where a nonce was used', async () => {
    const ledger = createLedger();
    ledger.connect(at.url, at.config);
    const key = getBytes(bytes32());
    const relayer = ledger.relayerAddress(key);
    const { founding } = clinic(at.config);
    // Behind a gap, so that it stays in the pool.
    const waiting = await ledger.signBatch(founding, key, 1);
    await ledger.broadcast(waiting.raw);
    await ledger.broadcast(waiting.raw);
    const rival = await ledger.signBatch(founding.slice(1), key, 1);
    await expect(ledger.broadcast(rival.raw)).rejects.toMatchObject({ code: 'LEDGER_REFUSED', details: { reason: 'underpriced' } });
    expect(await ledger.receipt(waiting.hash)).toBeNull();
    await ledger.broadcast((await ledger.signBatch([], key, 0)).raw);
    await eventually(async () => expect(await ledger.nonce(relayer)).toBe(2));
    expect(await ledger.receipt(waiting.hash)).toMatchObject({ success: true });
    await expect(ledger.broadcast(rival.raw)).rejects.toMatchObject({ code: 'LEDGER_REFUSED', details: { reason: 'nonce-too-low' } });
    ledger.close();
  });

  it('says so where a batch is too much for a block', async () => {
    const ledger = createLedger();
    ledger.connect(at.url, at.config);
    const { founding } = clinic(at.config);
    const many = Array.from({ length: 400 }, () => founding[3]!);
    await expect(ledger.signBatch(many, getBytes(bytes32()), 0)).rejects.toMatchObject({ details: { reason: 'batch-too-large' } });
    ledger.close();
  });

  it('asks for a range that does not exist and is told so', async () => {
    const ledger = createLedger();
    ledger.connect(at.url, at.config);
    expect(await ledger.blockHash(1_000_000)).toBeNull();
    await expect(ledger.events(1_000_000, 1_000_001)).rejects.toMatchObject({ code: 'LEDGER_REFUSED' });
    ledger.close();
  });
});
