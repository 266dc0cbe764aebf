/** A process that turns the keychain on or off in a data folder, as a core does, and may be killed at any step of it (kill-at.mjs). */
import { createHash, randomBytes } from 'node:crypto';
import { openMachineKey } from '../../../src-main/core/adapters/files/machine-key.ts';
import { fakeKeychain } from './fake-keychain.ts';

const [dataDir = '', turn] = process.argv.slice(2);
const machineKey = await openMachineKey({
  dataDir,
  keychain: fakeKeychain(() => 'one'),
  randomBytes: (length) => new Uint8Array(randomBytes(length)),
  sha256: (bytes) => new Uint8Array(createHash('sha256').update(bytes).digest()),
});
machineKey.take();
(globalThis as { countSteps?: boolean }).countSteps = true;
if (turn === 'on') await machineKey.seal();
else machineKey.keepPlain();
process.stdout.write('done');
