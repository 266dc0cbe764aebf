/** Values that several crypto tests need: a header, versions, and bytes that differ from others by one bit. */
import { expect } from 'vitest';
import { createRecordCrypto } from '../../../src-main/core/adapters/crypto/record-crypto.ts';
import type { CommitEntry, CommitHeader, RecordVersion } from '../../../src-main/core/ports.ts';
import { AppError, type ErrorCode } from '../../../src-shared/errors.ts';

export const recordCrypto = createRecordCrypto();

export const hex32 = (fill: number): string => `0x${fill.toString(16).padStart(2, '0').repeat(32)}`;
export const cidOf = (fill: number): string => recordCrypto.cidOfDigest(hex32(fill));

export const patient = '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266';
export const author = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8';

export const header: CommitHeader = {
  network: hex32(1),
  patient,
  compartment: hex32(2),
  author,
  epoch: 3,
  issuedAt: 1_790_000_000,
  parents: [cidOf(4)],
  originals: [],
};

export const version: RecordVersion = {
  recordId: '7c3c1c0e-7c59-4d9e-9d5c-111111111111',
  versionId: '7c3c1c0e-7c59-4d9e-9d5c-222222222222',
  previous: [],
  resourceType: 'Observation',
};

export const pack = cidOf(5);

/** Entries that lie one behind the other in the pack. */
export function entriesOf(count: number): CommitEntry[] {
  return Array.from({ length: count }, (_, index) => ({
    ...version,
    versionId: `version-${index}`,
    previous: index === 0 ? [] : [`before-${index}`],
    location: { pack: { offset: index * 100, length: 100 } },
    size: 60,
    contentDigest: hex32(index % 256),
    dek: new Uint8Array(32).fill(100 + index),
  }));
}

/** A copy with one bit changed. */
export function flipped(bytes: Uint8Array, index: number): Uint8Array {
  const copy = new Uint8Array(bytes);
  copy[index] = (copy[index] ?? 0) ^ 1;
  return copy;
}

/** The error code that this throws; fails the test where it throws nothing or another kind of error. */
export async function codeOf(act: () => unknown): Promise<ErrorCode> {
  try {
    await act();
  } catch (error) {
    expect(error).toBeInstanceOf(AppError);
    return (error as AppError).code;
  }
  throw new Error('expected an AppError, nothing was thrown');
}
