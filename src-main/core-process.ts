/**
 * Keeps one core process running: starts it, relays calls with ids of its own (several screens may use the same ones), starts it again
 * when it dies, and answers what was under way at that moment. After a restart screens get fresh facts, since they may have missed some.
 */
import type { WireError } from '../src-shared/errors.ts';
import type { CallMessage, EventMessage, ReplyMessage } from '../src-shared/ipc-schema.ts';
import type { CoreChild, StartCoreChild } from './core-child.ts';
import type { CoreOptions, FromCore } from './core/entry.ts';
import { answerFrom, keychainOutOfReach, type ShellKeychain } from './keychain.ts';

/** More than any screen has under way; beyond it calls are refused, not kept. */
const maxUnderWay = 256;
const firstDelayMs = 100;
const maxDelayMs = 10_000;
/** Deaths in a row without having been ready in between, after which the core is given up. */
const maxFailedStarts = 4;
/** Deaths longer ago than this no longer delay the next start. */
const forgetDeathsMs = 60_000;
const stopLimitMs = 10_000;

const restarted: WireError = {
  code: 'CORE_RESTARTED',
  message:
    "The workstation's core was restarted. What was shown as saved is safe; what was under way may not have been done. Look whether it is there, and do it again if not.",
  details: {},
};
const closing: WireError = { code: 'CANCELLED', message: 'The workstation is closing. What was shown as saved is safe.', details: {} };
const busy: WireError = {
  code: 'TRY_LATER',
  message: 'The workstation is busy with many requests. Nothing was lost; try again in a moment.',
  details: { retryInSeconds: 2 },
};
const givenUp: WireError = {
  code: 'INTERNAL',
  message:
    "The workstation's core ended again and again while starting. The data on disk was not changed by this. Restart the workstation; if it does not help, call your support.",
  details: {},
};

export interface CoreProcess {
  /** Always resolves; failures are replies. */
  call(message: CallMessage): Promise<ReplyMessage>;
  /** Returns how to stop listening. */
  onEvent(listener: (message: EventMessage) => void): () => void;
  /** Called when the core cannot run (and restarting would not help); at once where that is so already. */
  onFailure(listener: (error: WireError) => void): void;
  /** The running process's id; undefined while there is none. */
  readonly pid: number | undefined;
  /** Resolves at the first time the core is ready; rejects never: a failure is told by onFailure. */
  readonly ready: Promise<void>;
  /** Tries again after a failure. */
  restart(): void;
  stop(): Promise<void>;
}

interface UnderWay {
  readonly message: CallMessage;
  readonly resolve: (reply: ReplyMessage) => void;
}

/** Starts the core and keeps it running until `stop`. The core asks for the keychain, if there is one to reach, by messages. */
export function superviseCore(
  startChild: StartCoreChild,
  options: CoreOptions,
  keychain: ShellKeychain = keychainOutOfReach('browser'),
): CoreProcess {
  const underWay = new Map<number, UnderWay>();
  const eventListeners = new Set<(message: EventMessage) => void>();
  const failureListeners: ((error: WireError) => void)[] = [];
  let child: CoreChild | null = null;
  let isReady = false;
  let wasReady = false;
  let failedStarts = 0;
  let deaths: number[] = [];
  let failure: WireError | null = null;
  let stopping = false;
  let stopped: Promise<void> | null = null;
  let lastId = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let signalReady: () => void = () => undefined;
  let signalExit: () => void = () => undefined;
  const ready = new Promise<void>((resolve) => (signalReady = resolve));

  const tellEvent = (message: EventMessage): void => {
    for (const listener of eventListeners) listener(message);
  };
  const answerAll = (error: WireError): void => {
    for (const [id, { message, resolve }] of underWay) {
      underWay.delete(id);
      resolve({ id: message.id, ok: false, error });
    }
  };
  const fail = (error: WireError): void => {
    failure = error;
    answerAll(error);
    for (const listener of failureListeners) listener(error);
  };

  async function tellFreshFacts(): Promise<void> {
    const reply = await relay({ id: 0, call: 'workstation.snapshot', input: {} });
    // A failure here means that the core died once more: its next start tells the facts.
    if (!reply.ok) return;
    tellEvent({ event: 'snapshot', payload: reply.output } as EventMessage);
    tellEvent({ event: 'patientsChanged', payload: null });
    tellEvent({ event: 'outboxChanged', payload: null });
  }

  function receive(message: FromCore): void {
    if ('control' in message) {
      if (message.control === 'failed') {
        fail(message.error);
        child?.send({ control: 'stop' });
        return;
      }
      if (message.control === 'keychain') {
        child?.send({ control: 'keychain', id: message.id, answer: answerFrom(keychain, message.ask) });
        return;
      }
      isReady = true;
      failedStarts = 0;
      signalReady();
      if (wasReady) void tellFreshFacts();
      wasReady = true;
      return;
    }
    if ('event' in message) {
      tellEvent(message);
      return;
    }
    const waiting = underWay.get(message.id);
    if (!waiting) return;
    underWay.delete(message.id);
    waiting.resolve({ ...message, id: waiting.message.id });
  }

  function start(): void {
    const started = startChild(options);
    child = started;
    started.onMessage((message) => {
      if (child === started) receive(message);
    });
    started.onExit((code) => {
      if (child !== started) return;
      child = null;
      const diedRunning = isReady;
      isReady = false;
      signalExit();
      if (stopping || failure) return;
      process.stderr.write(`The core ended (${code === null ? 'by a signal' : `code ${code}`}) and is started again.\n`);
      answerAll(restarted);
      failedStarts = diedRunning ? 0 : failedStarts + 1;
      deaths = [...deaths.filter((at) => at > Date.now() - forgetDeathsMs), Date.now()].slice(-20);
      if (failedStarts >= maxFailedStarts) {
        fail(givenUp);
        return;
      }
      timer = setTimeout(start, Math.min(maxDelayMs, firstDelayMs * 2 ** (deaths.length - 1)));
    });
    // Calls that came while there was no process.
    for (const [id, { message }] of underWay) started.send({ ...message, id });
  }

  function relay(message: CallMessage): Promise<ReplyMessage> {
    const refusal = stopping ? closing : (failure ?? (underWay.size >= maxUnderWay ? busy : null));
    if (refusal) return Promise.resolve({ id: message.id, ok: false, error: refusal });
    return new Promise((resolve) => {
      lastId += 1;
      underWay.set(lastId, { message, resolve });
      child?.send({ ...message, id: lastId });
    });
  }

  async function end(): Promise<void> {
    stopping = true;
    clearTimeout(timer);
    answerAll(closing);
    const running = child;
    if (!running) return;
    const exited = new Promise<void>((resolve) => (signalExit = resolve));
    running.send({ control: 'stop' });
    const limit = setTimeout(() => running.kill(), stopLimitMs);
    await exited;
    clearTimeout(limit);
  }

  start();

  return {
    call: relay,
    onEvent(listener) {
      eventListeners.add(listener);
      return () => eventListeners.delete(listener);
    },
    onFailure(listener) {
      failureListeners.push(listener);
      if (failure) listener(failure);
    },
    get pid() {
      return child?.pid;
    },
    ready,
    restart() {
      if (!failure || stopping) return;
      failure = null;
      failedStarts = 0;
      deaths = [];
      const previous = child;
      child = null;
      previous?.kill();
      start();
    },
    stop() {
      stopped ??= end();
      return stopped;
    },
  };
}
