/** The shells' small parts: folders and options, files, names, messages, the choice of a shell. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { planStart } from '../../../scripts/lib/start-plan.ts';
import { parseCallMessage } from '../../../src-main/call-message.ts';
import { calls } from '../../../src-shared/ipc-schema.ts';
import { dataFolderOf, defaultDataFolder, optionValue } from '../../../src-main/data-folder.ts';
import { errorPage } from '../../../src-main/error-page.ts';
import { fileNameOf } from '../../../src-main/file-name.ts';
import { switchesRefusedIn } from '../../../src-main/refused-switches.ts';
import { readStaticFile } from '../../../src-main/static-files.ts';

describe('the data folder', () => {
  it("is where the operating system keeps programs' data", () => {
    expect(defaultDataFolder('linux', { XDG_DATA_HOME: '/data' })).toBe('/data/anamnesis');
    expect(defaultDataFolder('linux', { XDG_DATA_HOME: 'relative' })).toMatch(/\/\.local\/share\/anamnesis$/);
    expect(defaultDataFolder('darwin', {})).toMatch(/Library\/Application Support\/Anamnesis$/);
  });

  it('is the one given, from where the program was started', () => {
    expect(dataFolderOf(['--data', 'here'], '/clinic')).toBe('/clinic/here');
    expect(dataFolderOf(['--port', '1', '--data=/there'], '/clinic')).toBe('/there');
  });

  it('is asked for where the option stands alone', () => {
    expect(() => dataFolderOf(['--data'])).toThrow('--data needs a value');
    expect(() => dataFolderOf(['--data', '--no-open'])).toThrow('--data needs a value');
    expect(optionValue(['--database', 'x'], '--data')).toBeUndefined();
  });
});

describe('static files', () => {
  const base = mkdtempSync(join(tmpdir(), 'anamnesis-static-'));
  const folder = join(base, 'renderer');
  beforeAll(() => {
    mkdirSync(join(folder, 'assets'), { recursive: true });
    writeFileSync(join(folder, 'index.html'), 'page');
    writeFileSync(join(folder, 'assets', 'a-1.js'), 'script');
    writeFileSync(join(folder, 'notes.md'), 'not for serving');
    writeFileSync(join(base, 'secret.json'), '{}');
    symlinkSync(join(base, 'secret.json'), join(folder, 'link.json'));
  });
  afterAll(() => rmSync(base, { recursive: true }));

  it('are served with their type', async () => {
    expect(await readStaticFile(folder, '/')).toMatchObject({ type: 'text/html; charset=utf-8', cacheControl: 'no-store' });
    expect(await readStaticFile(folder, '/assets/a-1.js')).toMatchObject({ type: 'text/javascript; charset=utf-8' });
  });

  it.each([
    '/../secret.json',
    '/%2e%2e/secret.json',
    '/..%2fsecret.json',
    '/assets/../../secret.json',
    '/link.json',
    '/notes.md',
    '/assets',
    '/none.js',
    '/%',
    '/%00',
    '/\\..\\secret.json',
    '',
  ])('are not served for %j', async (path) => {
    expect(await readStaticFile(folder, path)).toBeNull();
  });

  it('are never from outside, whatever the path', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('/', '.', '..', '%2e', '%2f', '%5c', '\\', 'secret.json', 'assets', '\0'), { maxLength: 10 }),
        async (parts) => {
          const file = await readStaticFile(folder, parts.join(''));
          expect(file === null || new TextDecoder().decode(file.bytes) === 'page').toBe(true);
        },
      ),
    );
  });
});

describe('a suggested file name', () => {
  it.each([
    ['Patient card KUMAR', 'Patient card KUMAR.pdf'],
    ['../../etc/passwd', 'etc passwd.pdf'],
    ['a.pdf', 'a.pdf'],
    ['', 'Anamnesis.pdf'],
    ['...', 'Anamnesis.pdf'],
    ['\u202egnp.exe', 'gnp.exe.pdf'],
    ['x'.repeat(500), `${'x'.repeat(100)}.pdf`],
  ])('from %j is %j', (suggested, name) => {
    expect(fileNameOf(suggested)).toBe(name);
  });
});

describe('a message from a page', () => {
  it('is a call', () => {
    expect(parseCallMessage({ id: 1, call: 'patients.search', input: {}, more: 1 })).toEqual({ id: 1, call: 'patients.search', input: {} });
  });

  it('is taken for each call that there is', () => {
    for (const call of Object.keys(calls)) expect(parseCallMessage({ id: 1, call, input: {} }).call).toBe(call);
  });

  it.each([
    null,
    1,
    'x',
    [],
    {},
    { id: -1, call: 'a.b' },
    { id: 1.5, call: 'a.b' },
    { id: 1, call: 'constructor' },
    { id: 1, call: 'a.b\n' },
    { id: '1', call: 'a.b' },
  ])('is refused as %j', (value) => {
    expect(() => parseCallMessage(value)).toThrow('not a call');
  });
});

describe('a packaged program', () => {
  it('refuses switches that open it to others', () => {
    expect(switchesRefusedIn(['--remote-debugging-port=0', '--no-sandbox', '--data', 'x'])).toEqual([
      'remote-debugging-port',
      'no-sandbox',
    ]);
    expect(switchesRefusedIn(['--data', 'x', '--force-device-scale-factor=2'])).toEqual([]);
  });
});

describe('the page of a core that cannot start', () => {
  it('shows the text as text', () => {
    const page = errorPage({ code: 'STORE_NEWER', message: '<script>alert("x")</script>', details: {} });
    expect(page).not.toContain('<script');
    expect(page).toContain('&#60;script&#62;');
  });
});

describe('npm start', () => {
  const facts = { wantsBrowser: false, platform: 'linux', isRoot: false, hasDisplay: true } as const;
  it('opens a window where it can', () => {
    expect(planStart(facts)).toEqual({ shell: 'electron' });
    expect(planStart({ ...facts, platform: 'win32', hasDisplay: false })).toEqual({ shell: 'electron' });
  });

  it('says why it opens the browser instead', () => {
    expect(planStart({ ...facts, hasDisplay: false })).toMatchObject({
      shell: 'browser',
      why: expect.stringContaining('display') as string,
    });
    expect(planStart({ ...facts, isRoot: true })).toMatchObject({ shell: 'browser', why: expect.stringContaining('sandbox') as string });
    expect(planStart({ ...facts, wantsBrowser: true })).toEqual({ shell: 'browser', why: null });
  });
});
