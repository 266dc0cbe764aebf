/** Describes documents and images, people and places, appointments, devices, insurance. */
import { formatName } from '../format/index.ts';
import { noteText } from './describe-problems.ts';
import type { Describers } from './description.ts';
import { nameOf, patientTitle } from './patient-parts.ts';
import { code, coding, concept, date, first, get, join, list, plain, reference, referenceText, text, type JsonObject } from './read.ts';
import { decodeText } from './text-content.ts';

/** The beginning of an attachment that is plain text within the record; '' for anything else. */
function inlineText(attachment: unknown): string {
  const data = get(attachment, 'data');
  if (typeof data !== 'string' || !/^text\/plain\b/i.test(text(attachment, 'contentType'))) return '';
  return plain(decodeText(data, 3000) ?? '', 500);
}

function documentReference(resource: JsonObject) {
  const coded = concept(get(resource, 'type'));
  const attachments = list(get(resource, 'content'), 10).map((one) => get(one, 'attachment'));
  const note = attachments.map(inlineText).find((one) => one !== '') ?? '';
  const described = text(resource, 'description');
  return {
    title: described || text(attachments[0], 'title') || coded.text || concept(get(resource, 'category')).text,
    concept: coded,
    date: date(get(resource, 'date'), get(resource, 'context', 'period', 'start'), get(attachments[0], 'creation')),
    detail:
      note ||
      join([coded.text === described ? '' : coded.text, join([...new Set(attachments.map((one) => text(one, 'contentType')))], ', ')]),
    extract: { note },
  };
}

function imagingStudy(resource: JsonObject) {
  const series = list(get(resource, 'series'), 20);
  const coded = concept(get(resource, 'procedureCode'));
  const modality = coding(get(series[0], 'modality')).text || coding(first(get(resource, 'modality'))).text;
  const sites = series.map((one) => coding(get(one, 'bodySite')).text);
  return {
    title: text(resource, 'description') || coded.text || modality,
    concept: coded.code === '' ? coding(get(series[0], 'modality')) : coded,
    date: date(get(resource, 'started')),
    detail: join([modality, join([...new Set(sites)], ', '), series.length === 0 ? '' : `${series.length} series`]),
    extract: { note: noteText(resource) },
  };
}

const personTitle = (resource: JsonObject) => {
  const name = nameOf(get(resource, 'name'));
  return name.family === '' && name.given === '' ? '' : formatName(name);
};

/** Whose time an appointment takes, other than the patient's: practitioner, location, device. By reference, else by identifier or name. */
function slotActor(actor: unknown): string[] {
  const at = reference(actor);
  const type = code(actor, 'type') || (/(\w+)\/[^/]+$/.exec(at)?.[1] ?? '');
  if (type === 'Patient' || type === 'RelatedPerson') return [];
  const named = join([text(actor, 'identifier', 'system'), text(actor, 'identifier', 'value')], '|') || referenceText(actor);
  const key = at || named;
  return key === '' ? [] : [plain(key, 200)];
}

export const documentDescribers: Describers = {
  DocumentReference: documentReference,
  ImagingStudy: imagingStudy,
  Media: (resource) => ({
    title: text(resource, 'content', 'title') || concept(get(resource, 'type')).text || concept(get(resource, 'modality')).text,
    concept: concept(get(resource, 'type')),
    date: date(get(resource, 'createdDateTime'), get(resource, 'createdPeriod', 'start'), get(resource, 'issued')),
    detail: join([concept(get(resource, 'bodySite')).text, text(resource, 'content', 'contentType')]),
    extract: { note: noteText(resource) },
  }),
  Consent: (resource) => ({
    title: concept(get(resource, 'category')).text || concept(get(resource, 'scope')).text,
    date: date(get(resource, 'dateTime')),
    detail: join(list(get(resource, 'organization'), 3).map(referenceText), ', '),
  }),
  MolecularSequence: (resource) => ({ title: join(['Genetic sequence', code(resource, 'type')], ', ') }),

  Patient: (resource) => ({
    title: patientTitle(resource),
    // The banner shows the person; in lists this record is dated by its last change, not by a birth.
    date: date(get(resource, 'meta', 'lastUpdated')),
    status: get(resource, 'active') === false ? 'inactive' : '',
  }),
  RelatedPerson: (resource) => ({
    title: personTitle(resource),
    detail: concept(get(resource, 'relationship')).text,
    date: date(get(resource, 'period', 'start')),
  }),
  Practitioner: (resource) => ({
    title: personTitle(resource),
    detail: join(
      list(get(resource, 'qualification'), 5).map((one) => concept(get(one, 'code')).text),
      ', ',
    ),
    status: get(resource, 'active') === false ? 'inactive' : '',
  }),
  PractitionerRole: (resource) => ({
    title: join([referenceText(get(resource, 'practitioner')), concept(get(resource, 'code')).text], ', '),
    detail: join([referenceText(get(resource, 'organization')), concept(get(resource, 'specialty')).text]),
    date: date(get(resource, 'period', 'start')),
  }),
  Organization: (resource) => ({
    title: text(resource, 'name'),
    concept: concept(get(resource, 'type')),
    detail: concept(get(resource, 'type')).text,
    status: get(resource, 'active') === false ? 'inactive' : '',
  }),
  Location: (resource) => ({ title: text(resource, 'name') || text(resource, 'description'), detail: concept(get(resource, 'type')).text }),
  Coverage: (resource) => ({
    title: concept(get(resource, 'type')).text || join(list(get(resource, 'payor'), 3).map(referenceText), ', '),
    date: date(get(resource, 'period', 'start')),
    detail: join(list(get(resource, 'payor'), 3).map(referenceText), ', '),
    extract: { end: date(get(resource, 'period', 'end')) },
  }),
  Appointment: (resource) => {
    const kind = concept(get(resource, 'serviceType')).text || concept(get(resource, 'appointmentType')).text;
    return {
      title: text(resource, 'description') || kind,
      date: date(get(resource, 'start'), get(resource, 'created')),
      detail: join([
        kind,
        join(
          list(get(resource, 'participant'), 5).map((one) => referenceText(get(one, 'actor'))),
          ', ',
        ),
        plain(get(resource, 'comment'), 300),
      ]),
      extract: {
        end: date(get(resource, 'end')),
        actors: list(get(resource, 'participant'), 10).flatMap((one) => slotActor(get(one, 'actor'))),
        reason: join(
          list(get(resource, 'reasonCode'), 5).map((one) => concept(one).text),
          ', ',
        ),
      },
    };
  },
  AppointmentResponse: (resource) => ({
    title: referenceText(get(resource, 'appointment')),
    date: date(get(resource, 'start')),
    status: code(resource, 'participantStatus'),
    detail: plain(get(resource, 'comment'), 300),
  }),
  Device: (resource) => ({
    title: text(get(resource, 'deviceName'), 'name') || concept(get(resource, 'type')).text || text(resource, 'modelNumber'),
    concept: concept(get(resource, 'type')),
    date: date(get(resource, 'manufactureDate')),
    detail: join([text(resource, 'manufacturer'), text(resource, 'modelNumber')], ', '),
  }),
  DeviceRequest: (resource) => ({
    title: concept(get(resource, 'codeCodeableConcept')).text || referenceText(get(resource, 'codeReference')),
    concept: concept(get(resource, 'codeCodeableConcept')),
    date: date(get(resource, 'authoredOn')),
  }),
  DeviceUseStatement: (resource) => ({
    title: referenceText(get(resource, 'device')),
    date: date(get(resource, 'timingDateTime'), get(resource, 'timingPeriod', 'start'), get(resource, 'recordedOn')),
    detail: concept(get(resource, 'bodySite')).text,
  }),
  SupplyDelivery: (resource) => ({
    title: concept(get(resource, 'suppliedItem', 'itemCodeableConcept')).text || concept(get(resource, 'type')).text,
    concept: concept(get(resource, 'suppliedItem', 'itemCodeableConcept')),
    date: date(get(resource, 'occurrenceDateTime'), get(resource, 'occurrencePeriod', 'start')),
  }),
};
