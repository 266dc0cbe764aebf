import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AppError } from '../../../src-shared/errors.ts';
import { CoreProcess } from './core-process.ts';
import { openWorkstationDb } from './workstation-db.ts';
import { foundClinic, logIn, passphrase, startWorkstation, type TestWorkstation } from './workstation.ts';

const words = 'test test test test test test test test test test test junk';
const account = '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266';
const privateKey = '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80';
const refused = (code: string) => expect.objectContaining({ code });

describe('the key of a person', () => {
  let w: TestWorkstation;
  let admin: string;
  beforeAll(async () => {
    w = await startWorkstation();
    ({ admin } = await foundClinic(w, 'Hillside'));
  });
  afterAll(() => w.stop());

  const take = (personName: string, key: Parameters<typeof w.ask<'keys.take'>>[1]['key']) =>
    w.ask('keys.take', { personName, passphrase, key });

  it('is told by its account before it is taken, and nothing of it is kept', async () => {
    const before = (await w.snapshot()).people.length;
    expect(await w.ask('keys.read', { key: { kind: 'phrase', phrase: words } })).toEqual({ account, fromPhrase: true });
    expect(await w.ask('keys.read', { key: { kind: 'privateKey', privateKey } })).toEqual({ account, fromPhrase: false });
    expect((await w.snapshot()).people).toHaveLength(before);
  });

  it('that is wrong is refused with what is wrong with it', async () => {
    await expect(take('A', { kind: 'phrase', phrase: 'one two three' })).rejects.toEqual(refused('PHRASE_INVALID'));
    await expect(take('A', { kind: 'privateKey', privateKey: '0x12' })).rejects.toEqual(refused('KEY_INVALID'));
    await expect(take('A', { kind: 'keystore', json: '{}', password: 'x' })).rejects.toEqual(refused('KEY_INVALID'));
  });

  it('taken over from a private key is enrolled, logs in and signs', async () => {
    await logIn(w, admin);
    const taken = await take('Dr Key', { kind: 'privateKey', privateKey });
    expect(taken.account).toBe(account);
    await w.ask('staff.approve', { enrolmentCode: taken.enrolmentCode, roles: ['admin'] });
    await logIn(w, account);
    expect((await w.snapshot()).session).toMatchObject({ account, status: 'active', name: 'Dr Key' });
    expect(await w.ask('keys.phrase', { passphrase })).toEqual({ phrase: null });
    await w.ask('staff.changeRoles', { account, roles: ['admin', 'auditor'] });
    expect((await w.snapshot()).session?.roles).toEqual(['admin', 'auditor']);
    await expect(take('Again', { kind: 'privateKey', privateKey })).rejects.toEqual(refused('ALREADY_EXISTS'));
  });

  it('opens under another passphrase for whoever has its words, and under the forgotten one no more', async () => {
    const { phrase } = await w.ask('setup.createPhrase', {});
    const { account: forgetful } = await take('Dr Forgetful', { kind: 'phrase', phrase });
    const wrong = () => w.ask('session.logIn', { account: forgetful, passphrase: 'not what it was' });
    await expect(wrong()).rejects.toEqual(refused('WRONG_CREDENTIALS'));
    const input = { personName: 'Somebody', passphrase: 'a passphrase not forgotten', key: { kind: 'phrase' as const, phrase } };
    expect(await w.ask('keys.take', input)).toMatchObject({ account: forgetful });
    await expect(logIn(w, forgetful)).rejects.toEqual(refused('WRONG_CREDENTIALS'));
    await w.until(
      'the new one opens',
      () =>
        w.ask('session.logIn', { account: forgetful, passphrase: input.passphrase }).then(
          () => true,
          () => false,
        ),
      (opened) => opened,
    );
    expect((await w.snapshot()).session).toMatchObject({ account: forgetful, name: 'Dr Forgetful' });
    await logIn(w, account);
  });

  it('is shown and exported only for the passphrase, and the export opens elsewhere', async () => {
    const phrase = (await w.ask('setup.createPhrase', {})).phrase;
    const { account: other, enrolmentCode } = await take('Dr Words', { kind: 'phrase', phrase });
    await w.ask('staff.approve', { enrolmentCode, roles: ['practitioner'] });
    await logIn(w, other);
    await expect(w.ask('keys.phrase', { passphrase: 'wrong one here' })).rejects.toEqual(refused('WRONG_CREDENTIALS'));
    await expect(w.ask('keys.phrase', { passphrase })).rejects.toEqual(refused('TRY_LATER'));
    const shown = await w.until(
      'the delay to pass',
      () => w.ask('keys.phrase', { passphrase }).catch(() => null),
      (answer) => answer !== null,
    );
    expect(shown).toEqual({ phrase });
    const password = 'of the exported file';
    const { json } = await w.ask('keys.keystore', { passphrase, password });
    expect(json).not.toContain(phrase.split(' ')[0]);
    const elsewhere = await startWorkstation();
    try {
      expect(await elsewhere.ask('keys.read', { key: { kind: 'keystore', json, password } })).toEqual({
        account: other,
        fromPhrase: false,
      });
    } finally {
      await elsewhere.stop();
    }
  }, 60_000);

  it('of somebody enrolled with words is not taken as a private key alone, which could read nothing', async () => {
    const second = await startWorkstation();
    try {
      const phrase = (await second.ask('setup.createPhrase', {})).phrase;
      await second.ask('setup.createClinic', { clinicName: 'Lakeside', personName: 'Dr Lake', passphrase, phrase });
      const { json } = await second.ask('keys.keystore', { passphrase, password: 'of the exported file' });
      // As on another workstation of the clinic: the directory knows the account, this PC does not hold its key.
      const own = (await second.snapshot()).session?.account ?? '';
      const db = openWorkstationDb(second.dir);
      db.prepare('DELETE FROM people WHERE account = ?').run(own);
      db.close();
      await expect(second.ask('keys.read', { key: { kind: 'keystore', json, password: 'of the exported file' } })).rejects.toEqual(
        refused('KEY_INVALID'),
      );
      expect(await second.ask('keys.read', { key: { kind: 'phrase', phrase } })).toEqual({ account: own, fromPhrase: true });
    } finally {
      await second.stop();
    }
  }, 60_000);
});

describe('a changed passphrase', () => {
  const next = 'another long passphrase';

  it('opens instead of the old one, also after a restart, and what was there stays', async () => {
    const w = await startWorkstation();
    try {
      const { admin } = await foundClinic(w, 'Hillside');
      const { phrase } = await w.ask('keys.phrase', { passphrase });
      await expect(w.ask('keys.changePassphrase', { passphrase, newPassphrase: passphrase })).rejects.toEqual(refused('INVALID_INPUT'));
      await expect(w.ask('keys.changePassphrase', { passphrase, newPassphrase: 'short' })).rejects.toEqual(refused('INVALID_INPUT'));
      await w.ask('keys.changePassphrase', { passphrase, newPassphrase: next });
      await w.restart();
      await expect(w.ask('keys.phrase', { passphrase: next })).rejects.toEqual(refused('NOT_LOGGED_IN'));
      await w.ask('session.logIn', { account: admin, passphrase: next });
      expect(await w.ask('keys.phrase', { passphrase: next })).toEqual({ phrase });
      expect(await w.ask('staff.list', {})).toHaveLength(3);
      await expect(w.ask('session.logIn', { account: admin, passphrase })).rejects.toEqual(refused('WRONG_CREDENTIALS'));
    } finally {
      await w.stop();
    }
  }, 60_000);

  it('is either the old or the new one after a kill at any moment, and the new one once it was confirmed', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'anamnesis-passphrase-'));
    const core = new CoreProcess(dir, { memoryKiB: 8192, passes: 1 });
    try {
      core.start();
      const { phrase } = await core.ask('setup.createPhrase', {});
      let current = passphrase;
      await core.ask('setup.createClinic', { clinicName: 'Clinic', personName: 'Dr Rao', passphrase, phrase });
      const account = (await core.ask('workstation.snapshot', {})).session?.account ?? '';
      /** Tries again while the delay after a wrong one lasts. */
      const opens = async (candidate: string): Promise<boolean> => {
        const code = await core.ask('session.logIn', { account, passphrase: candidate }).then(
          () => null,
          (error: unknown) => (error instanceof AppError ? error.code : 'INTERNAL'),
        );
        if (code !== 'TRY_LATER') return code === null;
        await new Promise((resolve) => setTimeout(resolve, 100));
        return opens(candidate);
      };
      const started = performance.now();
      await core.ask('keys.changePassphrase', { passphrase: current, newPassphrase: next });
      const duration = performance.now() - started;
      current = next;
      // From before the old one was checked to after the new one was kept.
      for (const [round, part] of [0.1, 0.5, 0.9, 1, 1.1].entries()) {
        const wanted = `passphrase number ${round}`;
        const change = core.ask('keys.changePassphrase', { passphrase: current, newPassphrase: wanted }).then(
          () => true,
          () => false,
        );
        await Promise.race([change, new Promise((resolve) => setTimeout(resolve, duration * part))]);
        await core.end('SIGKILL');
        const confirmed = await change;
        core.start();
        const changed = await opens(wanted);
        expect(changed || !confirmed).toBe(true);
        if (changed) current = wanted;
        else expect(await opens(current)).toBe(true);
        expect(await core.ask('keys.phrase', { passphrase: current })).toEqual({ phrase });
      }
    } finally {
      await core.end('SIGTERM');
      rmSync(dir, { recursive: true, force: true });
    }
  }, 120_000);
});
