/** A session that ends between learning a key and reading what it opens: the next one reads it. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { granteeOfAccount } from '../../../src-main/core/services/bytes.ts';
import { Ledgerless } from './ledgerless.ts';

let ledgerless: Ledgerless;
beforeAll(async () => {
  ledgerless = await Ledgerless.start(2);
});
afterAll(() => ledgerless.stop());

it('reads in the next session what the last one had the key for and did not come to', async () => {
  const { w, doctors } = ledgerless;
  const [author = expect.fail(), reader = expect.fail()] = doctors;
  const { patient, desk } = await ledgerless.patient();
  const share = async (account: string) => {
    const terms = { write: true, purpose: 'treatment' as const, until: 0 };
    await w.sharing.grant(desk, { grantee: granteeOfAccount(account), categories: ['sensitive'], ...terms });
    ledgerless.anchor();
  };
  await share(author.account);
  const versionId = crypto.randomUUID();
  await ledgerless.as(author.secret, async ({ keys, index }) => {
    const json = JSON.stringify({ resourceType: 'Basic', id: versionId });
    const record = { recordId: crypto.randomUUID(), versionId, previous: [], resourceType: 'Basic', category: 'sensitive' as const, json };
    const commits = await w.records.prepareAll(keys, index, patient, [record]);
    w.publisher.publish(
      commits.flatMap(({ blocks }) => blocks),
      commits.map(({ operation }) => operation),
    );
  });
  ledgerless.anchor();
  // The reader's index is now past the commit, which it had no key for.
  expect(await ledgerless.as(reader.secret, ({ index }) => index.version(versionId))).toBeUndefined();
  w.sessions.lock();
  await share(reader.account);

  // Told as soon as the key is kept; reading what it opens takes longer than that.
  const silence = w.facts.on('patientChanged', () => w.sessions.lock());
  await expect(ledgerless.as(reader.secret, () => undefined)).rejects.toMatchObject({ code: 'NOT_LOGGED_IN' });
  silence();
  expect(await ledgerless.as(reader.secret, ({ index }) => index.version(versionId)?.versionId)).toBe(versionId);
});
