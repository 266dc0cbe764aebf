/** Calls about patients: the front desk, the patient at the desk, the chart, import. */
import type { CallName } from '../../src-shared/ipc-schema.ts';
import type { Handlers } from './rpc-handlers.ts';
import type { Terminology } from './services/terminology.ts';
import type { Workstation } from './services/workstation.ts';

type Names = Extract<
  CallName,
  | `patients.${string}`
  | `desk.${string}`
  | `chart.${string}`
  | `drafts.${string}`
  | `terminology.${string}`
  | `files.${string}`
  | `import.${string}`
>;

export function handlers(workstation: Workstation, terminology: () => Terminology): Handlers<Names> {
  const { sessions, patients, sharing, chart, consultations, uploads, imports, facts, clock } = workstation;
  const index = () => sessions.require().index;

  return {
    'patients.search': ({ text, limit, offset }) => patients.search(index(), text, limit, offset),
    'patients.get': ({ patient }) => patients.get(index(), patient),
    'patients.similar': (demographics) => patients.similar(index(), demographics),
    'patients.register': ({ demographics, pin }) => patients.register(sessions.require(), demographics, pin),
    async 'desk.open'({ card, pin }) {
      const { patient } = await sessions.openDesk(card, pin);
      return { patient, name: workstation.snapshots.read().patientAtDesk?.name ?? 'Patient' };
    },
    'desk.close'() {
      sessions.closeDesk();
      return null;
    },
    'desk.sharing'() {
      const desk = sessions.requireDesk();
      return sharing.view(desk, deskSummary(desk.patient));
    },
    'desk.grant': (request) => sharing.grant(sessions.requireDesk(), request).then(() => null),
    'desk.revoke': ({ grantee, categories }) => sharing.revoke(sessions.requireDesk(), grantee, categories).then(() => null),
    'chart.open': ({ patient }) => chart.open(sessions.require(), patient),
    'chart.entries': ({ patient, resourceTypes, category, before, limit }) =>
      chart.entries(sessions.require(), { patient, resourceTypes, categories: category ? [category] : undefined, before, limit }),
    'chart.record': ({ patient, recordId, versionId }) => chart.record(sessions.require(), patient, recordId, versionId),
    'chart.verify': ({ patient }) => chart.verify(sessions.require(), patient),
    'chart.saveEncounter': (input) => consultations.saveEncounter(sessions.require(), input),
    'drafts.list': ({ patient }) => index().drafts(patient),
    'drafts.save'(draft) {
      index().saveDraft({ ...draft, updatedAt: clock() });
      return null;
    },
    'drafts.discard'({ id }) {
      index().deleteDraft(id);
      return null;
    },
    'terminology.search': ({ text, limit }) => terminology().search(text, limit),
    'files.begin': ({ name, size }) => ({ file: uploads.begin(name, size) }),
    'files.append'({ file, offset, base64 }) {
      uploads.append(file, offset, base64);
      return null;
    },
    'files.discard'({ file }) {
      uploads.discard(file);
      return null;
    },
    async 'import.preview'({ file, patient }) {
      const { name, bytes } = uploads.take(file);
      return { file, fileName: name, ...(await imports.preview(sessions.require(), bytes, patient)) };
    },
    async 'import.run'({ file, patient }) {
      const result = await imports.run(sessions.require(), uploads.take(file).bytes, patient);
      uploads.discard(file);
      facts.tell('patientsChanged', null);
      return result;
    },
  };

  /** A patient from elsewhere may be at the desk: then nothing but the account is known here. */
  function deskSummary(patient: string) {
    const row = index().patient(patient);
    if (row) return patients.get(index(), patient);
    const unknown = {
      family: '',
      given: '',
      prefix: '',
      birthDate: '',
      birthDateEstimated: false,
      deceased: '',
      gender: 'unknown',
      phone: '',
      address: '',
    };
    return { patient, ...unknown, identifiers: [] };
  }
}
