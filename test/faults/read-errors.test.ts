/** Reading fails while the write-ahead log is carried over: that is an error, and the file is what it was; nothing is written that was never read. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import { FaultyDisk, noFaultyDisk } from './disk/faulty-disk.ts';

describe.skipIf(noFaultyDisk() !== null)('a database whose file cannot be read for a while', () => {
  it.each(['plain', 'encrypted'])('is whole afterwards: %s', async (kind) => {
    const dir = mkdtempSync(join(tmpdir(), 'anamnesis-read-errors-'));
    const disk = new FaultyDisk(dir, join(dir, 'nothing'));
    const child = spawn(process.execPath, [join(import.meta.dirname, 'disk', 'checkpoints.ts'), dir, kind], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, ...disk.env },
    });
    try {
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
      const ask = async (what: string): Promise<unknown> => {
        child.stdin.write(`${what}\n`);
        return JSON.parse((await lines.next()).value ?? 'null');
      };
      for (const spared of [0, 1, 2, 5, 9, 20]) {
        expect(await ask('write')).toBe(40);
        disk.set('reading fails', spared);
        expect(await ask('checkpoint')).toMatchObject({ code: expect.stringMatching(/^SQLITE_(IOERR|CORRUPT|NOTADB)/) });
        disk.set('none');
        expect(await ask('check')).toEqual([{ integrity_check: 'ok' }]);
      }
      expect(await ask('checkpoint')).toMatchObject([{ busy: 0 }]);
      expect(await ask('check')).toEqual([{ integrity_check: 'ok' }]);
      expect(await ask('count')).toBe(240);
    } finally {
      const gone = once(child, 'exit');
      child.stdin.end();
      await gone;
      disk.close();
      rmSync(dir, { recursive: true, force: true });
    }
  });
});
