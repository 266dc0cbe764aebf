/** Describes allergies, medications and immunizations. */
import { formatNumber } from '../format/index.ts';
import { noteText, reasonText } from './describe-problems.ts';
import type { Describers } from './description.ts';
import { dosagesText, dosageText, supplyText } from './dosage.ts';
import { quantityText } from './quantities.ts';
import {
  code,
  concept,
  date,
  get,
  join,
  list,
  noConcept,
  number,
  reference,
  referenceText,
  text,
  type Concept,
  type JsonObject,
} from './read.ts';

// SNOMED CT: "no known allergy" and its narrower forms.
const noKnownAllergyCodes = new Set([
  '716186003', // no known allergy
  '409137002', // no known drug allergy
  '428607008', // no known environmental allergy
  '429625007', // no known food allergy
  '716220001', // no known animal allergy
  '1003774007', // no known Hevea brasiliensis latex allergy
]);

/** Whether an AllergyIntolerance's code says that there is none known, which is another thing than nothing being recorded. */
export function isNoKnownAllergy(codeSystem: string, value: string): boolean {
  return codeSystem === 'http://snomed.info/sct' && noKnownAllergyCodes.has(value);
}

/** The medication a resource names: coded, contained, or referred to with its name. */
function medicationOf(resource: JsonObject): Concept {
  const coded = concept(get(resource, 'medicationCodeableConcept'));
  if (coded.text !== '') return coded;
  const target = get(resource, 'medicationReference');
  const id = reference(target);
  const contained = id.startsWith('#') ? list(get(resource, 'contained'), 20).find((one) => get(one, 'id') === id.slice(1)) : undefined;
  const inside = concept(get(contained, 'code'));
  return inside.text !== '' ? inside : { ...noConcept, text: referenceText(target) };
}

function allergy(resource: JsonObject) {
  const coded = concept(get(resource, 'code'));
  const clinical = concept(get(resource, 'clinicalStatus')).code;
  const verification = concept(get(resource, 'verificationStatus')).code;
  const wrong = ['entered-in-error', 'refuted'].includes(verification) ? verification : '';
  const reactions = list(get(resource, 'reaction'), 5).map((one) =>
    join(
      [
        join(
          list(get(one, 'manifestation'), 5).map((sign) => concept(sign).text),
          ', ',
        ),
        code(one, 'severity'),
      ],
      ' — ',
    ),
  );
  const criticality = code(resource, 'criticality');
  const onset = date(get(resource, 'onsetDateTime'), get(resource, 'onsetPeriod', 'start'));
  return {
    title: coded.text || concept(get(resource, 'reaction', 'substance')).text,
    concept: coded,
    date: date(get(resource, 'recordedDate'), onset, get(resource, 'lastOccurrence')),
    status: wrong || clinical || verification,
    detail: join([
      join([...new Set(reactions)], '; '),
      criticality === '' ? '' : `criticality ${criticality}`,
      wrong || verification === 'confirmed' ? '' : verification,
    ]),
    extract: { clinicalStatus: wrong || clinical, criticality, onset, reason: join(reactions, '; '), note: noteText(resource) },
  };
}

function medication(dateOf: (resource: JsonObject) => string, dosageOf: (resource: JsonObject) => string) {
  return (resource: JsonObject) => {
    const coded = medicationOf(resource);
    const [dosage, reason] = [dosageOf(resource), reasonText(resource)];
    return {
      title: coded.text,
      concept: coded,
      date: dateOf(resource),
      detail: join([dosage, reason]),
      extract: {
        dosage,
        reason,
        end: date(get(resource, 'effectivePeriod', 'end'), get(resource, 'dispenseRequest', 'validityPeriod', 'end')),
        note: noteText(resource),
      },
    };
  };
}

const effective = (resource: JsonObject) => date(get(resource, 'effectiveDateTime'), get(resource, 'effectivePeriod', 'start'));

function doseNumber(protocol: unknown): string {
  const [at, of] = ['doseNumber', 'seriesDoses'].map(
    (name) => number(get(protocol, `${name}PositiveInt`)) ?? text(protocol, `${name}String`),
  );
  if (at === undefined || at === '') return '';
  return `dose ${formatNumber(at)}${of === undefined || of === '' ? '' : ` of ${formatNumber(of)}`}`;
}

export const medicationDescribers: Describers = {
  AllergyIntolerance: allergy,
  Medication: (resource) => {
    const coded = concept(get(resource, 'code'));
    return { title: coded.text, concept: coded, detail: concept(get(resource, 'form')).text };
  },
  MedicationRequest: medication(
    (resource) => date(get(resource, 'authoredOn')),
    (resource) => join([dosagesText(get(resource, 'dosageInstruction')), supplyText(resource)], ' — '),
  ),
  MedicationStatement: medication(
    (resource) => date(effective(resource), get(resource, 'dateAsserted')),
    (resource) => dosagesText(get(resource, 'dosage')),
  ),
  MedicationAdministration: medication(effective, (resource) => dosageText(get(resource, 'dosage'))),
  MedicationDispense: medication(
    (resource) => date(get(resource, 'whenHandedOver'), get(resource, 'whenPrepared')),
    (resource) => join([dosagesText(get(resource, 'dosageInstruction')), quantityText(get(resource, 'quantity'))], ' — '),
  ),
  Immunization: (resource) => {
    const coded = concept(get(resource, 'vaccineCode'));
    const lot = text(resource, 'lotNumber');
    const notDone = code(resource, 'status') === 'not-done' ? concept(get(resource, 'statusReason')).text : '';
    return {
      title: coded.text,
      concept: coded,
      date: date(get(resource, 'occurrenceDateTime'), get(resource, 'recorded')),
      detail: join([
        notDone === '' ? '' : `not given: ${notDone}`,
        doseNumber(get(resource, 'protocolApplied')),
        concept(get(resource, 'site')).text,
        lot === '' ? '' : `lot ${lot}`,
      ]),
      extract: { reason: notDone, note: noteText(resource) },
    };
  },
  ImmunizationEvaluation: (resource) => ({
    title: concept(get(resource, 'targetDisease')).text,
    date: date(get(resource, 'date')),
    detail: join([concept(get(resource, 'doseStatus')).text, text(resource, 'description')]),
  }),
  ImmunizationRecommendation: (resource) => {
    const due = list(get(resource, 'recommendation'), 10).map(
      (one) => concept(get(one, 'vaccineCode')).text || concept(get(one, 'targetDisease')).text,
    );
    return { title: due.length === 1 ? (due[0] ?? '') : '', date: date(get(resource, 'date')), detail: join([...new Set(due)], ', ') };
  },
};
