/** Networks of more computers than a workstation remembers, or than fit into one message. */
import { describe, expect, it } from 'vitest';
import { createRecordCrypto } from '../../../src-main/core/adapters/crypto/record-crypto.ts';
import { createComputers } from '../../../src-main/core/services/peers/computers.ts';
import type { Voucher } from '../../../src-main/core/services/peers/vouchers.ts';

const hex = (bytes: number, i: number) => `0x${i.toString(16).padStart(bytes * 2, '0')}`;
const organization = (i: number) => hex(32, i + 1);
const own = organization(0);
const peer = (clinic: number, i: number) =>
  `12D3KooW${'ABCDEFGHJKLMNPQRSTUVWXYZ'[clinic]}${String(i).replaceAll('0', 'x').padStart(43, 'x')}`;

const voucherOf = (clinic: number, i: number): Voucher => ({
  ...{ organization: organization(clinic), peer: peer(clinic, i), name: '€'.repeat(80), active: true, sequence: 0, by: hex(20, clinic) },
  ...{ invitation: { key: hex(20, clinic * 1000 + i), signature: hex(65, 1) }, signature: hex(65, 2) },
});

describe('the computers of a large network', () => {
  it('are known with all of the own clinic, and shown in one message', () => {
    const crypto = createRecordCrypto();
    const settings = new Map<string, unknown>();
    const computers = createComputers({
      store: { setting: (name: string) => settings.get(name), setSetting: (name: string, value: unknown) => settings.set(name, value) },
      ...{ crypto, directory: { organization: () => ({ suspended: false }), roles: () => ['admin'] }, vouchers: { isSigned: () => true } },
      ...{ organization: () => own, ownPeer: () => peer(0, 0) },
    } as never);
    const clinic = (index: number, count: number) => Array.from({ length: count }, (_, i) => voucherOf(index, i));
    computers.learn(clinic(0, 50));
    for (let i = 1; i <= 22; i++) computers.learn(clinic(i, 100));
    expect(computers.list()).toHaveLength(50);
    // Of others the oldest are forgotten.
    expect(computers.standing(peer(1, 0))).toBe('unknown');
    expect(computers.standing(peer(22, 99))).toBe('member');
    const shown = computers.toShow(peer(22, 0));
    expect(shown[0]?.peer).toBe(peer(0, 0));
    expect(shown.filter((v) => v.organization === own)).toHaveLength(50);
    expect(shown.length).toBeGreaterThan(900);
    expect(crypto.encodeMessage({ vouchers: shown }).length).toBeLessThan(1024 * 1024);
  });
});
