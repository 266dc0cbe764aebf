/** Quantities, ranges and measured values in words, as lists of results and doses show them. */
import { formatDate, formatDateTime, formatMeasured, formatNumber } from '../format/index.ts';
import { code, concept, get, isObject, join, list, number, plain, text } from './read.ts';

/** UCUM codes that are not what a clinician would write. Others are shown as they are. */
const unitWords: Readonly<Record<string, string>> = {
  'mm[Hg]': 'mmHg',
  Cel: '°C',
  '[degF]': '°F',
  'kg/m2': 'kg/m²',
  m2: 'm²',
  '[in_i]': 'in',
  '[lb_av]': 'lb',
  '/min': 'per min',
  '{beats}/min': 'per min',
  '{breaths}/min': 'per min',
  '{score}': '',
  '{#}': '',
  '1': '',
  '10*3/uL': '×10³/µL',
  '10*6/uL': '×10⁶/µL',
  '10*9/L': '×10⁹/L',
  '10*12/L': '×10¹²/L',
  'umol/L': 'µmol/L',
  'ug/L': 'µg/L',
  'ug/dL': 'µg/dL',
  ug: 'micrograms',
  'mL/min/{1.73_m2}': 'mL/min/1.73 m²',
  'mL/min/1.73m2': 'mL/min/1.73 m²',
  '{nominal}': '',
  a: 'years',
  wk: 'weeks',
  d: 'days',
  h: 'hours',
  min: 'minutes',
  mo: 'months',
};

/** The unit of a Quantity in words; '' for none. */
export function unitOf(quantity: unknown): string {
  const unit = text(quantity, 'unit') || code(quantity, 'code');
  return plain(Object.hasOwn(unitWords, unit) ? unitWords[unit] : unit, 60);
}

const comparators: Readonly<Record<string, string>> = { '<': '<', '<=': '≤', '>': '>', '>=': '≥', ad: '≈' };

/** The number of a Quantity with its comparator (`<5`, `≥1,000`); '' where there is none. */
export function amountOf(quantity: unknown): string {
  const value = number(get(quantity, 'value'));
  if (value === null) return '';
  const comparator = code(quantity, 'comparator');
  return `${Object.hasOwn(comparators, comparator) ? comparators[comparator] : ''}${formatMeasured(value)}`;
}

/** `5.1 mmol/L`. */
export function quantityText(quantity: unknown): string {
  return join([amountOf(quantity), unitOf(quantity)], ' ');
}

/** `3.5–5.1`, `≥60`, `≤5` of low and high Quantities; '' for neither. */
export function rangeText(range: unknown): string {
  const [low, high] = [amountOf(get(range, 'low')), amountOf(get(range, 'high'))];
  if (low !== '' && high !== '') return `${low}–${high}`;
  if (low !== '') return `≥${low}`;
  return high === '' ? '' : `≤${high}`;
}

export interface MeasuredValue {
  readonly value: string;
  readonly unit: string;
  /** The bare number, where it is one without comparator. */
  readonly amount: number | null;
}

const valueTypes = [
  'Quantity',
  'CodeableConcept',
  'String',
  'Boolean',
  'Integer',
  'Range',
  'Ratio',
  'SampledData',
  'Time',
  'DateTime',
  'Period',
] as const;

/** Observation.value[x] (or a component's) for a list; null where there is none. */
export function measuredValue(observation: unknown): MeasuredValue | null {
  for (const type of valueTypes) {
    const value = get(observation, `value${type}`);
    if (value === undefined || value === null) continue;
    if (type === 'Quantity') {
      const amount = code(value, 'comparator') === '' ? number(get(value, 'value')) : null;
      return { value: amountOf(value), unit: unitOf(value), amount };
    }
    return {
      value: words(type, value),
      unit: type === 'Range' ? unitOf(get(value, 'low') ?? get(value, 'high')) : '',
      amount: number(value),
    };
  }
  return null;
}

function words(type: (typeof valueTypes)[number], value: unknown): string {
  if (type === 'CodeableConcept') return concept(value).text;
  if (type === 'Boolean') return value === true ? 'Yes' : value === false ? 'No' : '';
  if (type === 'Integer') return number(value) === null ? '' : formatNumber(value as number);
  if (type === 'Range') return rangeText(value);
  if (type === 'Ratio') return join([quantityText(get(value, 'numerator')), quantityText(get(value, 'denominator'))], ' : ');
  if (type === 'SampledData') return 'Sampled data';
  if (type === 'DateTime') return formatDateTime(plain(value));
  if (type === 'Period') return join([formatDate(text(value, 'start')), formatDate(text(value, 'end'))], ' to ');
  return plain(value);
}

// HL7 v3 ObservationInterpretation. Codes about resistance, presence and change are neither normal nor abnormal by themselves.
const interpretations: Readonly<Record<string, 'normal' | 'abnormal' | 'critical'>> = {
  N: 'normal',
  A: 'abnormal',
  H: 'abnormal',
  L: 'abnormal',
  HU: 'abnormal',
  LU: 'abnormal',
  HX: 'abnormal',
  LX: 'abnormal',
  '>': 'abnormal',
  '<': 'abnormal',
  AA: 'critical',
  HH: 'critical',
  LL: 'critical',
};

/**
 * What the laboratory says of a value; where it says nothing, whether the number lies in its reference range. The range counts only if
 * it is the sole one, for everybody (no age or group), and in the value's unit.
 */
export function interpretationOf(observation: unknown): 'normal' | 'abnormal' | 'critical' | undefined {
  const said = list(get(observation, 'interpretation')).flatMap((entry) => list(get(entry, 'coding')).map((one) => code(one, 'code')));
  const known = said.flatMap((entry) => (Object.hasOwn(interpretations, entry) ? [interpretations[entry]] : []));
  for (const level of ['critical', 'abnormal', 'normal'] as const) if (known.includes(level)) return level;
  if (said.length > 0) return undefined;
  const ranges = list(get(observation, 'referenceRange'));
  const amount = measuredValue(observation)?.amount ?? null;
  const range = ranges[0];
  if (ranges.length !== 1 || amount === null || !isObject(range) || 'age' in range || 'appliesTo' in range) return undefined;
  const unit = unitOf(get(observation, 'valueQuantity'));
  const bounds = [get(range, 'low'), get(range, 'high')];
  if (bounds.some((bound) => bound !== undefined && unitOf(bound) !== '' && unitOf(bound) !== unit)) return undefined;
  const [low, high] = bounds.map((bound) => number(get(bound, 'value')));
  if (low === null && high === null) return undefined;
  return (typeof low === 'number' && amount < low) || (typeof high === 'number' && amount > high) ? 'abnormal' : 'normal';
}

/** The reference range a result was measured against, in words. */
export function referenceRangeText(observation: unknown): string {
  const range = list(get(observation, 'referenceRange'))[0];
  return rangeText(range) || text(range, 'text');
}
