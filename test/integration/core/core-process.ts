/** The built core (test/built-core.ts) in a process of its own, which can be killed at any moment and started again on the same data folder. */
import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import type { FromCore, ToCore } from '../../../src-main/core/entry.ts';
import { AppError } from '../../../src-shared/errors.ts';
import type { CallInput, CallName, CallOutput, EventMessage, ReplyMessage } from '../../../src-shared/ipc-schema.ts';
import { answerAsKeychain } from './fake-keychain.ts';

export class CoreProcess {
  readonly #dir: string;
  readonly #passphraseCost: { readonly memoryKiB: number; readonly passes: number } | undefined;
  readonly #keychain: () => string | null;
  readonly #env: Readonly<Record<string, string>>;
  readonly #waiting = new Map<number, { resolve: (reply: ReplyMessage) => void; reject: (error: Error) => void }>();
  #child: ChildProcess | null = null;
  /** Facts that the core tells. */
  onEvent: ((event: EventMessage) => void) | null = null;
  #id = 0;

  /**
   * @param passphraseCost what sealing costs; as in use unless given.
   * @param keychain the secret of the keychain that answers the core; null: none runs
   * @param env besides this process' own
   */
  constructor(
    dir: string,
    passphraseCost?: { readonly memoryKiB: number; readonly passes: number },
    keychain: () => string | null = () => null,
    env: Readonly<Record<string, string>> = {},
  ) {
    this.#dir = dir;
    this.#env = env;
    this.#keychain = keychain;
    this.#passphraseCost = passphraseCost;
  }

  start(): void {
    const options = {
      dataDir: this.#dir,
      resourcesDir: join(process.cwd(), 'resources'),
      mdns: false,
      listen: ['/ip4/127.0.0.1/tcp/0'],
      version: 'test',
      passphraseCost: this.#passphraseCost,
    };
    const child = fork('dist/core/core.mjs', [JSON.stringify(options)], {
      ...{ serialization: 'advanced', execArgv: [] },
      env: { ...process.env, ...this.#env },
    });
    child.on('message', (message: ReplyMessage | { event: string } | Extract<FromCore, { control: string }>) => {
      if ('control' in message && message.control === 'keychain')
        child.send({ control: 'keychain', id: message.id, answer: answerAsKeychain(this.#keychain(), message.ask) } satisfies ToCore);
      if ('control' in message) return;
      if ('event' in message) this.onEvent?.(message as EventMessage);
      if (!('id' in message)) return;
      this.#waiting.get(message.id)?.resolve(message);
      this.#waiting.delete(message.id);
    });
    child.on('exit', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('killed'));
      this.#waiting.clear();
    });
    this.#child = child;
  }

  async ask<N extends CallName>(call: N, input: CallInput<N>): Promise<CallOutput<N>> {
    const id = this.#id++;
    const reply = await new Promise<ReplyMessage>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#child?.send({ id, call, input });
    });
    if (reply.ok) return reply.output as never;
    throw new AppError(reply.error.code, reply.error.message, reply.error.details);
  }

  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await gone;
  }
}
