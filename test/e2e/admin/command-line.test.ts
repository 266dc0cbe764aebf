/** The command line end to end: a demo clinic made, real Bundles imported, checked and written out again as they came, and its exit codes. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { resourceTypes } from '../../../src-shared/fhir/resource-types.ts';
import { closeBrowser } from '../harness/browser.ts';
import { launchBrowserShell } from '../harness/browser-shell.ts';
import { temporaryFolder } from '../harness/data-folder.ts';
import { packagedBundles } from '../path/bundles.ts';
import { flipByteIn, storedBlocks } from '../path/stored-blocks.ts';
import { resourceTexts, typeOf } from './bundle-texts.ts';
import { admin, cheapAdmin, type Failure } from './command-line.ts';

interface Imported {
  readonly patient: string;
  readonly registered: boolean;
  readonly card?: string;
  readonly imported: readonly { readonly resourceType: string; readonly count: number }[];
  readonly unsupported: readonly { readonly resourceType: string; readonly count: number }[];
  readonly alreadyHere: number;
  readonly waiting: number;
}
interface Verified {
  readonly patients: number;
  readonly records: number;
  readonly verified: number;
  readonly waiting: number;
  readonly online: boolean;
  readonly failures: readonly { readonly patient: string; readonly check: string }[];
}

const folder = temporaryFolder('admin');
const [data, files] = [join(folder, 'clinic'), folder];
const run = <T>(...args: string[]) => admin<T>(...args, '--data', data, '--json');
const file = (name: string, content: string) => {
  const path = join(files, name);
  writeFileSync(path, content);
  return path;
};

describe('the command line', () => {
  beforeAll(async () => {
    const made = await cheapAdmin<{ patients: number; waiting: number }>('init', '--demo', '--data', data, '--json');
    expect(made.exitCode, made.stdout).toBe(0);
    expect(made.json()).toMatchObject({ patients: 12, waiting: 0 });
  }, 600_000);

  it('tells how the workstation stands, to people and to scripts', async () => {
    const status = await run<{ phase: string; sync: { state: string; waiting: number; rejected: number } }>('status');
    expect(status.json()).toMatchObject({ phase: 'ready', sync: { state: 'online', waiting: 0, rejected: 0 } });
    const inWords = await admin('status', '--data', data);
    expect(inWords.stdout).toContain('phase: ready');
  });

  it.each(packagedBundles.map((path) => [basename(path).replace(/_[0-9a-f-]{36}\.json$/, ''), path]))(
    'imports the history of %s and gives every supported resource out again exactly as it came',
    async (_name, path) => {
      const source = resourceTexts(readFileSync(path, 'utf8'));
      const isSupported = (text: string) => Object.hasOwn(resourceTypes, typeOf(text));
      const imported = await run<Imported>('import', path);
      expect(imported.exitCode, imported.stdout).toBe(0);
      const result = imported.json();
      expect(result).toMatchObject({ registered: true, waiting: 0 });
      expect(counts(result.imported)).toEqual(countTypes(source.filter(isSupported)));
      expect(counts(result.unsupported)).toEqual(countTypes(source.filter((text) => !isSupported(text))));

      const exported = await run('export', result.patient);
      expect(exported.exitCode).toBe(0);
      const kept = new Set(resourceTexts(exported.stdout));
      expect(source.filter((text) => isSupported(text) && !kept.has(text)).map((text) => text.slice(0, 200))).toEqual([]);
    },
  );

  it('carries out nothing where nothing waits, and takes in only what a workstation wrote', async () => {
    const out = join(files, 'waiting.car');
    expect((await run('carry-out', '--out', out)).exitCode).toBe(9);
    expect(existsSync(out)).toBe(false);
    expect((await run('carry-out')).exitCode).toBe(2);
    const refused = await run<Failure>('carry-in', file('other.car', '<html></html>'));
    expect(refused.exitCode).toBe(5);
    expect(refused.json().error.code).toBe('FILE_UNSAFE');
    expect((await run('carry-in', join(files, 'gone.car'))).exitCode).toBe(9);
  });

  it('doubles nothing when the same history is imported again', async () => {
    const [path = ''] = packagedBundles;
    const again = (await run<Imported>('import', path)).json();
    expect(again).toMatchObject({ registered: false, imported: [] });
    expect(again.alreadyHere).toBe(
      resourceTexts(readFileSync(path, 'utf8')).filter((text) => Object.hasOwn(resourceTypes, typeOf(text))).length,
    );
  });

  it('verifies everything that was imported', async () => {
    const report = await run<Verified>('verify');
    expect(report.exitCode, report.stdout.slice(0, 2000)).toBe(0);
    const { records, verified, failures, waiting, online } = report.json();
    expect({ failures, waiting, online }).toEqual({ failures: [], waiting: 0, online: true });
    expect(verified).toBe(records);
    expect(records).toBeGreaterThan(12 * 10);
  });

  it('writes an export to a file that only its owner reads', async () => {
    const out = join(files, 'rao.json');
    const exported = await run<{ records: number }>('export', 'Rao', '--out', out);
    expect(exported.exitCode, exported.stdout).toBe(0);
    expect(resourceTexts(readFileSync(out, 'utf8'))).toHaveLength(exported.json().records);
  });

  describe('says what is wrong by its exit code', () => {
    it.each<[string, number, string, () => string[]]>([
      ['an unknown command', 2, 'INVALID_INPUT', () => ['explode']],
      ['a missing file name', 2, 'INVALID_INPUT', () => ['import']],
      ['a wrong passphrase', 4, 'WRONG_CREDENTIALS', () => ['verify', '--passphrase-file', file('wrong.txt', 'not this one at all\n')]],
      ['a file that is no JSON', 5, 'FILE_NOT_JSON', () => ['import', file('broken.json', '{"resourceType":"Bundle","entry":[}')]],
      ['a file that is not FHIR', 5, 'FILE_NOT_FHIR', () => ['import', file('other.json', '{"hello":"world"}')]],
      ['a clinic that is there already', 3, 'ALREADY_SET_UP', () => ['init', '--demo']],
      ['an unknown patient', 9, 'NOT_FOUND', () => ['export', 'Nobody of this name']],
      ['a file that is not there', 9, 'NOT_FOUND', () => ['import', join(files, 'nowhere.json')]],
    ])('%s', async (_what, exitCode, code, args) => {
      const outcome = await run<Failure>(...args());
      expect(outcome.json().error, outcome.stderr).toMatchObject({ code });
      expect(outcome.exitCode).toBe(exitCode);
    });

    it('a folder without a clinic', async () => {
      const outcome = await admin<Failure>('verify', '--data', join(folder, 'empty'), '--json');
      expect(outcome.exitCode).toBe(3);
      expect(outcome.json().error.code).toBe('NOT_SET_UP');
    });

    it('a data folder that an open workstation uses', async () => {
      const workstation = await launchBrowserShell({ dataDir: data });
      try {
        const outcome = await run<Failure>('status');
        expect(outcome.exitCode).toBe(7);
        expect(outcome.json().error.code).toBe('STORE_IN_USE');
      } finally {
        await workstation.stop();
        await closeBrowser();
      }
    });

    it('one changed byte on the disk, and whose record it is', async () => {
      const before = storedBlocks(data);
      const visit = JSON.stringify({
        resourceType: 'Bundle',
        type: 'collection',
        entry: [
          {
            resource: {
              resourceType: 'Patient',
              id: 'p',
              name: [{ family: 'Tamper', given: ['Tess'] }],
              birthDate: '1970-01-01',
              gender: 'female',
            },
          },
          { resource: { resourceType: 'Condition', id: 'c', subject: { reference: 'Patient/p' }, code: { text: 'Cough' } } },
        ],
      });
      const imported = await run<Imported>('import', file('tamper.json', visit));
      expect(imported.exitCode, imported.stdout).toBe(0);
      const { patient } = imported.json();
      const added = [...storedBlocks(data)].filter((block) => !before.has(block));
      flipByteIn(data, added);
      const report = await run<Verified>('verify', patient);
      expect(report.exitCode).toBe(6);
      expect(report.json().failures.length).toBeGreaterThan(0);
      expect(new Set(report.json().failures.map((failure) => failure.check))).toContain('content');
      expect(new Set(report.json().failures.map((failure) => failure.patient))).toEqual(new Set([patient]));
    });
  });
});

const counts = (rows: readonly { readonly resourceType: string; readonly count: number }[]) =>
  Object.fromEntries(rows.map((row) => [row.resourceType, row.count]));

function countTypes(resources: readonly string[]): Record<string, number> {
  const result: Record<string, number> = {};
  for (const text of resources) result[typeOf(text)] = (result[typeOf(text)] ?? 0) + 1;
  return result;
}
