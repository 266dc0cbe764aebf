/**
 * The machine's key sealed by a real keychain (GNOME Keyring on a session bus of the test's own), in a real window: offered at the end of first run,
 * opening without being asked, lost and opened by the recovery code, refused where there is only a stand-in.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keepPicturesOnFailure } from '../harness/artifacts.ts';
import { temporaryFolder } from '../harness/data-folder.ts';
import { closeScreen, launchElectron, type ElectronWorkstation } from '../harness/electron.ts';
import { startKeyring, type Keyring } from '../harness/keyring.ts';
import { take } from '../harness/pictures.ts';
import { openScreen } from '../path/pages/frame.ts';
import { choosePassphraseAndConfirm } from '../path/pages/keys.ts';
import { enterCode, panel, turnOff, turnOn } from '../path/pages/keychain.ts';
import { logIn } from '../path/pages/lock-screen.ts';
import { stopAfterFailure } from '../path/steps.ts';

const admin = { name: 'Ada Admin', passphrase: 'correct horse battery' };
const sealedHeading = { name: 'The workstation is sealed by the keychain' };

describe('the keychain of a desktop', () => {
  const dataDir = temporaryFolder('sealed');
  const home = temporaryFolder('keyring');
  const otherHome = temporaryFolder('emptied-keyring');
  let keyring: Keyring | null = null;
  let workstation: ElectronWorkstation | null = null;
  let code = '';

  const page = () => {
    if (!workstation) throw new Error('No window is open');
    return workstation.page;
  };
  const keyFile = () => readFileSync(join(dataDir, 'machine.key'));

  async function open(withKeyring: string | null, args: readonly string[] = []): Promise<void> {
    await close();
    keyring = withKeyring === null ? null : await startKeyring(withKeyring);
    // An address that leads nowhere: no bus of this machine may stand in.
    const env = keyring?.env ?? { DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nowhere/bus' };
    workstation = await launchElectron({ dataDir, env, args: [...(keyring?.args ?? []), ...args] });
  }
  async function close(): Promise<void> {
    await workstation?.stop();
    workstation = null;
    await keyring?.stop();
    keyring = null;
  }

  stopAfterFailure();
  beforeEach(() => keepPicturesOnFailure(() => ({ window: page() })));
  afterEach(() => expect(existsSync(join(dataDir, 'machine.key.new')) || existsSync(join(dataDir, 'machine.key.old'))).toBe(false));
  afterAll(async () => {
    await close();
    await closeScreen();
  });

  it('is offered at the end of first run, and seals the key', async () => {
    await open(home);
    await page().getByRole('button', { name: 'Set up a new clinic here' }).click();
    await page().getByLabel('Clinic name').fill('Sealed Clinic');
    await page().getByLabel('Your name').fill(admin.name);
    await page().keyboard.press('Enter');
    await choosePassphraseAndConfirm(page(), admin.passphrase, 'Set up the clinic');
    await page().getByRole('heading', { name: 'Sealed Clinic is ready' }).waitFor();
    const plain = keyFile();
    expect(plain).toHaveLength(32);

    await take(page(), 'keychain-offer');
    await page().getByRole('button', { name: 'Turn the keychain on' }).click();
    await take(page(), 'keychain-turn-on');
    code = await turnOn(page(), admin.passphrase);
    await page().getByText('This computer’s keychain protects what is stored here', { exact: true }).waitFor();
    expect(JSON.parse(keyFile().toString('utf8'))).toMatchObject({ format: 'anamnesis/sealed-machine-key/1' });
    expect(keyFile().includes(plain)).toBe(false);
    expect(workstation?.output()).not.toContain(code.slice(0, 9));
  });

  it('opens without the code at the next start', async () => {
    await open(home);
    await logIn(page(), admin);
    await openScreen(page(), 'Settings');
    await panel(page()).getByText('On.').waitFor();
    await take(page(), 'keychain-on');
  });

  it('asks for the code when the keychain was emptied; a wrong one changes nothing, the right one opens and seals anew', async () => {
    const before = keyFile();
    await open(otherHome);
    await page().getByRole('heading', sealedHeading).waitFor();
    await page()
      .getByText(/does not open what is stored here/)
      .waitFor();
    await enterCode(page(), `${code.slice(0, -1)}${code.endsWith('0') ? '1' : '0'}`);
    await page()
      .getByText(/This recovery code is not right/)
      .waitFor();
    await take(page(), 'keychain-wrong-code');
    expect(keyFile().equals(before)).toBe(true);
    await enterCode(page(), code.toLowerCase().replaceAll('-', ' '));
    await logIn(page(), admin);
    expect(keyFile().equals(before)).toBe(false);
    await open(otherHome);
    await logIn(page(), admin);
  });

  it('opens by the code alone where no keyring runs, and goes on asking until it is turned off', async () => {
    const before = keyFile();
    await open(null, ['--password-store=gnome-libsecret']);
    await page()
      .getByText(/none is running or it stayed locked/)
      .waitFor();
    await page().getByRole('button', { name: 'Try the keychain again' }).click();
    await page()
      .getByText(/Still closed/)
      .waitFor();
    await take(page(), 'keychain-closed');
    await enterCode(page(), code);
    await logIn(page(), admin);
    expect(keyFile().equals(before)).toBe(true);
    await openScreen(page(), 'Settings');
    await panel(page()).getByText('Opened by the recovery code').waitFor();
    await turnOff(page(), admin.passphrase);
    expect(keyFile()).toHaveLength(32);
    await panel(page()).getByText('Not available.').waitFor();
  });

  it('is refused where the desktop has only a stand-in, and Settings says why', async () => {
    await open(null, ['--password-store=basic']);
    await logIn(page(), admin);
    await openScreen(page(), 'Settings');
    await panel(page()).getByText('Not available.').waitFor();
    await take(page(), 'keychain-not-available');
    expect(await panel(page()).getByRole('button', { name: 'Turn on' }).count()).toBe(0);
    const reply = await page().evaluate(async (secret) => {
      const bridge = (window as unknown as { anamnesis: { call(name: string, input: unknown): Promise<unknown> } }).anamnesis;
      return bridge.call('keychain.turnOn', { code: secret });
    }, code);
    expect(reply).toMatchObject({ ok: false, error: { code: 'KEYCHAIN_UNAVAILABLE' } });
    expect(keyFile()).toHaveLength(32);
  });
});
