/**
 * The IPFS Pinning Service API, version 1 (https://ipfs.github.io/pinning-services-api-spec/), for other clinics of the network: a small HTTP server in front of
 * what a hub pins. Every request needs a token; sizes, times and numbers are bounded. https where it is given a certificate; without one only on this computer.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';
import { AppError } from '../../../../src-shared/errors.ts';
import type { KeptPin, PinKeeper } from '../../ports.ts';

const maxBodyBytes = 64 * 1024;
const requestTimeoutMs = 20_000;
const maxConnections = 64;
const idPattern = /^0x[0-9a-f]{64}$/;

const cid = z.string().regex(/^b[a-z2-7]{20,120}$/);
const meta = z.record(z.string().max(100), z.string().max(500)).refine((value) => Object.keys(value).length <= 100);
const pinBody = z.object({
  cid,
  name: z.string().max(255).default(''),
  origins: z.array(z.string().max(300)).max(20).default([]),
  meta: meta.default({}),
});
const state = z.enum(['queued', 'pinning', 'pinned', 'failed']);
const list = (of: z.ZodType) => z.preprocess((value) => (typeof value === 'string' ? value.split(',') : value), z.array(of));
const time = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));
const query = z.object({
  cid: list(cid).pipe(z.array(cid).min(1).max(10)).optional(),
  name: z.string().max(255).optional(),
  match: z.enum(['exact', 'iexact', 'partial', 'ipartial']).default('exact'),
  status: list(state).pipe(z.array(state).min(1).max(4)).default(['pinned']),
  before: time.optional(),
  after: time.optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(10),
  meta: z
    .string()
    .max(4000)
    .transform((text, context) => {
      try {
        return JSON.parse(text) as unknown;
      } catch {
        context.addIssue({ code: 'custom', message: 'meta is no JSON' });
        return z.NEVER;
      }
    })
    .pipe(meta)
    .optional(),
});

export interface PinningServer {
  readonly port: number;
  stop(): Promise<void>;
}

class Refusal extends Error {
  readonly status: number;
  readonly reason: string;
  constructor(status: number, reason: string, details: string) {
    super(details);
    this.status = status;
    this.reason = reason;
  }
}

/**
 * Starts it.
 *
 * @param options.clients names by their tokens.
 * @param options.tls PEM; without it, only a loopback address is taken.
 * @throws AppError INVALID_INPUT for another address without `tls`, or tokens under 20 characters; NOT_ALLOWED where the port is taken.
 */
export async function startPinningServer(options: {
  readonly keeper: PinKeeper;
  readonly clients: ReadonlyMap<string, string>;
  readonly host: string;
  readonly port: number;
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly report: (error: unknown) => void;
}): Promise<PinningServer> {
  const { keeper, host, tls } = options;
  if (!tls && !['127.0.0.1', '::1', 'localhost'].includes(host))
    throw new AppError(
      'INVALID_INPUT',
      'Other computers are served over https only: give a certificate and its key, or listen on 127.0.0.1.',
    );
  const digests = [...options.clients].map(([token, name]) => {
    if (token.length < 20) throw new AppError('INVALID_INPUT', 'A token of the pinning server has 20 characters or more.');
    return { digest: createHash('sha256').update(token).digest(), name };
  });

  const clientOf = ({ headers }: IncomingMessage): string => {
    const token = /^Bearer (.{1,500})$/.exec(headers.authorization ?? '')?.[1] ?? '';
    const digest = createHash('sha256').update(token).digest();
    // All are compared, so that the time says nothing.
    const found = digests.filter((known) => timingSafeEqual(known.digest, digest));
    const [client] = found;
    if (!client) throw new Refusal(401, 'UNAUTHORIZED', 'The token is missing or not known here');
    return client.name;
  };

  const shown = (pin: KeptPin) => ({
    requestid: pin.requestId,
    status: pin.status,
    created: new Date(pin.createdAt).toISOString(),
    pin: { cid: pin.cid, ...(pin.name ? { name: pin.name } : {}), origins: pin.origins, meta: pin.meta },
    delegates: keeper.delegates(),
  });

  const answer = async (request: IncomingMessage): Promise<{ status: number; body?: unknown }> => {
    const client = clientOf(request);
    const url = new URL(request.url ?? '/', 'http://hub');
    const id = /^\/pins\/([^/]+)$/.exec(url.pathname)?.[1];
    if (url.pathname === '/pins' && request.method === 'GET') {
      const { cid: cids, name, match, status, limit, ...others } = parsed(query, Object.fromEntries(url.searchParams));
      const { count, pins } = keeper.list(
        client,
        { cids, states: status, name: name === undefined ? undefined : { text: name, match }, ...others },
        limit,
      );
      return { status: 200, body: { count, results: pins.map(shown) } };
    }
    if (url.pathname === '/pins' && request.method === 'POST') {
      return { status: 202, body: shown(keeper.add(client, parsed(pinBody, await bodyOf(request)))) };
    }
    if (id !== undefined) {
      const known = idPattern.test(id) ? keeper.pin(client, id) : undefined;
      if (!known) throw new Refusal(404, 'NOT_FOUND', 'There is no such pin');
      if (request.method === 'GET') return { status: 200, body: shown(known) };
      if (request.method === 'POST') return { status: 202, body: shown(keeper.add(client, parsed(pinBody, await bodyOf(request)), id)) };
      if (request.method === 'DELETE') {
        keeper.remove(client, id);
        return { status: 202 };
      }
    }
    throw new Refusal(404, 'NOT_FOUND', 'There is nothing here');
  };

  const respond = (response: ServerResponse, status: number, body?: unknown): void => {
    response.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
    response.end(body === undefined ? undefined : JSON.stringify(body));
  };

  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    answer(request)
      .then(({ status, body }) => respond(response, status, body))
      .catch((error: unknown) => {
        const isFull = error instanceof AppError && error.code === 'NOT_ALLOWED';
        const refusal =
          error instanceof Refusal ? error : isFull ? new Refusal(409, 'INSUFFICIENT_FUNDS', 'No room is left for this token') : null;
        if (!refusal) options.report(error);
        // What is left of a body that nobody reads is not waited for.
        if (!request.complete) response.setHeader('Connection', 'close');
        const { status, reason, message } = refusal ?? new Refusal(500, 'INTERNAL_SERVER_ERROR', 'The hub could not do this');
        respond(response, status, { error: { reason, details: message } });
      });
  };

  const limits = { requestTimeout: requestTimeoutMs, headersTimeout: requestTimeoutMs, maxHeaderSize: 16 * 1024 };
  const server = tls ? createSecureServer({ ...limits, ...tls }, handle) : createServer(limits, handle);
  server.maxConnections = maxConnections;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) =>
      reject(
        new AppError('NOT_ALLOWED', `The pinning server cannot listen on ${host}:${options.port}. Choose another port.`, {}, { cause }),
      ),
    );
    server.listen(options.port, host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function parsed<S extends z.ZodType>(schema: S, value: unknown): z.infer<S> {
  const result = schema.safeParse(value);
  if (!result.success) throw new Refusal(400, 'BAD_REQUEST', result.error.issues[0]?.path.join('.') || 'The request makes no sense');
  return result.data;
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxBodyBytes) throw new Refusal(400, 'BAD_REQUEST', 'The request is too large');
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw new Refusal(400, 'BAD_REQUEST', 'The request is no JSON');
  }
}
