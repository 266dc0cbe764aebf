/** What somebody with the network's key gets out of a workstation, and into it: a stranger, then a computer that was let into the clinic and turned. */
import { decode, encode } from '@ipld/dag-cbor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createKeyAdapter } from '../../../src-main/core/adapters/crypto/keys.ts';
import { createOperationCodec } from '../../../src-main/core/adapters/ledger/operation-codec.ts';
import { createIpfs } from '../../../src-main/core/adapters/ipfs/ipfs.ts';
import { createBlockstore } from '../../../src-main/core/adapters/sqlite/blockstore.ts';
import type { DecodedOperation, PersonKeys } from '../../../src-main/core/ports.ts';
import { bytesOf, hexOf, utf8 } from '../../../src-main/core/services/bytes.ts';
import { operationKinds, roleBits } from '../../../src-shared/operations.ts';
import type { SignedOperation } from '../../../src-shared/operations.ts';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { foundClinic, startWorkstation, type TestWorkstation } from './workstation.ts';

const operations = '/anamnesis/operations/1';
const limits = { maxBytes: 1024 * 1024, timeoutMs: 20_000 };
const codec = createOperationCodec();
const keys = createKeyAdapter();
const hour = 3600;

describe('a hostile peer', () => {
  let w: TestWorkstation;
  let target = '';
  const dir = mkdtempSync(join(tmpdir(), 'anamnesis-hostile-'));
  const blocks = createBlockstore({ dir });
  const enemy = createIpfs({ blocks });
  const mallory = keys.fromPhrase(keys.createPhrase());
  const network = () => w.core.workstation.network.require();
  const store = () => w.core.workstation.store.workstation;

  const connect = async () => {
    const [address] = w.core.workstation.ipfs.addresses();
    await enemy.dial(address!);
    await w.until(
      'connected',
      () => Promise.resolve(enemy.peers()),
      (peers) => peers.length > 0,
    );
  };
  const send = async (message: unknown, protocol = operations) =>
    decode(await enemy.ask(target, protocol, message instanceof Uint8Array ? message : encode(message), limits)) as Record<string, unknown>;

  const signed = (by: PersonKeys, decoded: DecodedOperation, change: Partial<SignedOperation> = {}): SignedOperation => {
    const now = Math.floor(Date.now() / 1000);
    const unsigned = {
      ...{ kind: operationKinds[decoded.kind].code, opId: hexOf(randomBytes(32)), actor: by.account, issuedAt: now, deadline: now + hour },
      payload: codec.encodePayload(decoded.kind, decoded.payload as never),
      ...change,
    };
    return { ...unsigned, signatures: [by.sign(codec.digest(network().config, unsigned))] };
  };
  const wire = (o: SignedOperation) => ({
    ...{ kind: o.kind, issuedAt: o.issuedAt, deadline: o.deadline },
    ...{ opId: bytesOf(o.opId), actor: bytesOf(o.actor), payload: bytesOf(o.payload), signatures: o.signatures.map(bytesOf) },
  });
  const offer = (...list: SignedOperation[]) => send({ type: 'offer', operations: list.map(wire) });

  beforeAll(async () => {
    w = await startWorkstation();
    await foundClinic(w, 'Clinic');
    await w.until(
      'anchored',
      () => w.snapshot(),
      (s) => s.sync.waiting === 0,
    );
    target = await w.core.workstation.connections.peerId();
    const identity = new Uint8Array(randomBytes(32));
    await enemy.start({ swarmKey: bytesOf(network().swarmKey), identity, listen: ['/ip4/127.0.0.1/tcp/0'], peers: [], mdns: false });
    await connect();
  });
  afterAll(async () => {
    await enemy.stop();
    blocks.close();
    await w.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  it('that nobody vouches for gets no operations, no ledger and no blocks', async () => {
    await expect(send({ type: 'list', after: 0 })).rejects.toMatchObject({ code: 'PEER_UNREACHABLE', details: { reason: 'refused' } });
    await expect(send({}, '/anamnesis/time/1')).rejects.toMatchObject({ details: { reason: 'refused' } });
    const call = utf8(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_chainId', params: [] }));
    await expect(send(call, '/anamnesis/ledger/1')).rejects.toMatchObject({ details: { reason: 'refused' } });
    const [member] = w.core.workstation.directory.members();
    const profile = w.core.workstation.crypto.cidOfDigest(member!.profile);
    expect(w.core.workstation.ipfs.has(profile)).toBe(true);
    await expect(enemy.get(profile, { timeoutMs: 1000 })).rejects.toMatchObject({ code: 'BLOCK_UNAVAILABLE' });
  });

  it('that answers the first question with nonsense stays a stranger, is asked again, and harms nobody', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'anamnesis-rude-'));
    const own = createBlockstore({ dir: folder });
    const rude = createIpfs({ blocks: own });
    let asked = 0;
    rude.serve('/anamnesis/hello/1', {
      ...{ maxRequestBytes: limits.maxBytes, maxAnswerBytes: limits.maxBytes },
      answer: () => Promise.resolve([randomBytes(64), new Uint8Array(0), encode({ vouchers: 'none' })][asked++ % 3] ?? null),
    });
    try {
      const identity = new Uint8Array(randomBytes(32));
      await rude.start({ swarmKey: bytesOf(network().swarmKey), identity, listen: ['/ip4/127.0.0.1/tcp/0'], peers: [], mdns: false });
      await rude.dial(w.core.workstation.ipfs.addresses()[0]!);
      await w.until(
        'asked again',
        () => Promise.resolve(asked),
        (times) => times >= 3,
      );
      await expect(rude.ask(target, '/anamnesis/time/1', encode({}), limits)).rejects.toMatchObject({ details: { reason: 'refused' } });
    } finally {
      await rude.stop();
      own.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('that vouches for itself, or changes an invitation, is nobody still', async () => {
    const { organization } = w.core.workstation.computers.own()!;
    const id = await ownId();
    const voucher = { organization, peer: id, name: 'Front desk', active: true, sequence: 5, by: mallory.account, invitation: null };
    const statement = ['anamnesis/computer/1', network().id, organization, id, 1, 5, mallory.account.toLowerCase(), '', 'Front desk'].join(
      '\n',
    );
    const signature = mallory.sign(createHash('sha256').update(statement).digest());
    await send(
      { vouchers: [{ ...voucher, signature }, 'nonsense', { ...voucher, by: w.core.workstation.computers.own()!.by, signature }] },
      '/anamnesis/hello/1',
    );
    expect(w.core.workstation.computers.standing(id)).toBe('unknown');
    await expect(send({ type: 'list', after: 0 })).rejects.toMatchObject({ details: { reason: 'refused' } });
  });

  it('that was let in with an invitation gets the list, and the ledger only to read and to send to', async () => {
    const { invitation } = await w.ask('computers.invitation', {});
    const { clinic } = w.core.workstation.network.readComputerInvitation(invitation);
    const { organization, by, key } = clinic.entrance;
    const invited = keys.fromPrivateKey(key);
    const vouch = (id: string) => {
      const statement = [
        'anamnesis/computer/1',
        network().id,
        organization,
        id,
        1,
        0,
        by.toLowerCase(),
        invited.account.toLowerCase(),
        'Turned',
      ].join('\n');
      return {
        ...{ organization, peer: id, name: 'Turned', active: true, sequence: 0, by },
        invitation: { key: invited.account, signature: clinic.entrance.signature },
        signature: invited.sign(createHash('sha256').update(statement).digest()),
      };
    };
    const id = await ownId();
    await send({ vouchers: [vouch(id)] }, '/anamnesis/hello/1');
    expect(await send({ type: 'list', after: 0 })).toEqual({ ids: [], held: [], next: null });
    // The invitation was for one computer.
    const other = await enemy.idOf(new Uint8Array(randomBytes(32)));
    await send({ vouchers: [vouch(other)] }, '/anamnesis/hello/1');
    expect(w.core.workstation.computers.standing(other)).toBe('unknown');

    const rpc = async (method: string, params: unknown[]) => {
      const request = utf8(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }));
      const bytes = await enemy.ask(target, '/anamnesis/ledger/1', request, limits);
      return JSON.parse(new TextDecoder().decode(bytes)) as { result?: unknown; error?: unknown };
    };
    expect((await rpc('eth_chainId', [])).result).toBe(`0x${network().chainId.toString(16)}`);
    for (const [method, params] of [
      ['anvil_setBalance', [mallory.account, '0xffff']],
      ['evm_revert', ['0x1']],
      ['eth_sendTransaction', [{ from: mallory.account, to: mallory.account }]],
      ['eth_call', [{ to: mallory.account, data: '0x' }, 'latest']],
      ['eth_getLogs', [{ fromBlock: '0x0', toBlock: '0xffffff', address: network().operations, topics: [[`0x${'00'.repeat(32)}`]] }]],
      ['__proto__', []],
    ] as const) {
      expect((await rpc(method, [...params])).error, method).toMatchObject({ code: -32601 });
    }
  });

  it('puts nothing into the directory, or into anybody’s record, that its signer may not do', async () => {
    const { organization } = w.core.workstation.computers.own()!;
    const before = w.core.workstation.directory.members(organization);
    const [doctor] = before;
    const digest = `0x${'11'.repeat(32)}`;
    const unfounded = [
      signed(mallory, {
        kind: 'EnrolMember',
        payload: {
          organization,
          member: mallory.account,
          roles: roleBits.admin,
          encryptionKey: digest,
          profile: digest,
          keyEnvelope: digest,
        },
      }),
      signed(mallory, { kind: 'ChangeMember', payload: { organization, member: doctor!.account, roles: 0 } }),
      signed(mallory, {
        kind: 'Commit',
        payload: { patient: mallory.account, compartment: digest, epoch: 0, organization, commit: digest },
      }),
      signed(mallory, { kind: 'RotateKeys', payload: { signer: mallory.account, encryptionKey: digest } }),
    ];
    expect(await offer(...unfounded.slice(0, 3))).toEqual({ held: [] });
    await offer(unfounded[3]!);
    expect(unfounded.map(({ opId }) => store().operation(opId))).toEqual([undefined, undefined, undefined, undefined]);
    expect(w.core.workstation.directory.members(organization)).toEqual(before);
  });

  it('changes nothing by sending again what is on the ledger already, or what has expired', async () => {
    const known = store().operations({ limit: 3 });
    const before = known.map(({ operation }) => store().operation(operation.opId));
    await offer(...known.map(({ operation }) => ({ ...operation, signatures: operation.signatures.slice(0, 1) })));
    expect(known.map(({ operation }) => store().operation(operation.opId))).toEqual(before);
    const old = signed(
      mallory,
      { kind: 'RotateKeys', payload: { signer: mallory.account, encryptionKey: `0x${'22'.repeat(32)}` } },
      { deadline: 1 },
    );
    await offer(old);
    expect(store().operation(old.opId)).toBeUndefined();
  });

  it.each([
    ['no message', new Uint8Array([1, 2, 3])],
    ['no request', encode({ type: 'everything' })],
    ['an operation with an opId that is too short', encode({ type: 'want', ids: [new Uint8Array(31)] })],
    ['more than is taken at once', encode({ type: 'want', ids: Array.from({ length: 101 }, () => new Uint8Array(32)) })],
    // The same map with its keys in another order: a second form of the same bytes.
    [
      'what is not canonical',
      new Uint8Array([0xa2, 0x65, 0x61, 0x66, 0x74, 0x65, 0x72, 0x00, 0x64, 0x74, 0x79, 0x70, 0x65, 0x64, 0x6c, 0x69, 0x73, 0x74]),
    ],
  ])('that sends %s is refused', async (_, message) => {
    await expect(send(message)).rejects.toMatchObject({ details: { reason: 'refused' } });
    expect(await send({ type: 'list', after: 0 })).toMatchObject({ next: null });
  });

  it('that sends forged signatures is not listened to any more', async () => {
    const admin = w.core.workstation.computers.own()!.by;
    const forged = Array.from({ length: 12 }, (_, i) => ({
      ...signed(mallory, { kind: 'RotateKeys', payload: { signer: mallory.account, encryptionKey: `0x${String(i % 10).repeat(64)}` } }),
      actor: admin,
    }));
    await offer(...forged).catch(() => null);
    expect(forged.map(({ opId }) => store().operation(opId)).every((known) => known === undefined)).toBe(true);
    await w.until(
      'cut off',
      () => Promise.resolve(enemy.peers()),
      (peers) => peers.length === 0,
    );
    await expect(connect().then(() => send({ type: 'list', after: 0 }))).rejects.toThrow();
  });

  async function ownId(): Promise<string> {
    return w.until(
      'seen by the workstation',
      () => Promise.resolve(w.core.workstation.ipfs.peers()[0]?.id ?? ''),
      (id) => id !== '',
    );
  }
});
