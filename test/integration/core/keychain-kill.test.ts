/** Turning the keychain on or off is killed before each of its steps on the disk: the folder opens with the same key each time, and nothing is left lying about. */
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, linkSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readKeyFile } from '../../../src-main/core/adapters/files/key-file.ts';
import { openMachineKey } from '../../../src-main/core/adapters/files/machine-key.ts';
import { fakeKeychain } from './fake-keychain.ts';

let dir = '';
beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'anamnesis-key-'))));
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const options = () => ({
  dataDir: dir,
  keychain: fakeKeychain(() => 'one'),
  randomBytes: (length: number) => new Uint8Array(randomBytes(length)),
  sha256: (bytes: Uint8Array) => new Uint8Array(createHash('sha256').update(bytes).digest()),
});
const open = async () => {
  const machineKey = await openMachineKey(options());
  return { machineKey, key: Buffer.from(machineKey.take()) };
};

/** Whether it got to its end, and by what it ended where not. */
function turn(way: 'on' | 'off', killAt: number): Promise<{ done: boolean; signal: NodeJS.Signals | null | undefined; errors: string }> {
  const folder = import.meta.dirname;
  const args = ['--import', join(folder, 'kill-at.mjs'), join(folder, 'turn-keychain.ts'), dir, way];
  return new Promise((resolve) =>
    execFile(process.execPath, args, { env: { ...process.env, KILL_AT: String(killAt) } }, (error, stdout, errors) =>
      resolve({ done: stdout === 'done', signal: error?.signal, errors }),
    ),
  );
}

describe.each(['on', 'off'] as const)('turning it %s', (way) => {
  it('leaves a state that opens, whichever step it is killed before', async () => {
    const first = await open();
    const { key } = first;
    writeFileSync(join(dir, 'workstation.db'), 'a database');
    let kills = 0;
    for (let killAt = 1; ; killAt++) {
      const { machineKey } = await open();
      if (way === 'on') machineKey.keepPlain();
      else if (!machineKey.sealed()) await machineKey.seal();
      const { done, signal, errors } = await turn(way, killAt);
      const again = await open();
      expect(again.key.equals(key)).toBe(true);
      // No second file with the key, sealed or plain, outlives the next start.
      expect(readdirSync(dir).sort()).toEqual(['machine.key', 'workstation.db']);
      if (done) {
        expect(readKeyFile(dir).kind).toBe(way === 'on' ? 'sealed' : 'plain');
        break;
      }
      expect({ signal, errors }).toEqual({ signal: 'SIGKILL', errors: '' });
      kills += 1;
    }
    // Otherwise nothing was tested: writing, syncing and renaming are five steps at the least.
    expect(kills).toBeGreaterThan(5);
  }, 180_000);
});

describe('the plain file that a sealed one replaces', () => {
  it('is overwritten before it is removed, also when a kill came between', async () => {
    const { key, machineKey } = await open();
    await machineKey.seal();
    // As a kill after the renaming leaves it; a second name shows what becomes of the file itself.
    writeFileSync(join(dir, 'machine.key.old'), key);
    linkSync(join(dir, 'machine.key.old'), join(dir, 'witness'));
    expect((await open()).key.equals(key)).toBe(true);
    expect(existsSync(join(dir, 'machine.key.old'))).toBe(false);
    expect([...readFileSync(join(dir, 'witness'))]).toEqual(Array.from({ length: 32 }, () => 0));
  });
});
