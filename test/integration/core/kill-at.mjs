/** Preloaded into a process that is to be killed at its n-th step on the disk (KILL_AT): before it, SIGKILL comes. Prints how many there were. */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const killAt = Number(process.env.KILL_AT);
let steps = 0;
for (const name of ['openSync', 'writeSync', 'fsyncSync', 'closeSync', 'linkSync', 'renameSync', 'unlinkSync']) {
  const real = fs[name];
  fs[name] = (...args) => {
    // Only what is done to the key, once the test says that it begins.
    if (globalThis.countSteps && ++steps === killAt) process.kill(process.pid, 'SIGKILL');
    return real(...args);
  };
}
syncBuiltinESMExports();
