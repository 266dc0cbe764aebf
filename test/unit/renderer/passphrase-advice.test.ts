import { describe, expect, it } from 'vitest';
import { advisePassphrase } from '../../../src-renderer/features/first-run/passphrase-advice.ts';

const level = (passphrase: string, known: string[] = []) => advisePassphrase(passphrase, known).level;

describe('passphrase advice', () => {
  it('counts what is missing to the least length', () => {
    expect(advisePassphrase('abc')).toMatchObject({ level: 0 });
    expect(advisePassphrase('abc').text).toContain('7 more');
  });

  it.each(['aaaaaaaaaaaaaaaaaaaa', '12345678901234567890', 'qwertyuiopasdfghjkl', 'password password'])('calls %s weak', (passphrase) => {
    expect(level(passphrase)).toBe(1);
  });

  it('counts the names of person and clinic for little', () => {
    expect(level('meera rao lakeside', ['Dr Meera Rao', 'Clinic Lakeside'])).toBe(1);
  });

  it.each(['correct horse battery staple', 'zebra kettle orbit mint', 'T7#vq!9LmPz@4Rw'])('calls %s strong', (passphrase) => {
    expect(level(passphrase)).toBe(3);
  });
});
