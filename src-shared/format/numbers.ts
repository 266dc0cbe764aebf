/** Numbers in doses and results: `0.5`, never `.5` nor `0.50`, comma from 1,000 (ISMP and NHS guidance against ten-fold errors). */

const decimal = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?$/;

/** Writes a decimal without exponent: whole and fraction digits. */
function expand(whole: string, fraction: string, exponent: number): { whole: string; fraction: string } {
  if (exponent >= 0) return { whole: whole + fraction.slice(0, exponent).padEnd(exponent, '0'), fraction: fraction.slice(exponent) };
  const padded = whole.padStart(-exponent, '0');
  return { whole: padded.slice(0, padded.length + exponent), fraction: padded.slice(padded.length + exponent) + fraction };
}

/**
 * A number, or the decimal text of one (kept digit for digit, so that nothing is lost to binary fractions). No exponent, no trailing zeros
 * after the point, `-0` is `0`. Text that is no number comes back as it is; `Not recorded` for NaN, infinities and ''.
 */
export function formatNumber(value: number | string): string {
  if (typeof value === 'number' && !Number.isFinite(value)) return 'Not recorded';
  const text = String(value).trim();
  if (text === '') return 'Not recorded';
  const match = decimal.exec(text);
  if (!match || (match[2] === '' && (match[3] ?? '') === '')) return text;
  const { whole, fraction } = expand(match[2] ?? '', match[3] ?? '', Number(match[4] ?? 0));
  const wholeDigits = whole.replace(/^0+(?=\d)/, '') || '0';
  const fractionDigits = fraction.replace(/0+$/, '');
  const negative = match[1] === '-' && !(wholeDigits === '0' && fractionDigits === '');
  const grouped = wholeDigits.replace(/\B(?=(\d{3})+$)/g, ',');
  return `${negative ? '-' : ''}${grouped}${fractionDigits === '' ? '' : `.${fractionDigits}`}`;
}

/**
 * A measured value for a list: up to six significant digits as they are; more are an artefact of calculation and are rounded to two places
 * after the point, or to three significant digits below one. The record itself keeps every digit.
 */
export function formatMeasured(value: number): string {
  if (!Number.isFinite(value)) return 'Not recorded';
  const significant = String(Math.abs(value)).replace(/e.*$/, '').replace('.', '').replace(/^0+/, '');
  if (Number.isInteger(value) || significant.length <= 6) return formatNumber(value);
  return formatNumber(Math.abs(value) < 1 ? Number(value.toPrecision(3)) : Number(value.toFixed(2)));
}
