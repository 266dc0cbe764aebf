/** The Electron window as such: what the page is and may do, and what happens when the core dies or cannot start. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../harness/data-folder.ts';
import { closeScreen, launchElectron, runElectron, type ElectronWorkstation } from '../harness/electron.ts';
import { isRunning, until } from '../harness/processes.ts';

interface Door {
  call(name: string, input: unknown): Promise<{ ok: boolean; output?: { phase?: string }; error?: { code: string } }>;
  onEvent(listener: (message: { event: string }) => void): () => void;
  printToPdf(name: string): Promise<void>;
}
declare global {
  interface Window {
    events?: string[];
  }
}
afterAll(closeScreen);

describe('the window', () => {
  const dataDir = temporaryFolder();
  let workstation: ElectronWorkstation;
  beforeAll(async () => {
    workstation = await launchElectron({ dataDir });
  });
  afterAll(() => workstation?.stop());

  it('shows the screens from app://anamnesis', () => {
    expect(workstation.page.url()).toMatch(/^app:\/\/anamnesis\//);
  });

  it('gives the page the bridge and nothing else of Node or Electron', async () => {
    const seen = await workstation.page.evaluate(() => {
      const world = globalThis as unknown as Record<string, unknown>;
      return {
        bridge: Object.keys(world['anamnesis'] as Door).sort(),
        others: ['require', 'process', 'module', 'Buffer', 'global', 'ipcRenderer'].filter((name) => name in world),
      };
    });
    expect(seen).toEqual({ bridge: ['call', 'onEvent', 'printToPdf'], others: [] });
  });

  it('calls the core and gets errors with their codes', async () => {
    const [snapshot, unknown] = await workstation.page.evaluate(async () => {
      const bridge = (globalThis as unknown as { anamnesis: Door }).anamnesis;
      return [await bridge.call('workstation.snapshot', {}), await bridge.call('no.suchCall', {})] as const;
    });
    expect(snapshot).toMatchObject({ ok: true, output: { phase: 'unconfigured' } });
    expect(unknown).toMatchObject({ ok: false, error: { code: 'INVALID_INPUT' } });
  });

  it('has the safe settings', async () => {
    const settings = await workstation.app.evaluate(({ BrowserWindow, app }) => {
      const contents = BrowserWindow.getAllWindows()[0]?.webContents as unknown as { getLastWebPreferences(): Record<string, unknown> };
      const { sandbox, contextIsolation, nodeIntegration, webSecurity, webviewTag } = contents.getLastWebPreferences();
      return { sandbox, contextIsolation, nodeIntegration, webSecurity, webviewTag: webviewTag ?? false, packaged: app.isPackaged };
    });
    expect(settings).toEqual({
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      webSecurity: true,
      webviewTag: false,
      packaged: false,
    });
  });

  it('opens no other window, goes nowhere else, loads nothing from elsewhere', async () => {
    const { page } = workstation;
    expect(await page.evaluate(() => window.open('https://example.org') === null)).toBe(true);
    await page.evaluate(() => {
      location.href = 'https://example.org/';
    });
    const fetched = await page.evaluate(() =>
      fetch('https://example.org/').then(
        () => 'reached',
        () => 'refused',
      ),
    );
    expect(fetched).toBe('refused');
    expect(page.url()).toMatch(/^app:\/\/anamnesis\//);
    expect(workstation.app.windows()).toHaveLength(1);
  });

  it("runs no script but the program's own", async () => {
    const ran = await workstation.page.evaluate(() => {
      const script = document.createElement('script');
      script.textContent = 'window.injected = true';
      document.head.append(script);
      return 'injected' in window;
    });
    expect(ran).toBe(false);
  });

  it('serves nothing outside the screens', async () => {
    const statuses = await workstation.page.evaluate(async () =>
      Promise.all(
        ['/package.json', '/..%2f..%2fpackage.json', '/assets/..%2f..%2fcore/core.mjs', '/assets'].map(
          async (path) => (await fetch(path)).status,
        ),
      ),
    );
    expect(statuses).toEqual([404, 404, 404, 404]);
  });

  it('denies camera, position and notifications', async () => {
    const denied = await workstation.page.evaluate(async () => {
      const position = await new Promise((resolve) =>
        navigator.geolocation.getCurrentPosition(
          () => resolve('given'),
          () => resolve('denied'),
        ),
      );
      const camera = await navigator.mediaDevices?.getUserMedia({ video: true }).then(
        () => 'given',
        () => 'denied',
      );
      return [position, camera ?? 'denied', await Notification.requestPermission()];
    });
    expect(denied).toEqual(['denied', 'denied', 'denied']);
  });

  it('prints the page to the PDF that the person chooses', async () => {
    const file = join(dataDir, 'printed.pdf');
    await workstation.app.evaluate(({ dialog }, path) => {
      dialog.showSaveDialog = (async () => ({ canceled: false, filePath: path })) as unknown as typeof dialog.showSaveDialog;
    }, file);
    await workstation.page.evaluate(() => (globalThis as unknown as { anamnesis: Door }).anamnesis.printToPdf('Patient card'));
    expect(readFileSync(file).subarray(0, 5).toString()).toBe('%PDF-');
  });

  it('starts a killed core again and tells the page the state anew', async () => {
    const { page } = workstation;
    await page.evaluate(() => {
      window.events = [];
      (globalThis as unknown as { anamnesis: Door }).anamnesis.onEvent((message) => window.events?.push(message.event));
    });
    const before = await workstation.corePid();
    await workstation.killCore();
    await page.waitForFunction(() => window.events?.includes('snapshot'));
    expect(await workstation.corePid()).not.toBe(before);
  });

  it('lets a second start with the same folder only bring this window forward', async () => {
    expect(await runElectron({ dataDir })).toBe(0);
    expect(workstation.app.windows()).toHaveLength(1);
  });

  it('remembers its place, and takes the core along when it is closed', async () => {
    const core = await workstation.corePid();
    await workstation.stop();
    expect(isRunning(core)).toBe(false);
    expect(existsSync(join(dataDir, 'shell', 'window.json'))).toBe(true);
  });
});

describe('a core that cannot start', () => {
  it('leaves a page that says why, with Restart and Quit, and Restart works once the cause is gone', async () => {
    const dataDir = temporaryFolder();
    const store = join(dataDir, 'workstation.db');
    writeFileSync(store, Buffer.alloc(8192, 7));
    const workstation = await launchElectron({ dataDir });
    const { page } = workstation;
    try {
      await page.getByRole('heading', { name: 'The workstation cannot start' }).waitFor();
      expect(await page.getByRole('alert').innerText()).not.toBe('');
      expect(await page.getByRole('button', { name: 'Quit' }).isVisible()).toBe(true);
      rmSync(store);
      await page.getByRole('button', { name: 'Restart' }).click();
      await page.getByText('Set up a new clinic here').waitFor();
      await until('a running core', async () => isRunning(await workstation.corePid()));
    } finally {
      await workstation.stop();
    }
  });
});
