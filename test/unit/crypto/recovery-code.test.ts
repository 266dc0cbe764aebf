import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readRecoveryCode, writeRecoveryCode } from '../../../src-main/core/adapters/crypto/recovery-code.ts';

const key = Uint8Array.from({ length: 32 }, (_, index) => index * 7);
const anyKey = fc.uint8Array({ minLength: 32, maxLength: 32 });

describe('a recovery code', () => {
  it('is 14 groups of four symbols, and always the same for a key', () => {
    // Worked out by another program from the description.
    expect(writeRecoveryCode(key)).toBe('003G-W58W-4CN3-2E1Z-8S6N-8PV2-D5R7-EZM5-HJ9S-N8D8-NYVB-VH6B-TBCX-03H3');
    expect(writeRecoveryCode(new Uint8Array(32))).toMatch(/^(0000-){12}/);
  });

  it('gives the key again', () => {
    fc.assert(
      fc.property(anyKey, (bytes) => {
        const code = writeRecoveryCode(bytes);
        expect(code).toMatch(/^([0-9A-HJKMNP-TV-Z]{4}-){13}[0-9A-HJKMNP-TV-Z]{4}$/);
        expect([...readRecoveryCode(code)]).toEqual([...bytes]);
      }),
    );
  });

  it('does not mind case, spaces, dashes, and the letters that look like digits', () => {
    const code = writeRecoveryCode(key);
    const typed = ` ${code.toLowerCase().replaceAll('-', ' ').replaceAll('0', 'o').replaceAll('1', 'l')}\n`;
    expect([...readRecoveryCode(typed)]).toEqual([...key]);
  });

  it('is refused with any one symbol changed, or two neighbours changed over', () => {
    const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
    const code = writeRecoveryCode(key).replaceAll('-', '');
    for (let at = 0; at < code.length; at++) {
      for (const symbol of alphabet) {
        if (symbol === code[at]) continue;
        expect(() => readRecoveryCode(code.slice(0, at) + symbol + code.slice(at + 1))).toThrow(/not right/);
      }
      const [a, b] = [code[at] ?? '', code[at + 1] ?? ''];
      if (b !== '' && a !== b) expect(() => readRecoveryCode(code.slice(0, at) + b + a + code.slice(at + 2))).toThrow(/not right/);
    }
  });

  it('is refused where it is too short, too long, or has a sign of no such code', () => {
    const code = writeRecoveryCode(key);
    for (const wrong of ['', code.slice(1), `${code}0`, `U${code.slice(1)}`, `*${code.slice(1)}`]) {
      expect(() => readRecoveryCode(wrong)).toThrow(expect.objectContaining({ code: 'CODE_INVALID' }));
    }
  });

  it('does not repeat what was typed', () => {
    expect(() => readRecoveryCode('SECRETSECRET')).toThrow(expect.objectContaining({ message: expect.not.stringContaining('SECRET') }));
  });

  it('is made of 32 bytes only', () => {
    expect(() => writeRecoveryCode(new Uint8Array(31))).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }));
  });
});
