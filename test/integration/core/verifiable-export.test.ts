import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { categories } from '../../../src-shared/categories.ts';
import { encodeType, type OperationKind } from '../../../src-shared/operations.ts';
import { granteeOfAccount } from '../../../src-main/core/services/bytes.ts';
import { createKeyAdapter } from '../../../src-main/core/adapters/crypto/keys.ts';
import { createOperationCodec } from '../../../src-main/core/adapters/ledger/operation-codec.ts';
import { fetchFile, foundClinic, logIn, pin, startWorkstation, type TestWorkstation } from './workstation.ts';

interface Finding {
  readonly level: 'holds' | 'fails' | 'missing';
  readonly text: string;
}
interface Operation {
  kind: string;
  opId: string;
  actor: string;
  payload: string;
  signatures: string[];
  anchor: { block: number; blockHash: string | null; transaction: string; logIndex: number } | null;
}
interface ExportFile {
  export: {
    network: { chainId: number; operations: string };
    patient: string;
    createdAt: number;
    asOf: { block: number; hash: string } | null;
    operations: Operation[];
    commits: { commit: string; opId: string; key: string }[];
    records: { commit: string; recordId: string; versionId: string; previous: string[]; resourceType: string; content: string }[];
    missing: { commit: string; reason: string }[];
    blocks: Record<string, string>;
  };
  seal: { account: string; signature: string };
}
interface Verifier {
  verifyExport(source: string, options?: { rpc?: string }): Promise<{ ok: boolean; findings: Finding[] }>;
  sealText(content: unknown): string;
}

const folder = join(process.cwd(), 'resources', 'verify-export');
const program = join(folder, 'verify.mjs');
const load = <T>(file: string) => import(pathToFileURL(file).href) as Promise<T>;

const encounter = { class: 'AMB' as const, start: '2026-11-23T10:00:00Z', reason: 'Visit', diagnoses: [] };

describe('a verifiable export', () => {
  let w: TestWorkstation;
  let people: Awaited<ReturnType<typeof foundClinic>>;
  let patient = '';
  let card = '';
  let whole: ExportFile;
  let verifier: Verifier;
  let rpc = '';
  const codec = createOperationCodec();
  const stranger = createKeyAdapter().fromPhrase(createKeyAdapter().createPhrase());

  const anchored = () =>
    w.until(
      'everything anchored',
      () => w.snapshot(),
      (s) => s.sync.waiting === 0,
    );
  const write = async (note: string) => {
    await w.until(
      'saved',
      () => w.ask('chart.saveEncounter', { ...encounter, patient, note }).catch(() => null),
      (saved) => saved !== null,
    );
    await anchored();
  };

  beforeAll(async () => {
    verifier = await load<Verifier>(program);
    w = await startWorkstation();
    people = await foundClinic(w, 'Clinic');
    await logIn(w, people.registrar);
    const demographics = {
      ...{ family: 'Rao', given: 'Asha', prefix: '', birthDate: '1980-05-01', birthDateEstimated: false, gender: 'female' as const },
      ...{ phone: '', address: '', identifiers: [] },
    };
    const registered = await w.ask('patients.register', { demographics, pin });
    patient = registered.patient.patient;
    card = registered.card;
    await w.ask('desk.open', { card, pin });
    const share = (account: string) =>
      w.ask('desk.grant', {
        grantee: granteeOfAccount(account),
        categories: [...categories],
        write: true,
        purpose: 'treatment',
        until: 0,
      });
    await share(people.doctor);
    await share(people.admin);
    await w.ask('desk.revoke', { grantee: granteeOfAccount(people.admin), categories: [] });
    await logIn(w, people.doctor);
    await w.until(
      'the patient',
      () => w.ask('patients.search', { text: '', limit: 1, offset: 0 }),
      (r) => r.total === 1,
    );
    await anchored();
    await write('Seen.');
    // Above 64 KiB of text a content lies in chunks, above 256 KiB in a file of several blocks.
    await write('A long note. '.repeat(3_000) + 'ü');
    const result = await w.ask('chart.export', { patient });
    whole = JSON.parse((await fetchFile(w, result)).toString('utf8')) as ExportFile;
    rpc = (w.core.workstation.network.current()?.endpoint ?? '') as string;
  });
  afterAll(() => w.stop());

  const copy = () => structuredClone(whole);
  const check = async (file: ExportFile, options: { rpc?: string } = {}) => {
    const { ok, findings } = await verifier.verifyExport(JSON.stringify(file), options);
    return { ok, problems: findings.filter(({ level }) => level !== 'holds').map(({ text }) => text) };
  };
  /** Seals a file anew, as somebody could who made it, so that what is behind the seal is seen to be checked too. */
  const resealed = (file: ExportFile, keys: Pick<typeof stranger, 'account' | 'sign'> = doctorKeys()) => {
    const signature = keys.sign(codec.messageDigest(verifier.sealText(file.export)));
    return { ...file, seal: { account: keys.account, signature } };
  };
  const doctorKeys = () => w.core.workstation.sessions.require().keys;
  const tampered = async (change: (file: ExportFile) => void) => {
    const file = copy();
    change(file);
    const broken = await check(file);
    expect(broken.ok).toBe(false);
    expect(broken.problems.join('\n')).toContain('is not as');
    const { ok, problems } = await check(resealed(file));
    expect(ok).toBe(false);
    return problems.join('\n');
  };
  const operation = (file: ExportFile, kind: string, last = false) => {
    const found = file.export.operations.filter((o) => o.kind === kind);
    return (last ? found.at(-1) : found[0]) ?? expect.fail(`no ${kind} in the file`);
  };
  const without = (file: ExportFile, dropped: Operation) => {
    file.export.operations = file.export.operations.filter((o) => o !== dropped);
  };
  const word = (payload: string, at: number, change: (word: string) => string) =>
    payload.slice(0, 2 + 64 * at) + change(payload.slice(2 + 64 * at, 66 + 64 * at)) + payload.slice(66 + 64 * at);
  const flip = (base64: string) => {
    const bytes = Buffer.from(base64, 'base64');
    bytes.writeUInt8(bytes.readUInt8(bytes.length >> 1) ^ 1, bytes.length >> 1);
    return bytes.toString('base64');
  };

  it('holds, offline and against the ledger', async () => {
    expect(await check(whole)).toEqual({ ok: true, problems: [] });
    expect(await check(whole, { rpc })).toEqual({ ok: true, problems: [] });
  });

  it('says what holds, whose it is, and as of which block', async () => {
    const { findings } = await verifier.verifyExport(JSON.stringify(whole));
    const text = findings.map((finding) => finding.text).join('\n');
    expect(text).toContain(`as of block ${whole.export.asOf?.block}`);
    expect(text).toContain(`Doctor of Clinic (${people.doctor.toLowerCase()})`);
  });

  it('is made by the patient at the desk, too', async () => {
    await w.ask('desk.open', { card, pin });
    const own = JSON.parse((await fetchFile(w, await w.ask('desk.export', {}))).toString('utf8')) as ExportFile;
    await w.ask('desk.close', {});
    expect(own.seal.account).toBe(patient);
    expect(await check(own)).toEqual({ ok: true, problems: [] });
  });

  it('gives away neither the keys of an epoch nor other readers', () => {
    const text = JSON.stringify(whole);
    for (const { kek } of w.core.workstation.sessions.require().index.keks({ patient })) {
      expect(text).not.toContain(Buffer.from(kek).toString('base64'));
      expect(text).not.toContain(Buffer.from(kek).toString('hex'));
    }
    const granted = whole.export.operations.filter(({ kind }) => kind === 'Grant').map(({ payload }) => payload.slice(130, 194));
    expect(granted).not.toContain(granteeOfAccount(people.admin).slice(2));
  });

  it('is checked by the program from a command line, with its exit code', async () => {
    const file = join(w.dir, 'export.json');
    const run = (text: string) => {
      writeFileSync(file, text);
      return new Promise<{ code: number; output: string }>((resolve) => {
        execFile(process.execPath, [program, file], (error, stdout) => resolve({ code: error ? Number(error.code) : 0, output: stdout }));
      });
    };
    expect(await run(JSON.stringify(whole))).toMatchObject({ code: 0, output: expect.stringContaining('Everything holds') as string });
    const changed = copy();
    if (changed.export.records[0]) changed.export.records[0].content += ' ';
    expect(await run(JSON.stringify(changed))).toMatchObject({ code: 1, output: expect.stringContaining('FAILS') as string });
  });

  it('has the types of operations as the contracts have them', async () => {
    const { kinds, encodeType: described } = await load<{ kinds: Record<string, unknown>; encodeType: (kind: string) => string }>(
      join(folder, 'lib', 'operations.mjs'),
    );
    for (const kind of Object.keys(kinds)) expect(described(kind)).toBe(encodeType(kind as OperationKind));
  });

  describe('is refused where', () => {
    it('a record’s text was changed', async () => {
      expect(
        await tampered(({ export: e }) => e.records[0] && (e.records[0].content = e.records[0].content.replace('Rao', 'Roa'))),
      ).toContain('is not what was signed');
    });
    it('a record’s id, version, history or type was changed', async () => {
      for (const field of ['recordId', 'versionId', 'resourceType'] as const)
        expect(await tampered(({ export: e }) => e.records[0] && (e.records[0][field] = 'Another'))).toContain('is another than');
      expect(await tampered(({ export: e }) => e.records[0] && (e.records[0].previous = ['earlier']))).toContain('is another than');
    });
    it('a record was dropped', async () => {
      expect(await tampered(({ export: e }) => e.records.pop())).toContain('of which');
    });
    it('records changed places', async () => {
      expect(await tampered(({ export: e }) => e.records.reverse())).not.toBe('');
    });
    it('a record was added', async () => {
      const extra = { commit: `0x${'12'.repeat(32)}`, recordId: 'a', versionId: 'b', previous: [], resourceType: 'Patient', content: '{}' };
      expect(await tampered(({ export: e }) => e.records.push(extra))).toContain('nobody signed them');
    });
    it('a commit was dropped with its records', async () => {
      expect(
        await tampered(({ export: e }) => {
          const dropped = e.commits.shift()?.commit;
          e.records = e.records.filter(({ commit }) => commit !== dropped);
        }),
      ).toContain('are not in the file');
    });
    it('a commit was dropped with its operation and another follows it', async () => {
      expect(
        await tampered((file) => {
          const { export: e } = file;
          const commits = e.operations.filter(({ kind }) => kind === 'Commit');
          const compartment = ({ payload }: Operation) => payload.slice(66, 130);
          const first = commits.find((commit, i) => commits.some((later, k) => k > i && compartment(later) === compartment(commit)));
          const dropped = `0x${first?.payload.slice(-64)}`;
          e.commits = e.commits.filter(({ commit }) => commit !== dropped);
          e.records = e.records.filter(({ commit }) => commit !== dropped);
          e.operations = e.operations.filter(({ payload }) => !payload.endsWith(dropped.slice(2)));
        }),
      ).toContain('withheld or lost');
    });
    it('the newest commit was left out by whoever sealed the file: the ledger has it', async () => {
      const file = copy();
      const last = operation(file, 'Commit', true);
      const dropped = `0x${last.payload.slice(-64)}`;
      without(file, last);
      file.export.commits = file.export.commits.filter(({ commit }) => commit !== dropped);
      file.export.records = file.export.records.filter(({ commit }) => commit !== dropped);
      expect((await check(resealed(file), { rpc })).problems.join('\n')).toContain('left out of the file');
    });
    it('a commit’s key was changed', async () => {
      expect(await tampered(({ export: e }) => e.commits[0] && (e.commits[0].key = flip(e.commits[0].key)))).toContain('does not open');
    });
    it('a commit stands on another’s operation', async () => {
      expect(await tampered(({ export: e }) => e.commits[0] && (e.commits[0].opId = e.operations[0]?.opId ?? ''))).toContain(
        'no valid signed operation',
      );
    });
    it('a block was changed', async () => {
      expect(
        await tampered(({ export: e }) => {
          const [cid = '', base64 = ''] = Object.entries(e.blocks)[0] ?? [];
          e.blocks[cid] = flip(base64);
        }),
      ).toContain('is not what its name says');
    });
    it('a block was left out', async () => {
      expect(await tampered(({ export: e }) => delete e.blocks[Object.keys(e.blocks)[0] ?? ''])).toContain('is not in the file');
    });
    it('two blocks changed places', async () => {
      expect(
        await tampered(({ export: e }) => {
          const [[a = '', x = ''] = [], [b = '', y = ''] = []] = Object.entries(e.blocks);
          e.blocks[a] = y;
          e.blocks[b] = x;
        }),
      ).toContain('is not what its name says');
    });
    it('a signature is another’s', async () => {
      expect(await tampered((file) => (operation(file, 'Commit').signatures = operation(file, 'Grant').signatures))).toContain(
        'not that of the account',
      );
    });
    it('an author was changed', async () => {
      expect(await tampered((file) => (operation(file, 'Commit').actor = people.admin))).toContain('not that of the account');
    });
    it('an operation says something else than was signed', async () => {
      for (let at = 0; at < 5; at++) {
        const change = (payload: string) => word(payload, at, (w64) => w64.slice(0, 62) + (w64.endsWith('01') ? '02' : '01'));
        expect(
          await tampered((file) => {
            const commit = operation(file, 'Commit', true);
            commit.payload = change(commit.payload);
          }),
        ).toContain('not that of the account');
      }
    });
    it('the patient’s signature is missing from the registration', async () => {
      expect(await tampered((file) => operation(file, 'RegisterPatient').signatures.pop())).toContain('the patient’s own signature');
    });
    it('the grant is missing', async () => {
      expect(await tampered((file) => (file.export.operations = file.export.operations.filter(({ kind }) => kind !== 'Grant')))).toContain(
        'had not allowed',
      );
    });
    it('a revocation is missing', async () => {
      expect(await tampered((file) => (file.export.operations = file.export.operations.filter(({ kind }) => kind !== 'Revoke')))).toContain(
        'one is missing',
      );
    });
    it('the author’s enrolment is missing', async () => {
      expect(
        await tampered((file) => {
          file.export.operations = file.export.operations.filter(
            ({ kind, payload }) => kind !== 'EnrolMember' || !payload.includes(people.doctor.slice(2).toLowerCase()),
          );
        }),
      ).toContain('was not an active member');
    });
    it('the clinic’s admission is missing', async () => {
      expect(await tampered((file) => without(file, operation(file, 'AdmitOrganization')))).toContain('no admin');
    });
    it('the registration is missing', async () => {
      expect(await tampered((file) => without(file, operation(file, 'RegisterPatient')))).toContain('registration is not in the file');
    });
    it('an operation is there twice', async () => {
      expect(await tampered((file) => file.export.operations.push(structuredClone(operation(file, 'Commit', true))))).toContain('');
    });
    it('operations changed their order on the ledger', async () => {
      expect(
        await tampered((file) => {
          const [grant, commit] = [operation(file, 'Grant'), operation(file, 'Commit', true)];
          [grant.anchor, commit.anchor] = [commit.anchor, grant.anchor];
        }),
      ).not.toBe('');
    });
    it('an anchor was taken away', async () => {
      expect(await tampered((file) => (operation(file, 'Commit', true).anchor = null))).toContain('was not anchored');
    });
    it('an anchor names another block, transaction or place: the ledger knows', async () => {
      const changes: ((anchor: NonNullable<Operation['anchor']>) => void)[] = [
        (anchor) => (anchor.block += 1),
        (anchor) => (anchor.blockHash = `0x${'ab'.repeat(32)}`),
        (anchor) => (anchor.transaction = `0x${'ab'.repeat(32)}`),
        (anchor) => (anchor.logIndex += 50),
      ];
      for (const change of changes) {
        const file = copy();
        const { anchor } = operation(file, 'Commit', true);
        if (anchor) change(anchor);
        expect((await check(file)).ok).toBe(false);
        expect((await check(resealed(file), { rpc })).ok).toBe(false);
      }
    });
    it('it is said to be of another network', async () => {
      expect(await tampered(({ export: e }) => (e.network.chainId += 1))).toContain('for the network it names');
    });
    it('it is said to be of another patient', async () => {
      expect(await tampered(({ export: e }) => (e.patient = people.doctor))).toContain('belongs to another patient');
    });
    it('its time or block was changed', async () => {
      for (const change of [(e: ExportFile['export']) => (e.createdAt += 1), (e: ExportFile['export']) => (e.asOf = null)]) {
        const file = copy();
        change(file.export);
        expect((await check(file)).problems.join()).toContain('is not as');
      }
    });
    it('a stranger sealed it', async () => {
      expect((await check(resealed(copy(), stranger))).problems.join()).toContain('neither the patient nor a member');
    });
    it('the seal names somebody else', async () => {
      const file = copy();
      file.seal.account = patient;
      expect((await check(file)).ok).toBe(false);
    });
    it('something was added, or it was cut off', async () => {
      const file = copy();
      Object.assign(file.export, { note: 'trust me' });
      expect((await check(resealed(file))).problems.join()).toContain('Something was added');
      expect((await verifier.verifyExport(JSON.stringify(whole).slice(0, -10))).ok).toBe(false);
      expect((await verifier.verifyExport('{"export":null}')).ok).toBe(false);
    });
    it('the ledger that is asked does not answer', async () => {
      expect((await check(whole, { rpc: 'http://127.0.0.1:9' })).problems.join()).toContain('does not answer');
    });
  });
});
