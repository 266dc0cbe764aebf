/** Calls about patients: the front desk, the patient at the desk, the chart, import. */
import { AppError } from '../../src-shared/errors.ts';
import type { CallName } from '../../src-shared/ipc-schema.ts';
import type { PersonKeys } from './ports.ts';
import type { Handlers } from './rpc-handlers.ts';
import type { KeysOf } from './services/commit-reader.ts';
import { keysIn, keysOfRecord } from './services/held-keys.ts';
import type { Terminology } from './services/terminology.ts';
import type { Workstation } from './services/workstation.ts';

type Names = Exclude<
  Extract<
    CallName,
    | `patients.${string}`
    | `desk.${string}`
    | `chart.${string}`
    | `drafts.${string}`
    | `terminology.${string}`
    | `files.${string}`
    | `import.${string}`
  >,
  'patients.details' | 'patients.correct' | 'chart.correct'
>;

export function handlers(workstation: Workstation, terminology: () => Terminology): Handlers<Names> {
  const { sessions, patients, delegates, sharing, chart, consultations, drafts, uploads, downloads, imports, facts, clock } = workstation;
  const index = () => sessions.require().index;

  return {
    'patients.search'({ text, limit, offset }) {
      const found = patients.search(index(), text, limit, offset);
      return { ...found, linked: workstation.duplicates.marks(found.hits.map((hit) => hit.patient)) };
    },
    'patients.get': ({ patient }) => patients.get(index(), patient),
    'patients.similar': (demographics) => patients.similar(index(), demographics),
    'patients.register': ({ demographics, pin, guardian }) => patients.register(sessions.require(), demographics, pin, { guardian }),
    async 'desk.open'({ card, pin }) {
      const desk = await sessions.openDesk(card, pin);
      const { patient } = desk;
      await workstation.keyring.prepare(desk);
      workstation.availability.freeing.visited(patient);
      // Whoever may decide for others says first for whom.
      if (delegates.principals(patient).length > 0) sessions.actFor(null);
      return { patient, name: workstation.snapshots.read().patientAtDesk?.name ?? 'Patient' };
    },
    'desk.close'() {
      sessions.closeDesk();
      return null;
    },
    async 'desk.actFor'({ patient }) {
      if (patient === null) {
        sessions.actFor(null);
        return null;
      }
      const owner = sessions.desk()?.keys.account ?? '';
      delegates.requirePrincipal(owner, patient);
      await workstation.keyring.prepare(sessions.actFor(patient));
      workstation.availability.freeing.visited(patient);
      return null;
    },
    'desk.sharing'() {
      const desk = sessions.requireDesk();
      return sharing.view(desk, deskSummary(desk.patient));
    },
    'desk.grant': (request) => sharing.grant(sessions.requireDesk(), request).then(() => null),
    'desk.revoke': ({ grantee, categories }) => sharing.revoke(sessions.requireDesk(), grantee, categories).then(() => null),
    'chart.open'({ patient }) {
      const view = chart.open(sessions.require(), patient);
      workstation.availability.freeing.visited(patient);
      return view;
    },
    'chart.entries': ({ patient, resourceTypes, category, before, limit }) =>
      chart.entries(sessions.require(), { patient, resourceTypes, categories: category ? [category] : undefined, before, limit }),
    'chart.record': ({ patient, recordId, versionId }) => chart.record(sessions.require(), patient, recordId, versionId),
    'chart.verify': ({ patient, offline }) => chart.verify(sessions.require(), patient, offline),
    'chart.export'({ patient }) {
      const session = sessions.require();
      return offer(patient, session.keys, keysIn(session.index));
    },
    'desk.export'() {
      const desk = sessions.requireDesk();
      workstation.rights.requireSelf(desk, 'take a copy of everything');
      return offer(desk.patient, desk.keys, keysOfRecord(workstation.keyring.of(desk)));
    },
    'chart.saveEncounter': (input) => consultations.saveEncounter(sessions.require(), input),
    'drafts.list': ({ patient }) => drafts.list(sessions.require(), patient),
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
    'files.read': ({ file, offset }) => downloads.read(file, offset),
    'files.discard'({ file }) {
      uploads.discard(file);
      downloads.discard(file);
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

  async function offer(patient: string, by: PersonKeys, keysOf: KeysOf) {
    const session = sessions.require();
    const { json, ...counts } = await workstation.exports.create({ patient, by, keysOf });
    // Nothing of it outlives the session that asked for it.
    if (sessions.current() !== session)
      throw new AppError('NOT_LOGGED_IN', 'The workstation was locked meanwhile. Log in and export again.');
    const date = new Date(clock()).toISOString().slice(0, 10);
    return { ...downloads.offer(Buffer.from(json)), name: `records-${patient.slice(2, 10).toLowerCase()}-${date}.json`, ...counts };
  }

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
