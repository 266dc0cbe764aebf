/** Describes encounters, problems, procedures, plans and what else tells the course of care. */
import { formatDate } from '../format/index.ts';
import type { Describers } from './description.ts';
import { measuredValue } from './quantities.ts';
import { choice, code, coding, concept, date, first, get, join, list, plain, referenceText, text, type JsonObject } from './read.ts';

const classWords: Readonly<Record<string, string>> = {
  AMB: 'Ambulatory',
  EMER: 'Emergency',
  HH: 'Home visit',
  VR: 'Virtual',
  IMP: 'Inpatient',
  ACUTE: 'Inpatient, acute',
  NONAC: 'Inpatient, non-acute',
  OBSENC: 'Observation',
  PRENC: 'Pre-admission',
  SS: 'Short stay',
  FLD: 'Field',
};

/** Encounter.class (v3 ActCode) in words; the code where it is another. */
export function encounterClassText(value: string): string {
  return Object.hasOwn(classWords, value) ? (classWords[value] ?? value) : value;
}

/** Annotation or list of them, in one line. */
export function noteText(resource: unknown, max = 500): string {
  return plain(
    list(get(resource, 'note'), 5)
      .map((note) => text(note, 'text'))
      .filter((note) => note !== '')
      .join(' '),
    max,
  );
}

/** Reasons a resource names: its reasonCode, or the display of its reasonReference. */
export function reasonText(resource: unknown): string {
  const coded = list(get(resource, 'reasonCode'), 5).map((reason) => concept(reason).text);
  const referred = list(get(resource, 'reasonReference'), 5).map(referenceText);
  return plain(join([...new Set([...coded, ...referred])], ', '), 300);
}

/** When something began, as the record says it: a date, an age or words. */
function onsetOf(resource: unknown, name: string): string {
  const found = choice(resource, name, ['DateTime', 'Period', 'Age', 'Range', 'String', 'Boolean']);
  if (!found) return '';
  if (found.type === 'DateTime') return date(found.value);
  if (found.type === 'Period') return date(get(found.value, 'start'));
  if (found.type === 'String') return plain(found.value, 100);
  if (found.type === 'Boolean') return '';
  const value = measuredValue({ [`value${found.type === 'Age' ? 'Quantity' : 'Range'}`]: found.value });
  return value ? join(['at age', value.value, value.unit], ' ') : '';
}

function condition(resource: JsonObject) {
  const clinical = concept(get(resource, 'clinicalStatus')).code;
  const verification = concept(get(resource, 'verificationStatus')).code;
  const wrong = ['entered-in-error', 'refuted'].includes(verification) ? verification : '';
  const onset = onsetOf(resource, 'onset');
  const end = onsetOf(resource, 'abatement');
  const coded = concept(get(resource, 'code'));
  return {
    title: coded.text,
    concept: coded,
    date: date(get(resource, 'recordedDate'), get(resource, 'onsetDateTime'), get(resource, 'onsetPeriod', 'start')),
    status: wrong || clinical || verification,
    detail: join([
      verification === 'confirmed' || wrong !== '' ? '' : verification,
      concept(get(resource, 'severity')).text,
      onset === '' ? '' : `since ${date(onset) === '' ? onset : formatDate(onset)}`,
      end === '' ? '' : `until ${date(end) === '' ? end : formatDate(end)}`,
    ]),
    extract: { clinicalStatus: wrong || clinical, onset, end, note: noteText(resource) },
  };
}

function encounter(resource: JsonObject) {
  const type = concept(get(resource, 'type'));
  const kind = coding(first(get(resource, 'class')));
  const reason = reasonText(resource);
  const classText = encounterClassText(kind.code);
  return {
    title: type.text || (classText === '' ? '' : `${classText} encounter`),
    concept: type,
    date: date(get(resource, 'period', 'start')),
    status: code(resource, 'status'),
    detail: join([reason, referenceText(get(resource, 'serviceProvider'))]),
    extract: { class: kind.code, reason, end: date(get(resource, 'period', 'end')) },
  };
}

const performed = (resource: unknown) =>
  date(get(resource, 'performedDateTime'), get(resource, 'performedPeriod', 'start'), get(resource, 'performedPeriod', 'end'));

export const problemDescribers: Describers = {
  Encounter: encounter,
  Condition: condition,
  EpisodeOfCare: (resource) => ({
    title: concept(get(resource, 'type')).text,
    date: date(get(resource, 'period', 'start')),
    detail: referenceText(get(resource, 'managingOrganization')),
    extract: { end: date(get(resource, 'period', 'end')) },
  }),
  Procedure: (resource) => {
    const coded = concept(get(resource, 'code'));
    const reason = reasonText(resource);
    return {
      title: coded.text,
      concept: coded,
      date: performed(resource),
      detail: join([reason, concept(get(resource, 'bodySite')).text, concept(get(resource, 'outcome')).text]),
      extract: { reason, end: date(get(resource, 'performedPeriod', 'end')), note: noteText(resource) },
    };
  },
  CarePlan: (resource) => {
    const coded = concept(get(resource, 'category'));
    const activities = list(get(resource, 'activity'), 10).map(
      (one) => concept(get(one, 'detail', 'code')).text || text(one, 'detail', 'description'),
    );
    return {
      title: text(resource, 'title') || coded.text,
      concept: coded,
      date: date(get(resource, 'period', 'start'), get(resource, 'created')),
      detail: join([text(resource, 'description'), join([...new Set(activities)], ', ')]),
      extract: { end: date(get(resource, 'period', 'end')), note: noteText(resource) },
    };
  },
  CareTeam: (resource) => ({
    title: text(resource, 'name') || concept(get(resource, 'category')).text,
    date: date(get(resource, 'period', 'start')),
    detail: join(
      list(get(resource, 'participant'), 10).map((one) => join([referenceText(get(one, 'member')), concept(get(one, 'role')).text], ', ')),
      '; ',
    ),
    extract: { end: date(get(resource, 'period', 'end')), reason: reasonText(resource) },
  }),
  Goal: (resource) => {
    const coded = concept(get(resource, 'description'));
    return {
      title: coded.text,
      concept: coded,
      date: date(get(resource, 'startDate'), get(resource, 'statusDate')),
      status: code(resource, 'lifecycleStatus'),
      detail: join([
        concept(get(resource, 'achievementStatus')).text,
        join(
          list(get(resource, 'target'), 5).map((one) => concept(get(one, 'measure')).text),
          ', ',
        ),
      ]),
      extract: { note: noteText(resource) },
    };
  },
  ClinicalImpression: (resource) => {
    const coded = concept(get(resource, 'code'));
    return {
      title: text(resource, 'description') || coded.text,
      concept: coded,
      date: date(get(resource, 'effectiveDateTime'), get(resource, 'effectivePeriod', 'start'), get(resource, 'date')),
      detail: join([
        text(resource, 'summary'),
        join(
          list(get(resource, 'finding'), 5).map((one) => concept(get(one, 'itemCodeableConcept')).text),
          ', ',
        ),
      ]),
      extract: { note: noteText(resource) },
    };
  },
  Composition: (resource) => {
    const coded = concept(get(resource, 'type'));
    return {
      title: text(resource, 'title') || coded.text,
      concept: coded,
      date: date(get(resource, 'date')),
      detail: join(
        list(get(resource, 'section'), 10).map((one) => text(one, 'title')),
        ', ',
      ),
    };
  },
  FamilyMemberHistory: (resource) => {
    const coded = concept(get(resource, 'relationship'));
    const conditions = list(get(resource, 'condition'), 10).map((one) => concept(get(one, 'code')).text);
    return {
      title: join([coded.text, text(resource, 'name')], ', '),
      concept: coded,
      date: date(get(resource, 'date')),
      detail: join([...new Set(conditions)], ', '),
      extract: { note: noteText(resource) },
    };
  },
  ServiceRequest: (resource) => {
    const coded = concept(get(resource, 'code'));
    const reason = reasonText(resource);
    return {
      title: coded.text,
      concept: coded,
      date: date(get(resource, 'authoredOn'), get(resource, 'occurrenceDateTime')),
      detail: join([concept(get(resource, 'category')).text, code(resource, 'priority'), reason]),
      extract: { reason, note: noteText(resource) },
    };
  },
  Communication: (resource) => ({
    title: concept(get(resource, 'topic')).text || concept(get(resource, 'category')).text,
    date: date(get(resource, 'sent'), get(resource, 'received')),
    detail: plain(text(get(resource, 'payload'), 'contentString'), 500),
  }),
  NutritionOrder: (resource) => ({
    title: concept(get(resource, 'oralDiet', 'type')).text,
    date: date(get(resource, 'dateTime')),
    detail: text(resource, 'oralDiet', 'instruction'),
    extract: { note: noteText(resource) },
  }),
  RiskAssessment: (resource) => ({
    title: concept(get(resource, 'code')).text || concept(get(resource, 'method')).text,
    concept: concept(get(resource, 'code')),
    date: date(get(resource, 'occurrenceDateTime'), get(resource, 'occurrencePeriod', 'start')),
    detail: join(
      list(get(resource, 'prediction'), 5).map((one) =>
        join([concept(get(one, 'outcome')).text, concept(get(one, 'qualitativeRisk')).text], ': '),
      ),
      '; ',
    ),
    extract: { note: noteText(resource) },
  }),
  DetectedIssue: (resource) => ({
    title: concept(get(resource, 'code')).text,
    concept: concept(get(resource, 'code')),
    date: date(get(resource, 'identifiedDateTime'), get(resource, 'identifiedPeriod', 'start')),
    detail: join([code(resource, 'severity'), text(resource, 'detail')]),
  }),
  AdverseEvent: (resource) => ({
    title: concept(get(resource, 'event')).text,
    concept: concept(get(resource, 'event')),
    date: date(get(resource, 'date'), get(resource, 'detected'), get(resource, 'recordedDate')),
    status: code(resource, 'actuality'),
    detail: join([concept(get(resource, 'seriousness')).text, concept(get(resource, 'outcome')).text]),
  }),
  Flag: (resource) => ({
    title: concept(get(resource, 'code')).text,
    concept: concept(get(resource, 'code')),
    date: date(get(resource, 'period', 'start')),
    detail: concept(get(resource, 'category')).text,
    extract: { end: date(get(resource, 'period', 'end')) },
  }),
};
