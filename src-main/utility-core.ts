/** Starts the core in an Electron utility process: its own Node, beside the window's and the menu's. */
import { utilityProcess } from 'electron';
import type { StartCoreChild } from './core-child.ts';
import type { FromCore } from './core/entry.ts';

/** @param coreFile the built core (dist/core/core.mjs) */
export function utilityCore(coreFile: string): StartCoreChild {
  return (options) => {
    const child = utilityProcess.fork(coreFile, [JSON.stringify(options)], { serviceName: 'Anamnesis core', stdio: 'inherit' });
    return {
      get pid() {
        return child.pid;
      },
      send: (message) => child.postMessage(message),
      onMessage: (listener) => void child.on('message', (message: FromCore) => listener(message)),
      onExit: (listener) => void child.once('exit', listener),
      kill: () => void child.kill(),
    };
  };
}
