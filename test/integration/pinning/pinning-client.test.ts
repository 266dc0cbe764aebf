/** The client of the Pinning Service API against services that answer as they should not. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createPinningClient } from '../../../src-main/core/adapters/pinning/pinning-client.ts';
import type { AppError } from '../../../src-shared/errors.ts';

const cid = 'bafyreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy';
const token = 'a-secret-that-is-in-no-message';
const good = { requestid: 'r1', status: 'queued', created: '2026-11-27T00:00:00Z', pin: { cid }, delegates: [] };

async function service(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/`, token };
}

const client = createPinningClient({ timeoutMs: 1500 });
const failure = async (asked: Promise<unknown>): Promise<AppError> => {
  const error = (await asked.then(
    () => null,
    (reason: unknown) => reason,
  )) as AppError;
  expect(JSON.stringify({ message: error.message, details: error.details, stack: error.stack, cause: String(error.cause) })).not.toContain(
    token,
  );
  return error;
};

describe('asking a pinning service', () => {
  it('says what is to be pinned, from where, and by whose leave', async () => {
    const seen: unknown[] = [];
    const access = await service((request, response) => {
      let body = '';
      request.on('data', (chunk) => (body += chunk));
      request.on('end', () => {
        seen.push([request.method, request.url, request.headers.authorization, body && (JSON.parse(body) as unknown)]);
        response.end(JSON.stringify(request.method === 'POST' ? good : { count: 1, results: [{ ...good, info: { more: 'x' } }] }));
      });
    });
    expect(await client.add(access, { cid, origins: ['/ip4/10.0.0.1/tcp/4001/p2p/x'] })).toMatchObject({
      requestId: 'r1',
      status: 'queued',
      cid,
    });
    expect(await client.of(access, [cid])).toEqual([{ requestId: 'r1', status: 'queued', cid, delegates: [] }]);
    expect(seen).toEqual([
      ['POST', '/api/pins', `Bearer ${token}`, { cid, name: 'anamnesis', origins: ['/ip4/10.0.0.1/tcp/4001/p2p/x'] }],
      ['GET', `/api/pins?cid=${cid}&status=queued%2Cpinning%2Cpinned%2Cfailed&limit=100`, `Bearer ${token}`, ''],
    ]);
  });

  it.each([
    [401, 'WRONG_CREDENTIALS'],
    [403, 'NOT_ALLOWED'],
    [409, 'NOT_ALLOWED'],
    [404, 'INVALID_INPUT'],
    [429, 'PEER_UNREACHABLE'],
    [503, 'PEER_UNREACHABLE'],
  ])('takes %i for %s', async (status, code) => {
    const access = await service((_request, response) => void response.writeHead(status).end('{"error":{"reason":"X"}}'));
    expect((await failure(client.add(access, { cid, origins: [] }))).code).toBe(code);
  });

  it.each<[string, string]>([
    ['a page', '<html>'],
    ['nothing', ''],
    ['another shape', '{"results":7}'],
    ['a state that there is not', JSON.stringify({ results: [{ ...good, status: 'eaten' }] })],
    ['too many delegates', JSON.stringify({ results: [{ ...good, delegates: Array.from({ length: 50 }, () => '/ip4/1.2.3.4') }] })],
  ])('refuses %s', async (_what, text) => {
    const access = await service((_request, response) => void response.end(text));
    expect((await failure(client.of(access, [cid]))).code).toBe('INVALID_INPUT');
  });

  it('refuses the pin of something else', async () => {
    const access = await service((_request, response) => void response.end(JSON.stringify({ ...good, pin: { cid: `${cid}z` } })));
    expect((await failure(client.add(access, { cid, origins: [] }))).code).toBe('INVALID_INPUT');
  });

  it('ends an answer without an end, and one that does not come', async () => {
    const endless = await service((_request, response) => {
      const more = () => {
        while (!response.destroyed && response.write('x'.repeat(64 * 1024)));
      };
      response.on('drain', more);
      more();
    });
    expect((await failure(client.of(endless, [cid]))).code).toBe('INVALID_INPUT');
    const silent = await service(() => undefined);
    expect((await failure(client.of(silent, [cid]))).code).toBe('PEER_UNREACHABLE');
  });

  it('follows no redirect, which could carry the token elsewhere', async () => {
    let asked = 0;
    const other = await service((_request, response) => void (asked++, response.end(JSON.stringify({ results: [] }))));
    const access = await service((_request, response) => void response.writeHead(307, { location: `${other.endpoint}pins` }).end());
    expect((await failure(client.of(access, [cid]))).code).toBe('PEER_UNREACHABLE');
    expect(asked).toBe(0);
  });

  it.each(['http://pins.example/api', 'ftp://pins.example', 'https://me:secret@pins.example', 'https://pins.example/?a=b', 'x'])(
    'takes %s for no address',
    (endpoint) => expect(() => client.checkEndpoint(endpoint)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' })),
  );

  it('takes https, and http on this computer', () => {
    expect(client.checkEndpoint('https://pins.example/psa/')).toBe('https://pins.example/psa');
    expect(client.checkEndpoint('http://127.0.0.1:8080')).toBe('http://127.0.0.1:8080');
  });
});
