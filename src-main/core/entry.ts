/**
 * The core's own process. It runs `createCore` behind a message port: Electron's utilityProcess (`process.parentPort`) or Node's
 * child_process.fork (`process.send`). Calls that arrive while the core is starting wait for it; when the parent goes, so does the core.
 */
import { toWireError, type WireError } from '../../src-shared/errors.ts';
import type { CallMessage, EventMessage, ReplyMessage } from '../../src-shared/ipc-schema.ts';
import { openCoreDoor } from './core-door.ts';
import type { CoreOptions } from './core.ts';
import { askForKeychain, type KeychainAnswer, type KeychainAsk } from './keychain-access.ts';

export type { CoreOptions, KeychainAnswer, KeychainAsk };

/** `keychain`: what the core asked of the operating system's keychain, which only the shell can reach. */
export type ToCore =
  CallMessage | { readonly control: 'stop' } | { readonly control: 'keychain'; readonly id: number; readonly answer: KeychainAnswer };
/** `failed`: the core cannot start here, and trying again would not help (a store from a newer version, a folder in use). */
export type FromCore =
  | ReplyMessage
  | EventMessage
  | { readonly control: 'ready' }
  | { readonly control: 'failed'; readonly error: WireError }
  | { readonly control: 'keychain'; readonly id: number; readonly ask: KeychainAsk };

interface Port {
  send(message: FromCore): void;
  listen(onMessage: (message: ToCore) => void, onParentGone: () => void): void;
}

interface ParentPort {
  on(event: 'message', listener: (event: { data: unknown }) => void): void;
  postMessage(message: unknown): void;
}

function openPort(): Port {
  const parentPort = (process as unknown as { parentPort?: ParentPort }).parentPort;
  if (parentPort) {
    return {
      send: (message) => parentPort.postMessage(message),
      // Electron ends utility processes together with their parent.
      listen: (onMessage) => parentPort.on('message', (event) => onMessage(event.data as ToCore)),
    };
  }
  if (!process.send) throw new Error('The core is started by the workstation, not by hand: use `npm start` or `npm run admin`.');
  return {
    send(message) {
      // The parent may be gone between two events: then 'disconnect' ends this process, and an unsent message harms nothing.
      if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
    },
    listen(onMessage, onParentGone) {
      process.on('message', (message) => onMessage(message as ToCore));
      process.on('disconnect', onParentGone);
    },
  };
}

const stopLimitMs = 8000;

async function run(): Promise<void> {
  // The first argument is what the core is started with.
  const options = JSON.parse(process.argv[2] ?? '') as CoreOptions;
  const port = openPort();
  // On the next tick, so that a core that cannot start at all fails like one that fails later.
  const asked = askForKeychain((id, ask) => port.send({ control: 'keychain', id, ask }));
  const starting = Promise.resolve().then(() => openCoreDoor(options, asked.keychain));
  let stopping = false;

  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    // Durable state never depends on a clean stop, so a stop that hangs is cut short.
    setTimeout(() => process.exit(1), stopLimitMs).unref();
    starting
      .then((core) => core.stop())
      .then(
        () => process.exit(0),
        () => process.exit(1),
      );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);

  port.listen((message) => {
    if ('control' in message) {
      if (message.control === 'keychain') asked.answered(message.id, message.answer);
      else stop();
      return;
    }
    starting.then(
      (core) => core.call(message).then((reply) => port.send(reply)),
      (error: unknown) => port.send({ id: message.id, ok: false, error: toWireError(error) }),
    );
  }, stop);

  try {
    const core = await starting;
    core.onEvent((event) => port.send(event));
    port.send({ control: 'ready' });
  } catch (error) {
    // stderr is the operator's; the wire error carries no secret, an unknown error's stack names code only.
    process.stderr.write(`The core could not start: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    port.send({ control: 'failed', error: toWireError(error) });
    // Leaves the message time to go out: the parent answers 'failed' with a stop, or goes.
    setTimeout(() => process.exit(1), stopLimitMs);
  }
}

await run();
