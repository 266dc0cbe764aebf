/** What each command does. */
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { categories } from '../../../src-shared/categories.ts';
import { AppError } from '../../../src-shared/errors.ts';
import { samePatient } from '../../../src-shared/fhir/patient.ts';
import type { Role } from '../../../src-shared/operations.ts';
import { checkWords, standingOf } from '../../../src-shared/verification-words.ts';
import type { VerifyReport } from '../../../src-shared/view-types.ts';
import type { PatientRow } from '../ports.ts';
import { demographicsOf } from '../services/demo.ts';
import { keysIn } from '../services/held-keys.ts';
import { cardDraft } from '../services/patients.ts';
import type { Session } from '../services/sessions.ts';
import { maximumFileBytes } from '../services/uploads.ts';
import type { Workstation } from '../services/workstation.ts';
import { exitCodes } from './exit-codes.ts';
import { readWhileItLasts, writeWhole } from './carried-file.ts';
import { exportBundle } from './export-bundle.ts';

export const usage = `npm run admin -- <command> [options]

  init --demo              set up a demo clinic, ready for use
  status                   what this workstation is and how it stands
  import <bundle.json>     import a FHIR R4 Bundle; registers its patient if unknown
  export <patient>         write a patient's records as a FHIR Bundle (to --out or standard output)
  move [invitation file]   move the clinic to a shared network: with the file, ask its governors (a further computer follows); without, go once they have answered
  carry-out                write what waits here, with its blocks, into a file for a USB stick (--out)
  carry-in <file>          take in such a file from another workstation of the network
  check-blocks             compare all blocks here with their hashes, and fetch what is missing or damaged from others
  unseal                   keep this folder's key in a plain file again, where a keychain sealed it (--recovery-code-file)
  deploy                   put a consortium's contracts on its ledger (--endpoint, --chain, --governor, --threshold); needs no data folder
  admit <file>             sign a clinic's admission as a governor (--invitation, --keystore, --passphrase-file); the file is its request code, or what the governor before wrote
  genesis                  write the genesis file of a consortium's ledger (--chain, --validator, --out); needs no data folder
  verify [patient]         check the content, anchor, signature and consent of all records readable here

  <patient> is an account (0x…) or a text that finds exactly one patient.

  --data <folder>          another data folder than the default
  --as <name>              the person to work as, where several could
  --passphrase-file <file> that person's passphrase (the demo clinic needs none)
  --recovery-code-file <file> the recovery code of a folder whose key a keychain sealed
  --out <file>             write to a file
  --offline                (verify) check what is held here, without asking other workstations
  --verifiable             (export) with commits, signatures and anchors, as docs/verifiable-export.md says
  --endpoint <url>         (deploy) address of a node of the ledger
  --validator <0x…>        (genesis) a node that takes part in making blocks; once for each, 4 or more
  --chain <number>         (deploy, genesis) id of the chain that is meant
  --governor <0x…>         (deploy) an account that governs; once for each, in any order
  --threshold <number>     (deploy) how many governors must sign
  --invitation <file>      (deploy) write the first invitation to the network there; (admit) an invitation to the network
  --keystore <file>        (admit) the governor's key as a V3 keystore
  --json                   one line of JSON instead of text
`;

export interface CommandInput {
  readonly arguments: readonly string[];
  readonly demo: boolean;
  readonly verifiable: boolean;
  readonly offline: boolean;
  readonly as: string | undefined;
  readonly out: string | undefined;
  readonly dataDir: string;
  readonly passphrase: string | undefined;
  readonly keepKeyPlain: () => boolean;
}

export interface CommandResult {
  readonly output: unknown;
  /** Written as it is instead of `output`. */
  readonly raw?: string;
  readonly exitCode?: number;
}

export type Command = (w: Workstation, input: CommandInput) => Promise<CommandResult>;

const anchoringLimitMs = 120_000;
const connectingLimitMs = 10_000;

export const commands = {
  init: async (w, { demo }) => {
    if (!demo) {
      throw new AppError(
        'INVALID_INPUT',
        'init makes a demo clinic only (init --demo): a real clinic is set up at the screen, where its admin writes down the 24 words.',
        {
          usage: true,
        },
      );
    }
    await w.demo.create();
    const waiting = await anchored(w);
    const { clinic, people, demo: view } = w.snapshots.read();
    return {
      output: {
        clinic: clinic?.name ?? '',
        people: people.map(({ name, roles }) => ({ name, roles })),
        patients: view?.cards.length ?? 0,
        waiting,
      },
    };
  },

  status: async (w) => {
    if (w.network.current()) await until(() => w.connections.status()?.state === 'online', connectingLimitMs);
    const { phase, version, clinic, people, sync } = w.snapshots.read();
    return {
      output: {
        phase,
        version,
        clinic: clinic?.name ?? null,
        people: people.map(({ name, roles, status }) => ({ name, roles, status })),
        sync,
      },
    };
  },

  import: async (w, input) => {
    const [file] = input.arguments;
    if (file === undefined) throw new AppError('INVALID_INPUT', 'import needs the file of a Bundle.', { usage: true });
    if (statSync(file).size > maximumFileBytes)
      throw new AppError('FILE_TOO_LARGE', 'The file is larger than 100 MB. Nothing was imported.');
    const bytes = readFileSync(file);
    const person = w.imports.patientOf(bytes);
    const session = await work(w, input, ['practitioner']);
    const known = find(session, person);
    const registration = known ? null : await register(w, session, person, input.dataDir);
    const patient = known ?? registration?.patient ?? '';
    await w.indexer.settled();
    const result = await w.imports.run(session, bytes, patient);
    return {
      output: {
        patient,
        registered: registration !== null,
        ...(registration ? { card: registration.file } : {}),
        ...result,
        waiting: await anchored(w),
      },
    };
  },

  export: async (w, input) => {
    const session = await work(w, input, ['practitioner']);
    const patient = choose(session, input.arguments[0]);
    if (input.verifiable) {
      const { json, ...counts } = await w.exports.create({ patient, by: session.keys, keysOf: keysIn(session.index) });
      if (input.out === undefined) return { output: null, raw: json };
      writeFileSync(input.out, json, { mode: 0o600 });
      return { output: { patient, file: input.out, ...counts } };
    }
    const bundle = exportBundle(await w.chart.contents(session, patient), new Date(w.clock()));
    if (input.out === undefined) return { output: null, raw: bundle.json };
    writeFileSync(input.out, bundle.json, { mode: 0o600 });
    return { output: { patient, file: input.out, records: bundle.records } };
  },

  move: async (w, input) => {
    const [file] = input.arguments;
    const { state } = w.moving.view();
    if (file !== undefined && state === 'further') {
      await work(w, input, ['admin']);
      await w.moving.follow(readFileSync(file, 'utf8').trim());
    } else if (file !== undefined) {
      await work(w, input, ['admin']);
      const requestCode = await w.moving.ask(readFileSync(file, 'utf8').trim());
      if (input.out !== undefined) writeFileSync(input.out, `${requestCode}\n`, { mode: 0o600 });
      return { output: input.out === undefined ? { requestCode } : { file: input.out } };
    } else if (state !== 'moved') await w.moving.go();
    await anchored(w);
    const { state: _state, ...output } = w.moving.view();
    return { output };
  },

  'carry-out': async (w, { out }) => {
    if (out === undefined) throw new AppError('INVALID_INPUT', 'carry-out needs --out <file>.', { usage: true });
    const { operations, blocks, missing, staying, bytes } = await w.carry.out.plan();
    await writeWhole(out, bytes());
    return { output: { file: out, operations, blocks, missing, staying } };
  },

  'carry-in': async (w, input) => {
    const [file] = input.arguments;
    if (file === undefined) throw new AppError('INVALID_INPUT', 'carry-in needs the file.', { usage: true });
    const taken = w.carry.in.take(readWhileItLasts(file), () => undefined);
    const { ending, madeAt, ...counts } = await taken.catch((error: unknown) => {
      // Here it is the file that is wrong, not the command line.
      throw error instanceof AppError && error.code === 'INVALID_INPUT'
        ? new AppError('FILE_UNSAFE', error.message, error.details, { cause: error })
        : error;
    });
    const output = { file, ending, madeAt: new Date(madeAt).toISOString(), ...counts };
    return { output, exitCode: ending === 'whole' ? exitCodes.ok : exitCodes.badFile };
  },

  'check-blocks': async (w) => {
    if (w.network.current()) await until(() => w.ipfs.peers().length > 0, connectingLimitMs);
    const found = await w.availability.check();
    return { output: { ...found, ...w.availability.counts() }, exitCode: found.wanted > 0 ? exitCodes.verificationFailed : exitCodes.ok };
  },

  unseal: (_w, { keepKeyPlain }) => Promise.resolve({ output: { unsealed: keepKeyPlain() } }),

  verify: async (w, input) => {
    const session = await work(w, input, ['practitioner']);
    const wanted = input.arguments[0];
    const patients =
      wanted === undefined ? session.index.patients({ limit: 1_000_000, offset: 0 }).map((p) => p.patient) : [choose(session, wanted)];
    const reports: VerifyReport[] = [];
    for (const patient of patients) reports.push(await w.chart.verify(session, patient, input.offline));
    const sum = (count: (report: VerifyReport) => number) => reports.reduce((total, report) => total + count(report), 0);
    const failures = reports.flatMap((report) =>
      report.failures.map((failure) => ({ patient: report.patient, ...failure, ...checkWords[failure.check] })),
    );
    const output = {
      patients: reports.length,
      records: sum((r) => r.records),
      verified: sum((r) => r.verified),
      waiting: sum((r) => r.waiting),
      notShared: sum((r) => r.notShared),
      asOfBlock: reports[0]?.asOfBlock ?? null,
      online: w.connections.status()?.state === 'online',
      ...(reports[0] ? { standing: standingOf(reports[0]) } : {}),
      failures,
    };
    return { output, exitCode: failures.length > 0 ? exitCodes.verificationFailed : exitCodes.ok };
  },
} satisfies Record<string, Command>;

export type CommandName = keyof typeof commands;

/** Logs in the person to work as, once the ledger has been read (or could not be reached) and the index is up to date. */
async function work(w: Workstation, { as, passphrase }: CommandInput, needed: readonly Role[]): Promise<Session> {
  const { clinic, people, demo } = w.snapshots.read();
  if (!clinic) throw new AppError('NOT_SET_UP', 'There is no clinic in this data folder. Run `init --demo`, or set one up at the screen.');
  const able = people.filter((p) => needed.every((role) => p.roles.includes(role)));
  const candidates = as === undefined ? able : able.filter((p) => p.name === as || p.account === as);
  // Whoever may also register patients comes first: an import may have to.
  const person = candidates.find((p) => p.roles.includes('registrar')) ?? candidates[0];
  if (!person)
    throw new AppError(
      'NOT_FOUND',
      as === undefined ? 'No practitioner works at this workstation.' : `No practitioner named “${as}” works at this workstation.`,
    );
  const secret = passphrase ?? demo?.passphrase;
  if (secret === undefined)
    throw new AppError('INVALID_INPUT', '--passphrase-file is missing: a passphrase is needed to read records.', { usage: true });
  await until(() => caughtUp(w), connectingLimitMs);
  await w.sessions.logIn(person.account, secret);
  await w.indexer.settled();
  return w.sessions.require();
}

function caughtUp(w: Workstation): boolean {
  const status = w.connections.status();
  return status?.state === 'online' && status.followed === status.head;
}

function find(session: Session, person: PatientRow): string | null {
  const hits = session.index.searchPatients(`${person.family} ${person.given.split(' ')[0] ?? ''}`, 50);
  return hits.find((hit) => samePatient(hit, person))?.patient ?? null;
}

/** Registers the Bundle's patient. The patient's key is at hand only now, so the grant to the importing practitioner is signed with it here. */
async function register(w: Workstation, session: Session, person: PatientRow, dataDir: string) {
  if (!w.directory.roles(w.clinic().id, session.account).includes('registrar')) {
    throw new AppError(
      'NOT_ALLOWED',
      'The patient of this file is not registered here, and this person is no registrar. Register the patient first, or work --as a registrar who is a practitioner too.',
    );
  }
  const pin = Array.from(w.crypto.randomBytes(8), (byte) => byte % 10).join('');
  const self = { account: session.account, encryptionKey: session.keys.encryptionKey, categories };
  const { patient, card, phrase } = await w.patients.register(session, demographicsOf(person), pin, { grants: [self] });
  const folder = join(dataDir, 'cards');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, `${patient.patient}.json`);
  writeFileSync(
    file,
    `${JSON.stringify({ note: 'Give this to the patient, then delete it.', patient: patient.patient, card, pin, phrase }, null, 2)}\n`,
    { mode: 0o600 },
  );
  session.index.deleteDraft(cardDraft(patient.patient));
  return { patient: patient.patient, file };
}

function choose(session: Session, wanted: string | undefined): string {
  if (wanted === undefined)
    throw new AppError('INVALID_INPUT', 'Which patient? Give an account or a text that finds exactly one.', { usage: true });
  const row = session.index.patient(wanted);
  if (row) return row.patient;
  const hits = session.index.searchPatients(wanted, 2);
  const [hit] = hits;
  if (hit && hits.length === 1) return hit.patient;
  throw new AppError(
    'NOT_FOUND',
    hit ? `“${wanted}” finds more than one patient. Use the account.` : `“${wanted}” finds no patient that this person may read.`,
  );
}

/** Waits until everything made here is anchored; how many operations still wait afterwards. */
async function anchored(w: Workstation): Promise<number> {
  const waiting = () => w.store.workstation.countOperations({ states: ['pending', 'submitted'] });
  await until(() => waiting() === 0, anchoringLimitMs);
  return waiting();
}

async function until(holds: () => boolean, limitMs: number): Promise<void> {
  const end = Date.now() + limitMs;
  while (!holds() && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 50));
}
