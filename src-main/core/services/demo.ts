/**
 * The demo clinic: invented people and patients, set up by the very same steps as a real clinic (keys, enrolment, registration, sharing, import), so that
 * everything in it is encrypted, signed and anchored. Its passphrase and the patients' cards are shown, because nobody's data is in it.
 */
import { z } from 'zod';
import { categories } from '../../../src-shared/categories.ts';
import { AppError } from '../../../src-shared/errors.ts';
import type { Demographics } from '../../../src-shared/ipc-schema.ts';
import { roleBits, type Role } from '../../../src-shared/operations.ts';
import type { KeyPort, PatientRow, WorkstationStorePort } from '../ports.ts';
import type { FactBus } from './facts.ts';
import type { Imports } from './imports.ts';
import type { Indexer } from './indexer.ts';
import { cardDraft, type Patients } from './patients.ts';
import type { People } from './people.ts';
import type { Sessions } from './sessions.ts';
import type { Setup } from './setup.ts';
import type { DemoView } from './snapshot.ts';

export interface DemoFiles {
  readonly clinic: unknown;
  readonly bundles: readonly Uint8Array[];
}

const passphrase = 'demo-passphrase';
const pin = '123456';
const roles = Object.keys(roleBits) as [Role, ...Role[]];
const clinicFile = z.object({
  clinicName: z.string().min(1),
  people: z.array(z.object({ name: z.string().min(1), roles: z.array(z.enum(roles)).min(1) })).min(2),
});

export function demographicsOf(row: PatientRow): Demographics {
  const { family, given, prefix, birthDate, birthDateEstimated, phone, address } = row;
  const gender = (['male', 'female', 'other'] as const).find((known) => known === row.gender) ?? 'unknown';
  const identifiers = row.identifiers
    .slice(0, 10)
    .map(({ system, label, value }) => ({ system, label: label.slice(0, 80), value: value.slice(0, 80) }));
  return {
    family,
    given,
    prefix: prefix.slice(0, 20),
    birthDate,
    birthDateEstimated,
    gender,
    phone: phone.slice(0, 40),
    address: address.slice(0, 300),
    identifiers,
  };
}

export interface Demo {
  /** Throws ALREADY_SET_UP. */
  create(): Promise<void>;
}

export function createDemo(deps: {
  readonly store: WorkstationStorePort;
  readonly keys: KeyPort;
  readonly setup: Setup;
  readonly people: People;
  readonly sessions: Sessions;
  readonly patients: Patients;
  readonly imports: Imports;
  readonly indexer: Indexer;
  readonly facts: FactBus;
  readonly files: () => DemoFiles;
}): Demo {
  const { store, keys, setup, people, sessions, patients, imports, indexer, facts } = deps;
  return {
    async create() {
      const { clinic, bundles } = deps.files();
      const demo = clinicFile.parse(clinic);
      const [admin, ...others] = demo.people;
      if (!admin?.roles.includes('admin')) throw new AppError('INTERNAL', 'The demo clinic names no admin.');
      const total = 1 + others.length + bundles.length * 2;
      let done = 0;
      const progress = (label: string) => facts.tell('progress', { job: 'demo', label, done: done++, total });

      progress(`Setting up ${demo.clinicName}`);
      const phrase = keys.createPhrase();
      await setup.createClinic({ clinicName: demo.clinicName, personName: admin.name, passphrase, phrase, unfinished: true });
      for (const person of others) {
        progress(`Enrolling ${person.name}`);
        const { enrolmentCode } = await people.createKey(person.name, passphrase, keys.fromPhrase(keys.createPhrase()));
        await people.approve(enrolmentCode, person.roles);
      }
      const staffWith = (role: Role) =>
        people
          .local()
          .filter((local) => local.roles.includes(role))
          .map((local) => store.people().find((row) => row.account === local.account))
          .filter((row) => row !== undefined);
      const [registrar] = staffWith('registrar');
      const doctors = staffWith('practitioner');
      const [doctor] = doctors;
      if (!registrar || !doctor) throw new AppError('INTERNAL', 'The demo clinic names no registrar or no practitioner.');

      await sessions.logIn(registrar.account, passphrase);
      const registered: { patient: string; name: string; card: string; bytes: Uint8Array }[] = [];
      for (const bytes of bundles) {
        const row = imports.patientOf(bytes);
        progress(`Registering ${row.given} ${row.family}`);
        const grants = doctors.map(({ account, encryptionKey }) => ({ account, encryptionKey, categories }));
        const { patient, card } = await patients.register(sessions.require(), demographicsOf(row), pin, { grants });
        // Nobody is handed a card here: all of them are shown with the demo's passphrase.
        sessions.require().index.deleteDraft(cardDraft(patient.patient));
        registered.push({ patient: patient.patient, name: `${row.given} ${row.family}`, card, bytes });
      }
      await sessions.logIn(doctor.account, passphrase);
      await indexer.settled();
      for (const { patient, name, bytes } of registered) {
        progress(`Importing the history of ${name}`);
        await imports.run(sessions.require(), bytes, patient);
      }
      const view: DemoView = { passphrase, pin, cards: registered.map(({ patient, name, card }) => ({ patient, name, card })) };
      store.atomically(() => {
        store.setSetting('demo', view);
        setup.complete();
      });
      sessions.lock();
      facts.tell('progress', { job: 'demo', label: 'Ready', done: total, total });
      facts.tell('status', null);
    },
  };
}
