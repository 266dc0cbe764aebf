/**
 * A network that several govern, from nothing: contracts and first invitation by `admin deploy`, a clinic that joins, and `admin admit` by two governors, each with
 * a keystore of their own. The commands themselves, on a real ledger.
 */
import { execFile } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createKeyAdapter } from '../../../src-main/core/adapters/crypto/keys.ts';
import { createRecordCrypto } from '../../../src-main/core/adapters/crypto/record-crypto.ts';
import { createEmbeddedLedger } from '../../../src-main/core/adapters/ledger/embedded-ledger.ts';
import type { SignedOperation } from '../../../src-shared/operations.ts';
import { temporaryFolder } from '../ledger/site.ts';
import { passphrase, startWorkstation, type TestWorkstation } from './workstation.ts';

const chain = 770_301;
const password = 'a governor’s password';
const folder = temporaryFolder();
const ledger = createEmbeddedLedger();
const keys = createKeyAdapter();
const crypto = createRecordCrypto();
const at = (name: string) => join(folder.dir, name);

interface Answer {
  readonly code: number;
  readonly output: Record<string, unknown> & { readonly error?: { readonly code: string; readonly message: string } };
}
const admin = (...args: readonly string[]) =>
  new Promise<Answer>((resolve) => {
    execFile(process.execPath, [join(process.cwd(), 'src-main/core/admin.ts'), '--json', ...args], (error, stdout) =>
      resolve({ code: error === null ? 0 : Number(error.code), output: JSON.parse(stdout) as Answer['output'] }),
    );
  });
const admit = (file: string, keystore: string, out: string) =>
  admin(
    ...['admit', at(file), '--invitation', at('invitation.txt'), '--keystore', at(keystore)],
    ...['--passphrase-file', at('password.txt'), '--out', at(out)],
  );

describe('a network that several govern', { timeout: 240_000 }, () => {
  let url: string;
  let clinic: TestWorkstation;
  const governors: string[] = [];

  beforeAll(async () => {
    ({ url } = await ledger.start({ dir: at('ledger'), chainId: chain, port: 0 }));
    writeFileSync(at('password.txt'), password);
    for (const name of ['first', 'second', 'third', 'stranger']) {
      const person = keys.fromPhrase(keys.createPhrase());
      if (name !== 'stranger') governors.push(person.account);
      writeFileSync(at(`${name}.json`), await keys.toKeystore(person, password));
      person.destroy();
    }
    clinic = await startWorkstation();
  }, 240_000);
  afterAll(async () => {
    await clinic.stop();
    await ledger.stop();
    folder.remove();
  });

  it('is put on the ledger with a first invitation, which nobody else may read and nothing overwrites', async () => {
    const deploy = () =>
      admin(
        ...['deploy', '--endpoint', url, '--chain', String(chain), '--threshold', '2', '--invitation', at('invitation.txt')],
        ...governors.flatMap((account) => ['--governor', account]),
      );
    expect(await deploy()).toMatchObject({ code: 0, output: { threshold: 2, invitation: at('invitation.txt') } });
    expect(statSync(at('invitation.txt')).mode & 0o077).toBe(0);
    const invitation = readFileSync(at('invitation.txt'), 'utf8');
    expect(await deploy()).toMatchObject({ code: 2, output: { error: { code: 'INVALID_INPUT' } } });
    expect(readFileSync(at('invitation.txt'), 'utf8')).toBe(invitation);
  });

  it('lets nobody sign who does not govern', async () => {
    const { phrase } = await clinic.ask('setup.createPhrase', {});
    const invitation = readFileSync(at('invitation.txt'), 'utf8').trim();
    const joining = { invitation, clinicName: 'Riverside Clinic', personName: 'Ada Admin', passphrase, phrase };
    const { requestCode } = await clinic.ask('setup.join', joining);
    writeFileSync(at('request.txt'), `${requestCode}\n`);
    const refused = await admit('request.txt', 'stranger.json', 'none.txt');
    expect(refused).toMatchObject({ code: 8, output: { error: { code: 'NOT_ALLOWED' } } });
    expect(refused.output.error?.message).toContain('does not govern');
  });

  it('collects a signature each, and takes none twice', async () => {
    const first = await admit('request.txt', 'first.json', 'one.txt');
    expect(first).toMatchObject({ code: 0, output: { clinic: 'Riverside Clinic', signed: 1, threshold: 2, admitted: false } });
    const again = await admit('one.txt', 'first.json', 'none.txt');
    expect(again.output.error?.message).toContain('has signed it already');
    expect((await clinic.snapshot()).phase).toBe('joining');
  });

  it('signs nothing that somebody changed on the way', async () => {
    const code = readFileSync(at('one.txt'), 'utf8').trim();
    const read = crypto.decodeCode('ANAM-ADMISSION', code) as { operations: SignedOperation[] };
    const [operation] = read.operations;
    if (!operation) throw new Error('There is no operation in the file.');
    const payload = operation.payload.replace(/..$/, operation.payload.endsWith('00') ? '01' : '00');
    const write = (operations: readonly SignedOperation[]) =>
      writeFileSync(at('changed.txt'), crypto.encodeCode('ANAM-ADMISSION', { ...read, operations }));
    write([{ ...operation, payload }]);
    expect((await admit('changed.txt', 'second.json', 'none.txt')).output.error?.code).toBe('CODE_INVALID');
    // As if it had been signed so from the beginning: another kind of operation under the clinic's request.
    write([{ ...operation, kind: 2, payload: `0x${'11'.repeat(32)}${'00'.repeat(31)}01` }]);
    expect((await admit('changed.txt', 'second.json', 'none.txt')).output.error?.code).toBe('CODE_INVALID');
  });

  it('admits the clinic with the signature that makes them enough', async () => {
    const second = await admit('one.txt', 'second.json', 'two.txt');
    expect(second).toMatchObject({ code: 0, output: { signed: 2, threshold: 2, admitted: true } });
    await clinic.until(
      'admitted',
      () => clinic.snapshot(),
      ({ phase }) => phase === 'ready',
    );
    // Sent once more, the ledger has it already: nothing is doubled, and it is said.
    const third = await admit('two.txt', 'third.json', 'none.txt');
    expect(third).toMatchObject({ code: 0, output: { admitted: true } });
  });
});
