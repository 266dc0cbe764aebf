/**
 * Asks a service that speaks the IPFS Pinning Service API, version 1 (https://ipfs.github.io/pinning-services-api-spec/). Its answers are bounded in bytes and
 * time and parsed; a redirect is no answer, for it could carry the token elsewhere. The token is in no error.
 */
import { z } from 'zod';
import { AppError } from '../../../../src-shared/errors.ts';
import type { PinningAccess, PinningPort, PinStatus } from '../../ports.ts';

const timeoutMs = 20_000;
const maxAnswerBytes = 512 * 1024;
const cidsPerQuestion = 10;
/** Pins of one CID that are looked at: nobody needs more than one. */
const maxResults = 100;
const loopback = new Set(['localhost', '127.0.0.1', '[::1]']);

const pinStatus = z.object({
  requestid: z.string().min(1).max(256),
  status: z.enum(['queued', 'pinning', 'pinned', 'failed']),
  pin: z.object({ cid: z.string().min(1).max(128) }),
  delegates: z.array(z.string().max(300)).max(20),
});
const results = z.object({ results: z.array(pinStatus).max(1000) });

export function createPinningClient(options: { readonly timeoutMs?: number } = {}): PinningPort {
  const limitMs = options.timeoutMs ?? timeoutMs;

  const ask = async (access: PinningAccess, method: 'GET' | 'POST', path: string, body?: unknown): Promise<unknown> => {
    let response: Response;
    let text: string;
    try {
      response = await fetch(`${checkEndpoint(access.endpoint)}${path}`, {
        ...{ method, redirect: 'error', signal: AbortSignal.timeout(limitMs) },
        headers: {
          ...{ Authorization: `Bearer ${access.token}`, Accept: 'application/json' },
          ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      text = await textOf(response);
    } catch (error) {
      // What `fetch` says may hold what was sent.
      throw error instanceof AppError ? error : away();
    }
    if (response.status === 401) {
      throw new AppError(
        'WRONG_CREDENTIALS',
        'The pinning service does not accept the token. Nothing is lost here; enter the one that it gave you.',
      );
    }
    if (response.status === 403 || response.status === 409) {
      const text =
        'The pinning service takes no more for this token: there is no room left, or it may not. Ask whoever runs it. It is tried again.';
      throw new AppError('NOT_ALLOWED', text, { status: response.status });
    }
    if (response.status === 429 || response.status >= 500) throw away(response.status);
    if (!response.ok) throw senseless(response.status);
    try {
      return JSON.parse(text);
    } catch {
      throw senseless(response.status);
    }
  };

  return {
    checkEndpoint,
    async add(access, { cid, origins }) {
      const answer = pinStatus.safeParse(await ask(access, 'POST', '/pins', { cid, name: 'anamnesis', origins: origins.slice(0, 20) }));
      if (!answer.success || answer.data.pin.cid !== cid) throw senseless();
      return statusOf(answer.data);
    },
    async of(access, cids) {
      const query = new URLSearchParams({
        cid: cids.slice(0, cidsPerQuestion).join(','),
        status: 'queued,pinning,pinned,failed',
        limit: String(maxResults),
      });
      const answer = results.safeParse(await ask(access, 'GET', `/pins?${query.toString()}`));
      if (!answer.success) throw senseless();
      return answer.data.results.map(statusOf).filter(({ cid }) => cids.includes(cid));
    },
  };
}

const statusOf = ({ requestid, status, pin, delegates }: z.infer<typeof pinStatus>): PinStatus => ({
  ...{ requestId: requestid, status, cid: pin.cid, delegates },
});

function checkEndpoint(endpoint: string): string {
  let url: URL | null = null;
  try {
    url = new URL(endpoint);
  } catch {
    // Said below.
  }
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && loopback.has(url.hostname));
  if (!url || !isSafe || url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw new AppError(
      'INVALID_INPUT',
      'The address of a pinning service begins with https:// and holds no name or password. Nothing was saved.',
    );
  }
  return url.href.replace(/\/+$/, '');
}

/** The body, if it is not larger than it may be. */
async function textOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += (chunk as Uint8Array).length;
    if (length > maxAnswerBytes) throw senseless(response.status);
    chunks.push(chunk as Uint8Array);
  }
  return Buffer.concat(chunks).toString('utf8');
}

const away = (status?: number): AppError =>
  new AppError('PEER_UNREACHABLE', 'The pinning service does not answer now. What is to be pinned waits here; it is tried again.', {
    ...(status === undefined ? {} : { status }),
  });

const senseless = (status?: number): AppError =>
  new AppError('INVALID_INPUT', 'What answers at this address is no pinning service, or one that answers wrongly. Check the address.', {
    ...(status === undefined ? {} : { status }),
  });
