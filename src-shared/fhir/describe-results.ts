/** Describes observations, reports and specimens: value, unit, range and what it means. */
import type { RecordExtract } from '../view-types.ts';
import { noteText } from './describe-problems.ts';
import type { Describers } from './description.ts';
import { formatNumber } from '../format/index.ts';
import { interpretationOf, measuredValue, quantityText, referenceRangeText, unitOf } from './quantities.ts';
import { codings, concept, date, get, join, list, number, plain, referenceText, text, type JsonObject } from './read.ts';

type Component = NonNullable<RecordExtract['components']>[number];

function componentsOf(resource: JsonObject): Component[] {
  return list(get(resource, 'component'), 20).map((one) => {
    const measured = measuredValue(one);
    const absent = concept(get(one, 'dataAbsentReason')).text;
    return {
      label: plain(concept(get(one, 'code')).text, 100),
      value: plain(measured?.value || (absent === '' ? '' : `not measured: ${absent}`), 100),
      unit: plain(measured?.unit ?? '', 40),
    };
  });
}

/** LOINC 8480-6 and 8462-4: systolic and diastolic pressure, written `154/108` and to whole millimetres as clinicians do. */
function bloodPressureOf(resource: JsonObject): { value: string; unit: string } | null {
  const parts = list(get(resource, 'component'), 20);
  const measured = ['8480-6', '8462-4'].map((wanted) =>
    parts.find((one) => codings(get(one, 'code')).some((found) => found.code === wanted)),
  );
  const [systolic, diastolic] = measured.map((one) => number(get(one, 'valueQuantity', 'value')));
  if (typeof systolic !== 'number' || typeof diastolic !== 'number') return null;
  return {
    value: `${formatNumber(Math.round(systolic))}/${formatNumber(Math.round(diastolic))}`,
    unit: unitOf(get(measured[0], 'valueQuantity')),
  };
}

/** The gravest of an observation's own interpretation and those of its components. */
function gravest(resource: JsonObject): RecordExtract['interpretation'] {
  const found = [resource, ...list(get(resource, 'component'), 20)].map(interpretationOf);
  return found.includes('critical')
    ? 'critical'
    : found.includes('abnormal')
      ? 'abnormal'
      : found.includes('normal')
        ? 'normal'
        : undefined;
}

function observation(resource: JsonObject) {
  const coded = concept(get(resource, 'code'));
  const components = componentsOf(resource);
  const measured = measuredValue(resource) ?? bloodPressureOf(resource);
  const absent = concept(get(resource, 'dataAbsentReason')).text;
  const value = plain(measured?.value || (absent === '' || components.length > 0 ? '' : `not measured: ${absent}`), 200);
  const range = plain(referenceRangeText(resource), 100);
  const interpretation = gravest(resource);
  const listed =
    value === ''
      ? join(
          components.map((one) => join([one.label, one.value, one.unit], ' ')),
          ', ',
        )
      : '';
  return {
    title: coded.text,
    concept: coded,
    date: date(
      get(resource, 'effectiveDateTime'),
      get(resource, 'effectivePeriod', 'start'),
      get(resource, 'effectiveInstant'),
      get(resource, 'issued'),
    ),
    detail: join([
      join([value, measured?.unit ?? ''], ' '),
      listed,
      range === '' ? '' : `range ${range}`,
      interpretation === 'normal' ? '' : (interpretation ?? ''),
    ]),
    extract: {
      value,
      unit: measured?.unit ?? '',
      range,
      ...(interpretation ? { interpretation } : {}),
      ...(components.length > 0 ? { components } : {}),
      note: noteText(resource),
    },
  };
}

function report(resource: JsonObject) {
  const coded = concept(get(resource, 'code'));
  const results = list(get(resource, 'result'), 100);
  const conclusion =
    plain(get(resource, 'conclusion'), 500) ||
    join(
      list(get(resource, 'conclusionCode'), 5).map((one) => concept(one).text),
      ', ',
    );
  const named = results
    .slice(0, 6)
    .map(referenceText)
    .filter((one) => one !== '');
  return {
    title: coded.text,
    concept: coded,
    date: date(get(resource, 'effectiveDateTime'), get(resource, 'effectivePeriod', 'start'), get(resource, 'issued')),
    detail: join([
      conclusion,
      results.length === 0 ? '' : `${results.length} ${results.length === 1 ? 'result' : 'results'}`,
      join(named, ', '),
    ]),
    extract: { note: conclusion },
  };
}

export const resultDescribers: Describers = {
  Observation: observation,
  DiagnosticReport: report,
  Specimen: (resource) => ({
    title: concept(get(resource, 'type')).text,
    concept: concept(get(resource, 'type')),
    date: date(
      get(resource, 'collection', 'collectedDateTime'),
      get(resource, 'collection', 'collectedPeriod', 'start'),
      get(resource, 'receivedTime'),
    ),
    detail: join([concept(get(resource, 'collection', 'bodySite')).text, quantityText(get(resource, 'collection', 'quantity'))]),
    extract: { note: noteText(resource) },
  }),
  QuestionnaireResponse: (resource) => {
    const items = list(get(resource, 'item'), 100);
    return {
      title: text(items[0], 'text'),
      date: date(get(resource, 'authored')),
      detail: `${items.length} ${items.length === 1 ? 'answer' : 'answers'}`,
    };
  },
  VisionPrescription: (resource) => ({
    title: 'Vision prescription',
    date: date(get(resource, 'dateWritten'), get(resource, 'created')),
    detail: join(
      list(get(resource, 'lensSpecification'), 4).map((one) => join([text(one, 'eye'), String(number(get(one, 'sphere')) ?? '')], ' ')),
      ', ',
    ),
  }),
};
