import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseBundle } from '../../../src-main/core/services/import/bundle.ts';
import { recordIdOf } from '../../../src-main/core/services/import/record-identity.ts';
import { bundle, bytesOf, observation, patient, patientEntry, withResource } from './bundles.ts';

const root = resolve(import.meta.dirname, '../../..');
const shared = join(root, '../shared/data/fhir');
const shipped = join(root, 'node_modules/cql-exec-fhir/test/fixtures/r4');
const files = [
  ...readdirSync(shipped)
    .filter((name) => !name.startsWith('Condition'))
    .map((name) => join(shipped, name)),
  ...(existsSync(shared) ? readdirSync(shared).map((name) => join(shared, name)) : []),
].filter((name) => name.endsWith('.json'));

interface RawEntry {
  readonly fullUrl: string;
  readonly resource: { readonly resourceType: string };
}

describe.each(files.map((file) => [file.split('/').at(-1) ?? '', file] as const))('%s', (_, file) => {
  const bytes = readFileSync(file);
  const raw = JSON.parse(bytes.toString()) as { entry: RawEntry[] };
  const parsed = parseBundle(bytes);

  it('is imported completely: what is supported exactly as it came, the rest counted', () => {
    const dropped = parsed.unsupported.reduce((sum, one) => sum + one.count, 0);
    expect(parsed.entries.length + dropped).toBe(raw.entry.length);
    const kept = raw.entry.filter((entry) => !['Claim', 'ExplanationOfBenefit'].includes(entry.resource.resourceType));
    expect(parsed.entries.map((entry) => entry.resource)).toEqual(kept.map((entry) => entry.resource));
    expect(parsed.entries.map((entry) => entry.fullUrl)).toEqual(kept.map((entry) => entry.fullUrl));
    expect(parsed.entries.every((entry) => bytes.includes(entry.json))).toBe(true);
  });

  it('has one patient', () => {
    expect(parsed.patient.resourceType).toBe('Patient');
    expect(parsed.entries).toContain(parsed.patient);
  });
});

describe('a Bundle', () => {
  it('keeps resources to the letter: decimals, escapes, spaces', () => {
    const json =
      '{ "resourceType":"Observation","status" : "final","code":{"text":"\\u0057eight é \\/"},\n "valueQuantity":{"value":1.50,"unit":"kg"} }';
    const text = `{"resourceType":"Bundle","type":"collection","entry":[{"resource":${JSON.stringify(patient)}},{"resource": ${json} }]}`;
    expect(parseBundle(bytesOf(text)).entries[1]?.json).toBe(json);
    expect(parseBundle(bytesOf(`\ufeff${text}\n`)).entries[1]?.json).toBe(json);
  });

  it('of any JSON comes out as it went in', () => {
    const refused = /"(?:__proto__|constructor|prototype|subject|patient|beneficiary|contained)":/;
    const anything = fc
      .dictionary(fc.string({ minLength: 1, maxLength: 12 }), fc.jsonValue({ maxDepth: 4 }), { maxKeys: 6 })
      .map((parts) => ({ extension: parts }))
      .filter((parts) => !refused.test(JSON.stringify(parts)));
    const spaces = fc.constantFrom(undefined, 1, '\t');
    fc.assert(
      fc.property(fc.array(anything, { maxLength: 4 }), spaces, (parts, indent) => {
        const resources = [patient, ...parts.map((part, index) => ({ ...part, resourceType: 'Basic', id: String(index) }))];
        const supported = resources.map((one) => (one.resourceType === 'Basic' ? { ...one, resourceType: 'Location' } : one));
        const text = JSON.stringify(
          { resourceType: 'Bundle', type: 'batch', entry: supported.map((resource) => ({ resource })) },
          null,
          indent,
        );
        const { entries } = parseBundle(bytesOf(text));
        expect(entries.map((entry) => JSON.parse(entry.json) as unknown)).toEqual(JSON.parse(JSON.stringify(supported)));
      }),
      { numRuns: 100 },
    );
  });

  it('may be of every type that carries a history', () => {
    for (const type of ['transaction', 'batch', 'collection', 'document', 'searchset']) {
      expect(parseBundle(bytesOf(bundle([patientEntry], { type }))).entries).toHaveLength(1);
    }
  });

  it('may name its patient in every way that FHIR has', () => {
    const entry = {
      fullUrl: 'https://h.example/fhir/Patient/p1',
      resource: { ...patient, identifier: [{ system: 'urn:mrn', value: '7' }] },
    };
    const references = [
      { reference: 'Patient/p1' },
      { reference: 'Patient/p1/_history/3' },
      { reference: 'https://h.example/fhir/Patient/p1' },
      { reference: 'Patient?identifier=urn:mrn|7' },
      { identifier: { system: 'urn:mrn', value: '7' } },
      { display: 'Meera Rao' },
    ];
    for (const subject of references)
      expect(parseBundle(bytesOf(bundle([entry, { resource: observation({ subject }) }]))).entries).toHaveLength(2);
  });

  it('keeps scripts and reordering marks as the text they are', () => {
    const text = '<script>alert(1)</script> \u202egnp.exe';
    const { entries } = parseBundle(bytesOf(withResource(observation({ code: { text } }))));
    expect(entries[1]?.resource).toMatchObject({ code: { text } });
    expect(Object.getPrototypeOf({})).toBe(Object.prototype);
  });

  it('counts what is not supported, most frequent first', () => {
    const claims = ['c1', 'c2'].map((id) => ({
      fullUrl: id,
      resource: { resourceType: 'Claim', id, patient: { reference: 'urn:uuid:p1' } },
    }));
    const parsed = parseBundle(bytesOf(bundle([{ fullUrl: 'a', resource: { resourceType: 'Basic' } }, ...claims, patientEntry])));
    expect(parsed.unsupported).toEqual([
      { resourceType: 'Claim', count: 2 },
      { resourceType: 'Basic', count: 1 },
    ]);
  });
});

describe('a record’s identity', () => {
  const crypto = { sha256: (bytes: Uint8Array) => new Uint8Array(createHash('sha256').update(bytes).digest()) };
  const account = '0x52908400098527886E0F7030069857D2E4169EE7';
  const other = '0xde709f2102306220921060314715629080e2fb77';
  const entries = () => parseBundle(bytesOf(withResource(observation()))).entries;

  it('is the same at every import, whoever’s hand', () => {
    const ids = (patientAccount: string) => entries().map((entry) => recordIdOf(patientAccount, entry, crypto));
    expect(ids(account)).toEqual(ids(account));
    expect(new Set([...ids(account), ...ids(other)]).size).toBe(4);
    expect(ids(account)[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it('does not depend on how the entry is written', () => {
    const base = { resourceType: 'Observation', json: '{}' };
    const id = (fullUrl: string, resourceId: string, json = '{}') =>
      recordIdOf(account, { ...base, fullUrl, id: resourceId, json }, crypto);
    expect(id('urn:uuid:abc', 'abc')).toBe(id('', 'abc'));
    expect(id('https://a.example/Observation/1', '1')).not.toBe(id('https://b.example/Observation/1', '1'));
    expect(id('', '', '{"a":1}')).not.toBe(id('', '', '{"a":2}'));
  });
});
