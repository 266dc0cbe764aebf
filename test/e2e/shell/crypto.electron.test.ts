/**
 * The tests of test/unit/crypto once more, inside Electron: its BoringSSL lacks ciphers that Node's OpenSSL has, so that what passes on
 * Node may fail in the program that people run. Each of its tests is a test here, by the same name.
 *
 * How: the test files, the adapters and the Argon2 worker are bundled for Node 18 and run by ELECTRON_RUN_AS_NODE=1, on the project's
 * Electron where it is installed and on the older one otherwise (scripts/electron-runtime.ts). Two things are done for the older one,
 * whose Node is 18.15; both leave the cryptography alone:
 * - vitest's workers need Node 22, so a thin runner collects and runs (harness/thin-vitest.ts); assertions are vitest's own. To know that
 *   it leaves nothing out, vitest runs the same files on this Node, and files, names and skipped tests have to be the same.
 * - `--experimental-global-webcrypto` gives it the global `crypto` that Electron 45 has without asking. What stands behind it is
 *   Electron's own WebCrypto, on BoringSSL.
 */
import { describe, expect, it } from 'vitest';
import { runInElectron, runInVitest } from '../harness/electron-suite.ts';
import { nodeCryptoNames } from '../harness/node-crypto-names.ts';

const folder = 'test/unit/crypto';
const [{ runtime, outcomes }, reference] = await Promise.all([runInElectron(folder), runInVitest(folder)]);
const { electron, node } = runtime.versions;

describe.each([...new Set(outcomes.map(({ file }) => file))])(`in Electron ${electron}, Node ${node}: %s`, (file) => {
  for (const { name, state, error } of outcomes.filter((outcome) => outcome.file === file)) {
    it.skipIf(state === 'skipped')(name, () => {
      if (state === 'failed') throw new Error(`In Electron: ${error}`);
    });
  }
});

describe('the suite in Electron', () => {
  it('has the tests that vitest finds on this Node, and skips no other', () => {
    const listed = (tests: Readonly<typeof reference>) =>
      tests.map(({ file, name, state }) => `${file}: ${name}${state === 'skipped' ? ' (skipped)' : ''}`).sort();
    expect(reference.length).toBeGreaterThan(0);
    expect(listed(outcomes)).toEqual(listed(reference));
  });

  it('runs on BoringSSL', () => {
    expect(electron).toBeDefined();
    expect(runtime.curves).not.toContain('secp256k1');
  });
});

describe("the program's own use of node:crypto", () => {
  const { functions, algorithms } = nodeCryptoNames('src-main');

  it('is these functions and algorithms', () => {
    expect(functions).toEqual([
      'createCipheriv',
      'createDecipheriv',
      'createHash',
      'pbkdf2',
      'pbkdf2Sync',
      'randomBytes',
      'randomFillSync',
      'randomUUID',
      'scrypt',
      'timingSafeEqual',
    ]);
    expect(algorithms).toEqual(['aes-128-ctr', 'aes-256-gcm', 'sha256', 'sha512']);
  });

  it.each(algorithms)('%s is in BoringSSL', (algorithm) => {
    expect([...runtime.ciphers, ...runtime.hashes].map((name) => name.toLowerCase())).toContain(algorithm);
  });
});
