/** The core's events to pages of the browser shell (Server-Sent Events, WHATWG HTML section 9.2), bounded in number and in what waits. */
import type { ServerResponse } from 'node:http';
import type { EventMessage } from '../src-shared/ipc-schema.ts';
import type { CoreProcess } from './core-process.ts';

const keepAliveMs = 15_000;
const maxStreams = 16;
/** A page that does not read is cut off; it connects again and starts from fresh facts. */
const maxWaitingBytes = 4 * 1024 * 1024;

export interface EventStreams {
  add(response: ServerResponse): void;
  /** Has every page load again: its screens are new. */
  reload(): void;
  stop(): void;
}

/** Starts relaying events to every stream added. */
export function openEventStreams(core: Pick<CoreProcess, 'call' | 'onEvent'>): EventStreams {
  const streams = new Set<ServerResponse>();
  let lastId = 0;

  const send = (response: ServerResponse, message: EventMessage): void => {
    lastId += 1;
    response.write(`id: ${lastId}\ndata: ${JSON.stringify(message)}\n\n`);
    if (response.writableLength > maxWaitingBytes) response.destroy();
  };
  const stopListening = core.onEvent((message) => {
    for (const response of streams) send(response, message);
  });
  const keepAlive = setInterval(() => {
    for (const response of streams) response.write(': still here\n\n');
  }, keepAliveMs);

  /** What happened before a page listened, or while it was away, it gets now. */
  async function tellFreshFacts(response: ServerResponse): Promise<void> {
    const reply = await core.call({ id: 0, call: 'workstation.snapshot', input: {} });
    if (!reply.ok || !streams.has(response)) return;
    send(response, { event: 'snapshot', payload: reply.output } as EventMessage);
    send(response, { event: 'patientsChanged', payload: null });
    send(response, { event: 'outboxChanged', payload: null });
  }

  return {
    add(response) {
      if (streams.size >= maxStreams) {
        response.writeHead(503, { 'content-type': 'text/plain; charset=utf-8' }).end('Too many pages of this workstation are open.\n');
        return;
      }
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' });
      response.write('retry: 1000\n\n');
      streams.add(response);
      response.on('close', () => streams.delete(response));
      void tellFreshFacts(response);
    },
    reload() {
      for (const response of streams) response.write('event: reload\ndata: new screens\n\n');
    },
    stop() {
      stopListening();
      clearInterval(keepAlive);
      for (const response of streams) response.end();
    },
  };
}
