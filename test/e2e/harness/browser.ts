/** One headless Chromium for a test file; each workstation gets a context (cookies, storage) of its own in it. */
import { chromium, type Browser, type BrowserContext } from 'playwright-core';
import { chromiumPath } from '../../../scripts/system-packages.ts';

/** No traffic off this machine, no sandbox (tests run as root in containers). */
const flags = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

let running: Promise<Browser> | null = null;

/** A new context, with Chromium started at the first one. Times and dates are those of a fixed zone, pages 1366x768. */
export async function newContext(): Promise<BrowserContext> {
  running ??= chromium.launch({ executablePath: chromiumPath(), args: flags });
  const browser = await running;
  const context = await browser.newContext({
    viewport: { width: 1366, height: 768 },
    locale: 'en-GB',
    timezoneId: 'Asia/Kolkata',
    reducedMotion: 'reduce',
    permissions: [],
  });
  // A key made from a passphrase takes long on a computer that does much else.
  context.setDefaultTimeout(90_000);
  return context;
}

/** Ends Chromium: in afterAll. */
export async function closeBrowser(): Promise<void> {
  const browser = await running;
  running = null;
  await browser?.close();
}
