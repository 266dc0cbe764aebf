/** A FHIR Dosage as a medication line: DOSE, route, frequency, separated by em dashes (NHS Common User Interface). */
import { formatNumber } from '../format/index.ts';
import { code, concept, first, get, join, list, number, text } from './read.ts';
import { amountOf, quantityText, rangeText, unitOf } from './quantities.ts';

const units: Readonly<Record<string, readonly [string, string]>> = {
  s: ['second', 'seconds'],
  min: ['minute', 'minutes'],
  h: ['hour', 'hours'],
  d: ['day', 'days'],
  wk: ['week', 'weeks'],
  mo: ['month', 'months'],
  a: ['year', 'years'],
};
const meals: Readonly<Record<string, string>> = {
  AC: 'before meals',
  ACM: 'before breakfast',
  ACV: 'before dinner',
  C: 'with meals',
  CM: 'with breakfast',
  HS: 'at bedtime',
  MORN: 'in the morning',
  NOON: 'at noon',
  EVE: 'in the evening',
  NIGHT: 'at night',
  PC: 'after meals',
  WAKE: 'on waking',
};

/** Timing.repeat in words: `twice a day`, `every 8 hours`; '' where it does not say. */
function frequencyOf(timing: unknown): string {
  const repeat = get(timing, 'repeat');
  const frequency = number(get(repeat, 'frequency')) ?? 1;
  const period = number(get(repeat, 'period'));
  const unit = code(repeat, 'periodUnit');
  const name = Object.hasOwn(units, unit) ? units[unit] : undefined;
  const when = list(get(repeat, 'when'), 6).map((entry) =>
    typeof entry === 'string' && Object.hasOwn(meals, entry) ? (meals[entry] ?? '') : '',
  );
  const often = period !== null && period > 0 && name ? howOften(frequency, period, name) : '';
  return join([often, join(when, ', ')], ' ') || concept(get(timing, 'code')).text;
}

function howOften(frequency: number, period: number, [one, many]: readonly [string, string]): string {
  if (frequency === 1) return period === 1 ? `once a ${one}` : `every ${formatNumber(period)} ${many}`;
  const times = frequency === 2 ? 'twice' : `${formatNumber(frequency)} times`;
  return period === 1 ? `${times} a ${one}` : `${times} every ${formatNumber(period)} ${many}`;
}

/** The amount taken at once: `500 mg`, `1–2 tablets`; '' where it does not say. */
function doseOf(dosage: unknown): string {
  const rate = first(get(dosage, 'doseAndRate'));
  const quantity = get(rate, 'doseQuantity') ?? get(dosage, 'dose');
  if (quantity !== undefined) return quantityText(quantity);
  const range = get(rate, 'doseRange');
  if (range !== undefined) return join([rangeText(range), unitOf(get(range, 'high') ?? get(range, 'low'))], ' ');
  return quantityText(get(rate, 'rateQuantity'));
}

/** One Dosage (R4 section 2.29): its own text where it has one, else built from its parts. */
export function dosageText(dosage: unknown): string {
  const given = text(dosage, 'text');
  if (given !== '') return given;
  const dose = doseOf(dosage);
  const asNeeded = get(dosage, 'asNeededBoolean') === true ? 'as needed' : concept(get(dosage, 'asNeededCodeableConcept')).text;
  const reason = asNeeded !== '' && asNeeded !== 'as needed' ? `as needed for ${asNeeded}` : asNeeded;
  const parts = [dose === '' ? '' : `DOSE ${dose}`, concept(get(dosage, 'route')).text, frequencyOf(get(dosage, 'timing')), reason];
  const built = join(parts, ' — ');
  return built || text(dosage, 'patientInstruction') || concept(get(dosage, 'additionalInstruction')).text;
}

/** All Dosages of a medication resource, at most six. */
export function dosagesText(dosages: unknown): string {
  return join(list(dosages, 6).map(dosageText), '; ');
}

/** How much was or is to be handed out. */
export function supplyText(request: unknown): string {
  const supply = get(request, 'dispenseRequest');
  const repeats = number(get(supply, 'numberOfRepeatsAllowed'));
  const quantity = get(supply, 'quantity') ?? get(request, 'quantity');
  return join(
    [amountOf(quantity) === '' ? '' : `supply ${quantityText(quantity)}`, repeats ? `${formatNumber(repeats)} repeats` : ''],
    ', ',
  );
}
