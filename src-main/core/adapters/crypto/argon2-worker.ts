/**
 * Worker thread that stretches one passphrase with Argon2id and ends: the event loop stays free, and 64 MiB are given back at once.
 * An entry of its own beside the core's bundle. Run from source it is loaded by type stripping, so it imports packages only.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { argon2id } from '@noble/hashes/argon2.js';

interface Argon2Task {
  readonly passphrase: Uint8Array;
  readonly salt: Uint8Array;
  readonly memoryKiB: number;
  readonly passes: number;
}

const { passphrase, salt, memoryKiB, passes } = workerData as Argon2Task;
if (parentPort === null) throw new Error('argon2-worker runs as a worker thread only');

// What a guess costs, without starting this thread, is told along with the key.
// RFC 9106: version 0x13, one lane, 32-byte tag.
const started = performance.now();
const key = argon2id(passphrase, salt, { m: memoryKiB, t: passes, p: 1, dkLen: 32 });
passphrase.fill(0);
parentPort.postMessage({ key, seconds: (performance.now() - started) / 1000 }, [key.buffer as ArrayBuffer]);
