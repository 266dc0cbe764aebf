/**
 * `reencrypt`: old records encrypted anew per second: read, decrypted, compared with their authors' digests, encrypted under new keys, packed, signed by
 * the patient and durable, step by step as at the desk. Once for small records (2 KB) and once for large ones (4 MB, `reencrypt@large`, in MB/s). Limit: the
 * raw ciphers decrypting and encrypting the same bytes and one durable commit of SQLite a step. Ratio: value/limit.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { randomUUID } from 'node:crypto';
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { granteeOfAccount } from '../src-main/core/services/bytes.ts';
import { anchorAll } from './lib/anchors.ts';
import { cheapPassphrase, foundClinic, openWorkstation, passphrase, pin, unplugLedger, type Workstation } from './lib/clinic.ts';
import { figure, say, timed, type Figure } from './lib/figure.ts';
import { temporaryFolder } from './lib/folder.ts';
import { registerPatient } from './lib/patient.ts';
import { inventPatient } from './lib/people.ts';
import { createRandom } from './lib/random.ts';
import { openRawTable } from './lib/raw-parts.ts';
import { inventResource, jsonOfSize } from './lib/records.ts';

const small = { count: 5_000, bytes: 2_048, step: 500 };
const large = { count: 16, bytes: 4_000_000, step: 16 };

/** A patient with records of one size who has just revoked somebody's access, at the desk. */
async function prepared(size: { readonly count: number; readonly bytes: number }): Promise<Workstation> {
  const dir = temporaryFolder();
  const account = await foundClinic(dir, cheapPassphrase);
  unplugLedger(dir);
  const w = await openWorkstation(dir, cheapPassphrase);
  await w.ask('session.logIn', { account, passphrase });
  const random = createRandom(5);
  const patient = await registerPatient(w, inventPatient(random, ''));
  const { records, publisher, store, facts } = w.core.workstation;
  const category = 'observations-and-results' as const;
  for (let made = 0; made < size.count; made += 500) {
    const versions = Array.from({ length: Math.min(500, size.count - made) }, () => {
      const recordId = randomUUID();
      const json = jsonOfSize(random, inventResource(random, recordId, `Patient/${patient}`), size.bytes);
      const { resourceType } = JSON.parse(json) as { resourceType: string };
      return { recordId, versionId: randomUUID(), previous: [], resourceType, category, json };
    });
    const commits = await records.prepareAll(w.session().keys, w.session().index, patient, versions);
    publisher.publish(
      commits.flatMap(({ blocks }) => blocks),
      commits.map(({ operation }) => operation),
    );
  }
  const card = w
    .session()
    .index.drafts(patient)
    .find(({ kind }) => kind === 'card');
  const { card: text } = JSON.parse(card?.json ?? '{}') as { card: string };
  await w.ask('desk.open', { card: text, pin });
  await w.ask('desk.revoke', { grantee: granteeOfAccount(account), categories: [category] });
  anchorAll(store.workstation);
  facts.tell('operations', { kinds: new Set(['Commit', 'Revoke']) });
  return w;
}

async function measured(size: typeof small): Promise<{ readonly ms: number; readonly records: number }> {
  const w = await prepared(size);
  let records = 0;
  const ms = await timed(async () => {
    const result = await w.ask('earlier.reencrypt', { categories: ['observations-and-results'] });
    records = result.done;
  });
  await w.stop();
  if (records !== size.count) throw new Error(`Only ${records} of ${size.count} were encrypted anew`);
  return { ms, records };
}

/** The bytes through the raw ciphers, there and back, and onto the disk. */
async function raw({ count, bytes, step }: typeof small): Promise<number> {
  const key = randomBytes(32);
  const nonce = randomBytes(24);
  const sealed = xchacha20poly1305(key, nonce).encrypt(randomBytes(Math.min(bytes, 60_000)));
  const chunk = randomBytes(16 * 1024);
  const gcm = createCipheriv('aes-256-gcm', key, nonce.subarray(0, 12));
  const sealedChunk = Buffer.concat([gcm.update(chunk), gcm.final()]);
  const tag = gcm.getAuthTag();
  const through = (): Uint8Array => {
    if (bytes <= 60_000) return xchacha20poly1305(key, randomBytes(24)).encrypt(xchacha20poly1305(key, nonce).decrypt(sealed));
    const parts: Buffer[] = [];
    for (let at = 0; at < bytes; at += chunk.length) {
      const from = createDecipheriv('aes-256-gcm', key, nonce.subarray(0, 12)).setAuthTag(tag);
      const plaintext = Buffer.concat([from.update(sealedChunk), from.final()]);
      const to = createCipheriv('aes-256-gcm', key, randomBytes(12));
      parts.push(to.update(plaintext), to.final(), to.getAuthTag());
    }
    return Buffer.concat(parts);
  };
  const table = openRawTable();
  const ms = await timed(() => {
    for (let done = 0; done < count; done += step) table.commit(Array.from({ length: Math.min(step, count - done) }, through));
  });
  table.close();
  return ms;
}

const perSecond = (amount: number, ms: number): number => (amount / ms) * 1000;

await figure('reencrypt', async (): Promise<Figure> => {
  const { ms, records } = await measured(small);
  const rawMs = await raw(small);
  say(`${records} records of ${small.bytes} bytes in ${Math.round(ms)} ms; raw ${Math.round(rawMs)} ms`);
  return { value: perSecond(records, ms), unit: 'records/s', limit: perSecond(records, rawMs) };
});
await figure('reencrypt@large', async (): Promise<Figure> => {
  const { ms, records } = await measured(large);
  const rawMs = await raw(large);
  const megabytes = (records * large.bytes) / 1e6;
  say(`${megabytes} MB in ${Math.round(ms)} ms; raw ${Math.round(rawMs)} ms`);
  return { value: perSecond(megabytes, ms), unit: 'MB/s', limit: perSecond(megabytes, rawMs) };
});
