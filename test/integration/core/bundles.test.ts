/** Real histories through registration, sharing, import and back out: every resource of a supported type exactly as it came. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { findNodeAtLocation, parseTree } from 'jsonc-parser';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { exportBundle } from '../../../src-main/core/admin/export-bundle.ts';
import { demographicsOf } from '../../../src-main/core/services/demo.ts';
import { categories } from '../../../src-shared/categories.ts';
import { resourceTypes } from '../../../src-shared/fhir/resource-types.ts';
import { passphrase, pin, startWorkstation, type TestWorkstation } from './workstation.ts';

const packaged = join(dirname(createRequire(import.meta.url).resolve('cql-exec-fhir/package.json')), 'test/fixtures/r4');
const shared = join(process.cwd(), '..', 'shared', 'data', 'fhir');
const files = [packaged, shared]
  .filter(existsSync)
  .flatMap((dir) => readdirSync(dir).map((name) => join(dir, name)))
  .filter((file) => /_[0-9a-f-]{36}\.json$/.test(file));

/** The text of each entry's resource, as characters of the file. */
function resourceTexts(bundle: string): string[] {
  const tree = parseTree(bundle);
  return ((tree && findNodeAtLocation(tree, ['entry'])?.children) ?? []).map((entry) => {
    const resource = findNodeAtLocation(entry, ['resource']);
    return resource ? bundle.slice(resource.offset, resource.offset + resource.length) : '';
  });
}

const isSupported = (text: string) => Object.hasOwn(resourceTypes, (JSON.parse(text) as { resourceType: string }).resourceType);

let w: TestWorkstation;
beforeAll(async () => {
  w = await startWorkstation();
  const { phrase } = await w.ask('setup.createPhrase', {});
  await w.ask('setup.createClinic', { clinicName: 'Clinic', personName: 'Dr Rao', passphrase, phrase });
  const account = (await w.snapshot()).session?.account ?? '';
  await w.ask('staff.changeRoles', { account, roles: ['admin', 'registrar', 'practitioner'] });
});
afterAll(() => w.stop());

it.each(files.map((file) => [basename(file).replace(/_[0-9a-f-]{36}\.json$/, ''), file]))(
  'imports the history of %s completely and gives it out exactly as it came',
  async (_name, file) => {
    const bytes = readFileSync(file);
    const source = resourceTexts(bytes.toString('utf8'));
    const { imports, patients, sessions, chart } = w.core.workstation;
    const session = sessions.require();
    const self = { account: session.account, encryptionKey: session.keys.encryptionKey, categories };
    const { patient } = await patients.register(session, demographicsOf(imports.patientOf(bytes)), pin, { grants: [self] });
    const result = await imports.run(session, bytes, patient.patient);
    const count = (rows: readonly { readonly count: number }[]) => rows.reduce((sum, row) => sum + row.count, 0);
    expect(count(result.imported)).toBe(source.filter(isSupported).length);
    expect(count(result.unsupported)).toBe(source.filter((text) => !isSupported(text)).length);

    const exported = exportBundle(await chart.contents(session, patient.patient), new Date());
    const kept = new Set(resourceTexts(exported.json));
    expect(source.filter((text) => isSupported(text) && !kept.has(text)).map((text) => text.slice(0, 200))).toEqual([]);
  },
);
