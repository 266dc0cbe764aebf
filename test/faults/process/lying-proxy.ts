/**
 * An HTTP proxy between a workstation and its ledger that delays, drops, cuts short and lies, by a seeded choice for each request; and that tells when a
 * request of some kind passes, so that somebody can be killed at that moment.
 */
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from '../random.ts';

export const lies = [
  'delay',
  'drop the request',
  'lose the answer',
  'cut the answer short',
  'too many requests',
  'a web page',
  'another chain',
  'an old head',
  'already known',
  'nonce too low',
  'underpriced',
  'not an answer',
] as const;
export type Lie = (typeof lies)[number];

/** What the ledger's answer becomes. `sent`: whether it got the request at all. */
type Answer = { readonly status: number; readonly type: string; readonly body: Buffer } | null;

interface Call {
  readonly id: unknown;
  readonly method: string;
  readonly params?: readonly unknown[];
}

const json = 'application/json';
const refusing = { 'already known': 'already known', 'nonce too low': 'nonce too low', underpriced: 'transaction underpriced' } as const;

export class LyingProxy {
  target = '';
  /** Of the requests, how many are lied to; each lie of the list is as likely. */
  share = 0;
  lies: readonly Lie[] = lies;
  /** Nothing gets through at all. */
  away = false;
  /** Told of each request before and after it has reached the ledger. Where its asker is `gone` by then, it goes no further. */
  onPass: ((method: string, moment: 'before' | 'after') => Promise<'gone' | undefined>) | null = null;
  readonly told = new Map<Lie, number>();
  readonly #random: Random;
  readonly #server = createServer((request, response) => void this.#serve(request, response));
  #oldHead: Buffer | null = null;

  constructor(random: Random) {
    this.#random = random;
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const body = await readAll(request);
      const calls = callsOf(body);
      if (this.away || (await this.#isGone(calls, 'before'))) return void request.socket.destroy();
      const answer = await this.#answer(body, calls);
      if (answer === null || (await this.#isGone(calls, 'after'))) return void request.socket.destroy();
      response.writeHead(answer.status, { 'content-type': answer.type, 'content-length': answer.body.length }).end(answer.body);
    } catch {
      // The ledger is gone, or whoever asked: in either case the connection ends without an answer.
      request.socket.destroy();
    }
  }

  async #isGone(calls: readonly Call[], moment: 'before' | 'after'): Promise<boolean> {
    let gone = false;
    for (const { method } of calls) if ((await this.onPass?.(method, moment)) === 'gone') gone = true;
    return gone;
  }

  #lieFor(calls: readonly Call[]): Lie | null {
    if (this.lies.length === 0 || !this.#random.chance(this.share)) return null;
    const lie = this.lies[this.#random.below(this.lies.length)] ?? null;
    const [only] = calls;
    if (lie === null || (lie in refusing && only?.method !== 'eth_sendRawTransaction')) return null;
    if (lie === 'another chain' && only?.method !== 'eth_chainId') return null;
    if (lie === 'an old head' && !(isHead(calls) && this.#oldHead)) return null;
    return lie;
  }

  async #answer(body: Buffer, calls: readonly Call[]): Promise<Answer> {
    const lie = this.#lieFor(calls);
    if (lie !== null) this.told.set(lie, (this.told.get(lie) ?? 0) + 1);
    if (lie === 'drop the request') return null;
    if (lie === 'too many requests') return { status: 429, type: 'text/plain', body: Buffer.from('Too many requests') };
    if (lie === 'a web page') return { status: 200, type: 'text/html', body: Buffer.from('<!doctype html><title>Log in</title>') };
    if (lie === 'delay') await delay(50 + this.#random.below(400));
    if (lie === 'nonce too low' || lie === 'underpriced') return refusal(calls, refusing[lie]);
    const honest = await this.#ask(body);
    if (lie === 'already known') return refusal(calls, refusing[lie]);
    if (lie === 'lose the answer') return null;
    if (lie === 'cut the answer short') return { ...honest, body: honest.body.subarray(0, honest.body.length >> 1) };
    if (lie === 'not an answer') return { ...honest, body: Buffer.from('{"jsonrpc":"2.0","id":"somebody else\'s","result":{}}') };
    if (lie === 'another chain')
      return { ...honest, body: Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: calls[0]?.id, result: '0x1' })) };
    if (isHead(calls)) {
      const old = this.#oldHead;
      // Kept now and then, so that what is told later is some blocks old.
      if (old === null || this.#random.chance(0.1)) this.#oldHead = honest.body;
      if (lie === 'an old head' && old) return { ...honest, body: withId(old, calls[0]?.id) };
    }
    return honest;
  }

  #ask(body: Buffer): Promise<NonNullable<Answer>> {
    return new Promise((resolve, reject) => {
      const headers = { 'content-type': json, 'content-length': body.length };
      const onward = httpRequest(this.target, { method: 'POST', headers, timeout: 10_000 }, (answer) => {
        readAll(answer).then((bytes) => resolve({ status: answer.statusCode ?? 502, type: json, body: bytes }), reject);
      });
      onward.on('error', reject);
      onward.on('timeout', () => onward.destroy(new Error('The ledger stalls.')));
      onward.end(body);
    });
  }
}

function callsOf(body: Buffer): readonly Call[] {
  const parsed = JSON.parse(body.toString()) as Call | readonly Call[];
  return Array.isArray(parsed) ? parsed : [parsed as Call];
}

function isHead(calls: readonly Call[]): boolean {
  const [only, ...more] = calls;
  return more.length === 0 && only?.method === 'eth_getBlockByNumber' && only.params?.[0] === 'latest';
}

function withId(body: Buffer, id: unknown): Buffer {
  return Buffer.from(JSON.stringify({ ...(JSON.parse(body.toString()) as object), id }));
}

function refusal(calls: readonly Call[], message: string): Answer {
  const error = { code: -32000, message };
  return { status: 200, type: json, body: Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: calls[0]?.id, error })) };
}

async function readAll(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
