/**
 * The browser shell's HTTP server, for this machine only. A one-time token in the first address is exchanged for a session cookie;
 * after that every request must carry the cookie and name this server as Host (against DNS rebinding) and as Origin (against other
 * pages in the same browser).
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { WireError } from '../src-shared/errors.ts';
import type { CallMessage } from '../src-shared/ipc-schema.ts';
import { parseCallMessage } from './call-message.ts';
import { securityHeaders } from './content-security.ts';
import type { CoreProcess } from './core-process.ts';
import { openEventStreams } from './event-streams.ts';
import { readStaticFile } from './static-files.ts';

const maxBodyBytes = 4 * 1024 * 1024;

export interface WorkstationServer {
  /** With the one-time token. */
  readonly url: string;
  readonly port: number;
  /** Has every page load again. */
  reload(): void;
  stop(): Promise<void>;
}

/** Listens on 127.0.0.1; port 0 is any free one. Rejects where the port is taken. */
export async function serveWorkstation(options: {
  readonly core: Pick<CoreProcess, 'call' | 'onEvent'>;
  readonly rendererDir: string;
  readonly port: number;
}): Promise<WorkstationServer> {
  const { core, rendererDir } = options;
  const session = randomBytes(32).toString('base64url');
  let token: string | null = randomBytes(32).toString('base64url');
  const streams = openEventStreams(core);
  let host = '';
  let cookieName = '';

  const server = createServer({ requestTimeout: 30_000, headersTimeout: 10_000, maxHeaderSize: 16 * 1024 }, (request, response) => {
    handle(request, response).catch(() => {
      // A broken connection, or a file that could not be read: nothing of it may reach the page.
      if (!response.headersSent) refuse(response, 500, 'The workstation could not answer this.');
      else response.destroy();
    });
  });

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    for (const [name, value] of Object.entries(securityHeaders)) response.setHeader(name, value);
    if (request.headers.host !== host) return refuse(response, 403, 'This address is not the one that the workstation showed.');
    const origin = request.headers.origin;
    if (origin !== undefined && origin !== `http://${host}`) return refuse(response, 403, 'Another page asked for this.');

    const url = new URL(request.url ?? '/', `http://${host}`);
    const signedIn = hasSession(request);
    if (request.method === 'GET' && url.pathname === '/' && url.searchParams.has('token')) {
      return exchangeToken(url.searchParams.get('token') ?? '', signedIn, response);
    }
    if (!signedIn)
      return refuse(response, 401, 'Open the workstation with the address that it showed when it was started. The address works once.');
    if (url.pathname === '/rpc') {
      if (request.method !== 'POST') return refuse(response, 405, 'POST only.');
      // Browsers send Origin with every POST: one without it comes from elsewhere.
      if (origin === undefined) return refuse(response, 403, 'Another program asked for this.');
      return answerCall(request, response);
    }
    if (request.method !== 'GET') return refuse(response, 405, 'GET only.');
    if (url.pathname === '/events') {
      const site = request.headers['sec-fetch-site'];
      if (site !== undefined && site !== 'same-origin') return refuse(response, 403, 'Another page asked for this.');
      return streams.add(response);
    }
    const file = await readStaticFile(rendererDir, url.pathname);
    if (!file) return refuse(response, 404, 'There is no such page.');
    response.writeHead(200, { 'content-type': file.type, 'content-length': file.bytes.length, 'cache-control': file.cacheControl });
    response.end(file.bytes);
  }

  function hasSession(request: IncomingMessage): boolean {
    const cookies = (request.headers.cookie ?? '').split(/;\s*/);
    return cookies.some((cookie) => cookie.startsWith(`${cookieName}=`) && equal(cookie.slice(cookieName.length + 1), session));
  }

  function exchangeToken(given: string, signedIn: boolean, response: ServerResponse): void {
    if (token !== null && equal(given, token)) {
      token = null;
      response.setHeader('set-cookie', `${cookieName}=${session}; HttpOnly; SameSite=Strict; Path=/`);
    } else if (!signedIn) {
      return refuse(response, 401, 'This address was used already, and works once. Start the workstation again for a new one.');
    }
    response.writeHead(303, { location: '/', 'cache-control': 'no-store' }).end();
  }

  async function answerCall(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!/^application\/json\b/i.test(request.headers['content-type'] ?? '')) return refuse(response, 415, 'JSON only.');
    const body = await readBody(request);
    if (body === null) {
      response.setHeader('connection', 'close');
      return refuseCall(response, 413, 'This is larger than a screen may send at once (4 MB). Nothing was changed.');
    }
    let message: CallMessage;
    try {
      message = parseCallMessage(JSON.parse(body.toString('utf8')));
    } catch {
      return refuseCall(response, 400, 'The page sent something that is not a call. Nothing was changed; reload the page.');
    }
    sendJson(response, 200, await core.call(message));
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  host = `127.0.0.1:${port}`;
  // Cookies know no ports: two workstations on one machine need two names.
  cookieName = `anamnesis-${port}`;

  return {
    url: `http://${host}/?token=${token}`,
    port,
    reload: () => streams.reload(),
    async stop() {
      streams.stop();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}

function equal(a: string, b: string): boolean {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.length === right.length && timingSafeEqual(left, right);
}

function refuse(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' }).end(`${text}\n`);
}

function refuseCall(response: ServerResponse, status: number, message: string): void {
  const error: WireError = { code: 'INVALID_INPUT', message, details: {} };
  sendJson(response, status, { id: 0, ok: false, error });
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' }).end(JSON.stringify(value));
}

/** The whole body, or null where it is larger than allowed. */
async function readBody(request: IncomingMessage): Promise<Buffer | null> {
  if (Number(request.headers['content-length'] ?? 0) > maxBodyBytes) return null;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBodyBytes) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
