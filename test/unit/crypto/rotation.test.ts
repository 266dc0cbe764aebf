import { describe, expect, it } from 'vitest';
import { createKeyAdapter } from '../../../src-main/core/adapters/crypto/keys.ts';
import { createRecordCrypto } from '../../../src-main/core/adapters/crypto/record-crypto.ts';
import { createOperationCodec } from '../../../src-main/core/adapters/ledger/operation-codec.ts';

const keys = createKeyAdapter({ memoryKiB: 8192, passes: 1 });
const crypto = createRecordCrypto();
const codec = createOperationCodec();
const [network, organization] = [`0x${'11'.repeat(32)}`, `0x${'22'.repeat(32)}`];
const digest = new Uint8Array(32).fill(7);

describe('rotated keys', () => {
  const first = keys.fromPhrase(keys.createPhrase());
  const second = keys.fromPhrase(keys.createPhrase());
  const third = keys.fromPrivateKey('ab'.repeat(32));
  const rotated = keys.rotated(keys.rotated(first, second), third);

  it('keep the first account and sign with any of its signers, by default the newest', () => {
    expect(rotated.account).toBe(first.account);
    expect(rotated.signers).toEqual([first.account, second.account, third.account]);
    expect(codec.recover(digest, rotated.sign(digest))).toBe(third.account);
    expect(codec.recover(digest, rotated.sign(digest, second.account))).toBe(second.account);
    expect(() => first.sign(digest, second.account)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }));
  });

  it('open with every encryption key, the newest first', () => {
    expect(rotated.encryptionKey).toBe(third.encryptionKey);
    expect(rotated.encryptionSecrets().map((secret) => keys.encryptionKeyOf(secret))).toEqual(
      [third, second, first].map(({ encryptionKey }) => encryptionKey),
    );
    expect(rotated.deriveFormer('index')).toEqual([second.derive('index'), first.derive('index')]);
  });

  it('come back from what is sealed', () => {
    const again = keys.fromSecret(rotated.secret());
    expect([again.account, again.signers, again.encryptionKey]).toEqual([rotated.account, rotated.signers, rotated.encryptionKey]);
  });

  it('go on paper with the newest of them, whose account stays the same', () => {
    const some = keys.fromSecret(rotated.secret(2));
    expect([some.account, some.signers]).toEqual([first.account, [second.account, third.account]]);
    expect(some.deriveAs(second.account, 'kek')).toEqual(second.derive('kek'));
    expect(() => some.deriveAs(first.account, 'kek')).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }));
  });

  it('are sealed, without the newest, to the newest in a block of envelopes: for this patient, network and key only', async () => {
    const secret = rotated.formerSecret() ?? expect.fail();
    expect(first.formerSecret()).toBeNull();
    const former = { encryptionKey: rotated.encryptionKey, secret };
    const { bytes } = await crypto.sealEnvelopes(network, first.account, [], former);
    const opened = await crypto.openFormerKeys(bytes, network, first.account, third);
    expect(keys.fromSecret(opened ?? expect.fail()).signers).toEqual([first.account, second.account]);
    const refused = { code: 'TAMPERED' };
    await expect(crypto.openFormerKeys(bytes, network, first.account, second)).rejects.toMatchObject(refused);
    await expect(crypto.openFormerKeys(bytes, organization, first.account, third)).rejects.toMatchObject(refused);
    await expect(crypto.openFormerKeys(bytes, network, second.account, third)).rejects.toMatchObject(refused);
    const changed = bytes.slice();
    changed[changed.length - 40] = (changed[changed.length - 40] ?? 0) ^ 1;
    await expect(crypto.openFormerKeys(changed, network, first.account, third)).rejects.toMatchObject(refused);
    await expect(crypto.sealEnvelopes(network, first.account, [])).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    const plain = await crypto.sealEnvelopes(network, first.account, [{ id: organization, encryptionKey: first.encryptionKey, keys: [] }]);
    expect(await crypto.openFormerKeys(plain.bytes, network, first.account, third)).toBeNull();
  });

  it('refuse a key twice, a bundle as the newer key, and a secret that was cut off', () => {
    for (const newer of [first, second, rotated])
      expect(() => keys.rotated(rotated, newer)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }));
    const secret = rotated.secret();
    for (const length of [secret.length - 1, 22, 40]) expect(() => keys.fromSecret(secret.subarray(0, length))).toThrow();
  });

  it('sign nothing once destroyed', () => {
    const gone = keys.rotated(first, second);
    gone.destroy();
    expect(() => gone.sign(digest, first.account)).toThrow(expect.objectContaining({ code: 'LOCKED' }));
    expect(codec.recover(digest, first.sign(digest))).toBe(first.account);
  });
});

describe("an organization's key for several members", () => {
  const members = [keys.createEncryptionKeyPair(), keys.createEncryptionKeyPair()].map((pair, i) => ({
    ...{ id: `0x${'00'.repeat(31)}0${i + 1}`, encryptionKey: pair.publicKey, secretKey: pair.secretKey },
  }));
  const secrets = [keys.createEncryptionKeyPair(), keys.createEncryptionKeyPair()];
  const sealed = crypto.sealOrganizationKeyTo(
    network,
    organization,
    members,
    secrets.map(({ secretKey }) => secretKey),
  );

  it('opens for each of them and for nobody else, and says for which key it is', async () => {
    const { bytes } = await sealed;
    for (const { id, secretKey } of members)
      expect(await crypto.openOrganizationKey(bytes, network, organization, id, secretKey)).toEqual(secrets.map((pair) => pair.secretKey));
    expect(await crypto.openOrganizationKey(bytes, network, organization, `0x${'00'.repeat(31)}09`, digest)).toBeNull();
    expect(crypto.organizationKeyHolders(bytes)).toEqual({ publicKey: secrets[1]?.publicKey, members: members.map(({ id }) => id) });
  });

  it('does not open as the other member, or for another organization', async () => {
    const { bytes } = await sealed;
    const [a, b] = members;
    const open = (where: string, id = '', secret: Uint8Array = digest) => crypto.openOrganizationKey(bytes, network, where, id, secret);
    await expect(open(organization, a?.id, b?.secretKey)).rejects.toMatchObject({ code: 'TAMPERED' });
    await expect(open(network, a?.id, a?.secretKey)).rejects.toMatchObject({ code: 'TAMPERED' });
  });
});
