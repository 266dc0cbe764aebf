/**
 * One JSON-RPC endpoint over HTTP. ethers' provider frames and batches the calls; the transport below it is ours, because an
 * endpoint is not trusted: every answer has a limit in bytes and in time, and no redirect is followed.
 */
import { request as httpRequest, Agent as HttpAgent } from 'node:http';
import { request as httpsRequest, Agent as HttpsAgent } from 'node:https';
import { FetchRequest, JsonRpcProvider, Network, isError } from 'ethers';
import type { GetUrlResponse } from 'ethers';
import { AppError } from '../../../../src-shared/errors.ts';

const requestTimeoutMs = 10_000;
/** A range of logs is asked for in pieces; no honest answer to a piece is longer. */
const maxAnswerBytes = 16 * 1024 * 1024;
const maxTextLength = 200;

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

/** A transport failure, on its way through ethers. */
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

function post(url: URL, agent: HttpAgent | HttpsAgent, headers: Record<string, string>, body: Uint8Array | null): Promise<GetUrlResponse> {
  return new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const options = { method: 'POST', agent, headers: { ...headers, 'content-length': body?.length ?? 0 } };
    const request = send(url, options, (response) => {
      const chunks: Buffer[] = [];
      let length = 0;
      response.on('data', (chunk: Buffer) => {
        length += chunk.length;
        if (length > maxAnswerBytes) request.destroy(new TransportError('too-large'));
        else chunks.push(chunk);
      });
      response.on('error', (error) => finish(() => reject(error)));
      response.on('end', () => {
        const statusCode = response.statusCode ?? 0;
        // Besides redirects, ethers would retry 429 by its own clock: the follower's back-off does that better.
        if (statusCode === 429 || (statusCode >= 300 && statusCode < 400)) finish(() => reject(new TransportError('no-rpc')));
        else finish(() => resolve({ statusCode, statusMessage: response.statusMessage ?? '', headers: {}, body: Buffer.concat(chunks) }));
      });
    });
    // For the whole exchange: a socket timeout would let an endpoint drip bytes for ever.
    const timer = setTimeout(() => request.destroy(new TransportError('timeout')), requestTimeoutMs);
    const finish = (settle: () => void) => {
      clearTimeout(timer);
      settle();
    };
    request.on('error', (error) => finish(() => reject(error)));
    request.end(body ?? undefined);
  });
}

function rpcErrorText(error: unknown): string | null {
  if (typeof error !== 'object' || error === null) return null;
  // ethers gives some JSON-RPC errors its own code and puts the original into `info.error` or `error`.
  const { info, error: inner } = error as { info?: { error?: { message?: unknown } }; error?: { message?: unknown } };
  const message = inner?.message ?? info?.error?.message;
  return typeof message === 'string' ? message.slice(0, maxTextLength) : null;
}

function translate(error: unknown, host: string, method: string): AppError {
  if (error instanceof TransportError) return unreachable(host, error.reason, error);
  const text = rpcErrorText(error);
  if (text !== null) {
    const message = `The ledger at ${host} refused a request (${method}): ${text}. What you saved is safe here.`;
    return new AppError('LEDGER_REFUSED', message, { host, method, reason: 'other', text });
  }
  // Answers that are no JSON, no array or object of answers, or a status of 4xx/5xx without one.
  if (
    isError(error, 'SERVER_ERROR') ||
    isError(error, 'UNSUPPORTED_OPERATION') ||
    isError(error, 'BAD_DATA') ||
    error instanceof TypeError
  ) {
    return unreachable(host, 'no-rpc');
  }
  return unreachable(host, 'offline', error);
}

/** Asks the workstation with a peer id: the request's bytes, the answer's bytes. Rejects where none comes. */
export type ViaPeer = (peer: string, request: Uint8Array, options: { maxBytes: number; timeoutMs: number }) => Promise<Uint8Array>;

interface Transport {
  readonly host: string;
  send(headers: Record<string, string>, body: Uint8Array | null): Promise<GetUrlResponse>;
  close(): void;
}

function httpTransport(urlText: string): Transport {
  const url = parseUrl(urlText);
  const agent =
    url.protocol === 'https:' ? new HttpsAgent({ keepAlive: true, maxSockets: 4 }) : new HttpAgent({ keepAlive: true, maxSockets: 4 });
  return {
    host: url.host,
    send: (headers, body) => post(url, agent, { ...headers, 'accept-encoding': 'identity' }, body),
    close: () => agent.destroy(),
  };
}

function peerTransport(peer: string, viaPeer: ViaPeer): Transport {
  return {
    host: 'another workstation',
    async send(_headers, body) {
      try {
        const answer = await viaPeer(peer, body ?? new Uint8Array(), { maxBytes: maxAnswerBytes, timeoutMs: requestTimeoutMs });
        return { statusCode: 200, statusMessage: '', headers: {}, body: answer };
      } catch (error) {
        throw new TransportError('offline', { cause: error });
      }
    },
    close: () => undefined,
  };
}

const peerUrl = /^peer:([1-9A-HJ-NP-Za-km-z]{40,64})$/;

/** Throws INVALID_INPUT for anything but an http or https URL, or the workstation that runs the ledger. Connects at the first call. */
export function openJsonRpc(urlText: string, chainId: number, viaPeer?: ViaPeer): JsonRpcEndpoint {
  const peer = peerUrl.exec(urlText)?.[1];
  const transport = peer !== undefined && viaPeer !== undefined ? peerTransport(peer, viaPeer) : httpTransport(urlText);
  const connection = new FetchRequest(peer === undefined ? urlText : 'http://workstation.invalid/');
  connection.timeout = requestTimeoutMs;
  connection.getUrlFunc = (request) => transport.send(request.headers, request.body);
  const network = Network.from(chainId);
  // A known network is never asked for, so ethers has nothing to retry in the background while the endpoint is down; and its
  // cache of 250 ms would answer a nonce from before the last transaction.
  const provider = new JsonRpcProvider(connection, network, {
    staticNetwork: network,
    cacheTimeout: -1,
    batchMaxCount: 20,
    batchMaxSize: 512 * 1024,
    batchStallTime: 0,
  });
  const { host } = transport;
  let closed = false;
  return {
    host,
    isPeer: peer !== undefined,
    async send(method, params) {
      if (closed) throw unreachable(host, 'offline');
      try {
        return await provider.send(method, [...params]);
      } catch (error) {
        throw translate(error, host, method);
      }
    },
    close() {
      closed = true;
      provider.destroy();
      transport.close();
    },
  };
}
