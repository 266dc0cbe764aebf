import { describe, expect, it } from 'vitest';
import { initialsOf } from '../../../src-renderer/features/lock/initials.ts';

describe('initials', () => {
  it.each([
    ['Dr Meera Rao', 'MR'],
    ['Prof. Dr. Ana María Núñez', 'AN'],
    ['Cher', 'C'],
    ['Tom Nurse', 'TN'],
    ['Nurse', 'N'],
    ['𝒜da Lovelace', '𝒜L'],
    ['', ''],
  ])('of %s are %s', (name, initials) => {
    expect(initialsOf(name)).toBe(initials);
  });
});
