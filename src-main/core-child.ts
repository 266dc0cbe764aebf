/** A running core process as its supervisor sees it, and how Node starts one. Electron's way is in utility-core.ts. */
import { fork } from 'node:child_process';
import type { CoreOptions, FromCore, ToCore } from './core/entry.ts';

export interface CoreChild {
  readonly pid: number | undefined;
  send(message: ToCore): void;
  onMessage(listener: (message: FromCore) => void): void;
  /** Called once, when the process has ended for whatever reason. */
  onExit(listener: (code: number | null) => void): void;
  kill(): void;
}

export type StartCoreChild = (options: CoreOptions) => CoreChild;

/**
 * Starts the core by child_process.fork: in the browser shell, and in an Electron whose own Node is too old for the core.
 * @param coreFile the built core (dist/core/core.mjs)
 * @param nodeExecutable Node 24 or newer
 */
export function forkCore(coreFile: string, nodeExecutable: string): StartCoreChild {
  return (options) => {
    const env = { ...process.env };
    delete env['ELECTRON_RUN_AS_NODE'];
    delete env['NODE_OPTIONS'];
    const child = fork(coreFile, [JSON.stringify(options)], {
      execPath: nodeExecutable,
      execArgv: ['--enable-source-maps'],
      serialization: 'advanced',
      env,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    return {
      get pid() {
        return child.pid;
      },
      send(message) {
        // A send that fails means that the process is ending; 'exit' then answers everything that is under way.
        child.send(message, () => undefined);
      },
      onMessage: (listener) => void child.on('message', (message) => listener(message as unknown as FromCore)),
      onExit(listener) {
        let told = false;
        const tell = (code: number | null): void => {
          if (told) return;
          told = true;
          listener(code);
        };
        child.on('exit', tell);
        child.on('error', () => {
          // 'error' without a pid: it never ran. Otherwise sending or killing failed, and 'exit' follows.
          if (child.pid === undefined) tell(null);
        });
      },
      kill: () => void child.kill('SIGKILL'),
    };
  };
}
