/**
 * The bridge of a page served by the browser shell: calls by POST /rpc, events by EventSource. It never throws for a call: when the
 * shell is gone or refuses the page, the screen gets an error in words like any other. Reconnecting is EventSource's own, with a
 * fallback for the case in which the browser gives up.
 */
import type { Bridge, BridgeReply } from '../src-shared/bridge.ts';
import type { WireError } from '../src-shared/errors.ts';
import type { EventMessage, ReplyMessage } from '../src-shared/ipc-schema.ts';

const reconnectAfterMs = 1500;

const shellGone: WireError = {
  code: 'CORE_RESTARTED',
  message:
    'The workstation does not answer: it was closed or is being restarted. What was shown as saved is safe. Start it again if it does not come back; what you typed stays on this page.',
  details: {},
};

const sessionEnded: WireError = {
  code: 'NOT_ALLOWED',
  message:
    'This page no longer belongs to a running workstation. What was shown as saved is safe. Open the workstation again with the address it shows when it starts.',
  details: {},
};

/** Connects this page to the browser shell that served it. */
export function createBrowserBridge(): Bridge {
  const listeners = new Set<(message: EventMessage) => void>();
  let lastId = 0;

  async function call(name: string, input: unknown): Promise<BridgeReply> {
    lastId += 1;
    let response: Response;
    try {
      response = await fetch('/rpc', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ id: lastId, call: name, input }),
        credentials: 'same-origin',
        cache: 'no-store',
        redirect: 'error',
      });
    } catch {
      // fetch tells a network failure only by a TypeError without details: nobody listens there any more.
      return { ok: false, error: shellGone };
    }
    if (response.status === 401 || response.status === 403) return { ok: false, error: sessionEnded };
    try {
      const reply = (await response.json()) as ReplyMessage;
      return reply.ok ? { ok: true, output: reply.output } : { ok: false, error: reply.error };
    } catch {
      // The answer broke off in the middle: the shell died while sending it.
      return { ok: false, error: shellGone };
    }
  }

  function connect(): void {
    const source = new EventSource('/events');
    source.onmessage = (event: MessageEvent<string>) => {
      const message = JSON.parse(event.data) as EventMessage;
      for (const listener of listeners) listener(message);
    };
    // Sent by `npm run dev` alone.
    source.addEventListener('reload', () => location.reload());
    source.onerror = () => {
      // CONNECTING: the browser tries again by itself. CLOSED: it gave up (the shell answered with an error status).
      if (source.readyState !== EventSource.CLOSED) return;
      setTimeout(connect, reconnectAfterMs);
    };
  }
  connect();

  return {
    call,
    onEvent(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async printToPdf(suggestedName) {
      const title = document.title;
      // Browsers suggest the document's title as the file name.
      document.title = suggestedName.replace(/\.pdf$/i, '');
      try {
        window.print();
      } finally {
        document.title = title;
      }
    },
  };
}
