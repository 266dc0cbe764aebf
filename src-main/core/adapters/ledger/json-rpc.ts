/**
 * One JSON-RPC endpoint (JSON-RPC 2.0, one call a request) over HTTP or by another workstation. It is not trusted: every answer has a limit in bytes
 * and in time, and no redirect is followed. ethers' provider is not used: it turns every request and answer into text character by character in
 * JavaScript, which took about half of the time of sending batches of a hundred operations (docs/performance.md).
 */
import { request as httpRequest, Agent as HttpAgent } from 'node:http';
import { request as httpsRequest, Agent as HttpsAgent } from 'node:https';
import { z } from 'zod';
import { AppError } from '../../../../src-shared/errors.ts';

const requestTimeoutMs = 10_000;
/** A range of logs is asked for in pieces; no honest answer to a piece is longer. */
const maxAnswerBytes = 16 * 1024 * 1024;
const maxTextLength = 200;
/** A question about the newest state is asked so often while the endpoint makes a block between two of its own steps, and has that state no more (Anvil). */
const attempts = 3;
const isBetweenBlocks = (error: unknown) => error instanceof RpcError && error.message.includes('BlockOutOfRange');

export interface JsonRpcEndpoint {
  /** Host and port, for people; never the whole URL, which may hold an access key. */
  readonly host: string;
  /** Whether another workstation answers. */
  readonly isPeer: boolean;
  /**
   * One call. Throws LEDGER_UNREACHABLE where no JSON-RPC answer came (details.reason: 'offline' | 'timeout' | 'too-large' | 'no-rpc'), and
   * LEDGER_REFUSED where the endpoint answered with an error (details.text is what it said, cut).
   */
  send(method: string, params: readonly unknown[]): Promise<unknown>;
  close(): void;
}

type Unreachable = 'offline' | 'timeout' | 'too-large' | 'no-rpc';

class TransportError extends Error {
  readonly reason: Unreachable;
  constructor(reason: Unreachable, options?: ErrorOptions) {
    super(reason, options);
    this.reason = reason;
  }
}

const unreachableTexts: Record<Unreachable, string> = {
  offline: 'does not answer. Check that it runs and that this computer is connected to it.',
  timeout: 'did not answer in time. It may be overloaded, or the connection is slow.',
  'too-large': 'sent more than can be taken in at once.',
  'no-rpc': 'answers, but not as an Ethereum JSON-RPC endpoint. Check the address in the settings.',
};

function unreachable(host: string, reason: Unreachable, cause?: unknown): AppError {
  const text = `The ledger at ${host} ${unreachableTexts[reason]} What you save is kept here and sent when it is back.`;
  return new AppError('LEDGER_UNREACHABLE', text, { host, reason }, { cause });
}

/** Throws LEDGER_UNREACHABLE for an answer of a shape that no endpoint should give. */
export function badAnswer(host: string, what: string): AppError {
  const text = `The ledger at ${host} gave an answer that makes no sense (${what}). It was not believed, and nothing was changed. What you save is kept here.`;
  return new AppError('LEDGER_UNREACHABLE', text, { host, reason: 'bad-answer' });
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new AppError('INVALID_INPUT', "The ledger's address must begin with http:// or https://. Nothing was changed.");
  }
  return url;
}

function post(url: URL, agent: HttpAgent | HttpsAgent, body: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const headers = { 'content-type': 'application/json', 'content-length': body.length, 'accept-encoding': 'identity' };
    const request = send(url, { method: 'POST', agent, headers }, (response) => {
      const chunks: Buffer[] = [];
      let length = 0;
      response.on('data', (chunk: Buffer) => {
        length += chunk.length;
        if (length > maxAnswerBytes) request.destroy(new TransportError('too-large'));
        else chunks.push(chunk);
      });
      response.on('error', (error) => finish(() => reject(error)));
      response.on('end', () => {
        const isAnswer = response.complete && response.statusCode === 200;
        finish(() => (isAnswer ? resolve(Buffer.concat(chunks)) : reject(new TransportError('no-rpc'))));
      });
    });
    // For the whole exchange: a socket timeout would let an endpoint drip bytes for ever.
    const timer = setTimeout(() => request.destroy(new TransportError('timeout')), requestTimeoutMs);
    const finish = (settle: () => void) => {
      clearTimeout(timer);
      settle();
    };
    request.on('error', (error) => finish(() => reject(error)));
    request.end(body);
  });
}

const answerTo = z.union([
  z.object({ jsonrpc: z.literal('2.0'), id: z.number(), error: z.object({ message: z.string() }) }),
  z.object({ jsonrpc: z.literal('2.0'), id: z.number(), result: z.unknown() }),
]);

/** What the endpoint answers with instead of a result. */
class RpcError extends Error {}

/** The result in the bytes that came; throws RpcError for an error, and TransportError for what is no answer to this call. */
function resultIn(bytes: Uint8Array, id: number): unknown {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8'));
  } catch (error) {
    throw new TransportError('no-rpc', { cause: error });
  }
  const answer = answerTo.safeParse(json);
  if (!answer.success || answer.data.id !== id) throw new TransportError('no-rpc');
  if ('error' in answer.data) throw new RpcError(answer.data.error.message.slice(0, maxTextLength));
  return answer.data.result;
}

function translate(error: unknown, host: string, method: string): AppError {
  if (error instanceof TransportError) return unreachable(host, error.reason, error);
  if (error instanceof RpcError) {
    const text = error.message;
    const message = `The ledger at ${host} refused a request (${method}): ${text}. What you saved is safe here.`;
    return new AppError('LEDGER_REFUSED', message, { host, method, reason: 'other', text });
  }
  return unreachable(host, 'offline', error);
}

/** Asks the workstation with a peer id: the request's bytes, the answer's bytes. Rejects where none comes. */
export type ViaPeer = (peer: string, request: Uint8Array, options: { maxBytes: number; timeoutMs: number }) => Promise<Uint8Array>;

interface Transport {
  readonly host: string;
  send(body: Buffer): Promise<Uint8Array>;
  close(): void;
}

function httpTransport(urlText: string): Transport {
  const url = parseUrl(urlText);
  const agent =
    url.protocol === 'https:' ? new HttpsAgent({ keepAlive: true, maxSockets: 4 }) : new HttpAgent({ keepAlive: true, maxSockets: 4 });
  return {
    host: url.host,
    send: (body) => post(url, agent, body),
    close: () => agent.destroy(),
  };
}

function peerTransport(peer: string, viaPeer: ViaPeer): Transport {
  return {
    host: 'another workstation',
    async send(body) {
      try {
        return await viaPeer(peer, body, { maxBytes: maxAnswerBytes, timeoutMs: requestTimeoutMs });
      } catch (error) {
        throw new TransportError('offline', { cause: error });
      }
    },
    close: () => undefined,
  };
}

const peerUrl = /^peer:([1-9A-HJ-NP-Za-km-z]{40,64})$/;

/** Throws INVALID_INPUT for anything but an http or https URL, or the workstation that runs the ledger. Connects at the first call. */
export function openJsonRpc(urlText: string, viaPeer?: ViaPeer): JsonRpcEndpoint {
  const peer = peerUrl.exec(urlText)?.[1];
  const transport = peer !== undefined && viaPeer !== undefined ? peerTransport(peer, viaPeer) : httpTransport(urlText);
  const { host } = transport;
  /** What ends each call that is under way when the connection is closed. */
  const underWay = new Set<() => void>();
  let closed = false;
  let lastId = 0;
  return {
    host,
    isPeer: peer !== undefined,
    async send(method, params) {
      for (let attempt = 1; ; attempt++) {
        if (closed) throw unreachable(host, 'offline');
        const id = ++lastId;
        let end = (): void => undefined;
        const ended = new Promise<never>((_, reject) => (end = () => reject(new TransportError('offline'))));
        underWay.add(end);
        try {
          const sent = transport.send(Buffer.from(JSON.stringify({ jsonrpc: '2.0', id, method, params })));
          return resultIn(await Promise.race([sent, ended]), id);
        } catch (error) {
          if (attempt === attempts || !isBetweenBlocks(error) || params.at(-1) !== 'latest') throw translate(error, host, method);
        } finally {
          underWay.delete(end);
        }
      }
    },
    close() {
      closed = true;
      transport.close();
      for (const end of underWay) end();
    },
  };
}
