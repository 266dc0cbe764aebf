import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../../src-shared/errors.ts';
import { bundleLimits, parseBundle } from '../../../src-main/core/services/import/bundle.ts';
import { createScanner, JsonFault } from '../../../src-main/core/services/import/json-scanner.ts';
import { bundle, bytesOf, code, observation, patient, patientEntry, refusal, withResource } from './bundles.ts';

const sound = JSON.stringify({ resourceType: 'Bundle', type: 'transaction', entry: [patientEntry, { resource: observation() }] }, null, 2);

describe('what is no JSON', () => {
  it('is refused with line and column', () => {
    const broken = sound.replace('"status": "final"', '"status": final');
    const line = broken.slice(0, broken.indexOf('final')).split('\n').length;
    expect(refusal(broken)).toMatchObject({
      code: 'FILE_NOT_JSON',
      details: { line, column: 19, entry: 2, path: 'Bundle.entry[1].resource.status' },
    });
    expect(refusal(broken).message).toContain(`(line ${line}, column 19, entry 2, Bundle.entry[1].resource.status)`);
    expect(refusal(broken).message).toContain('Nothing was imported.');
  });

  it('is refused for comments, trailing commas, single quotes, NaN and text after the end', () => {
    for (const text of [
      '{} // x',
      '/**/{}',
      '[1,]',
      '{"a":1,}',
      "{'a':1}",
      '{"a":NaN}',
      '{"a":01}',
      '{"a":.5}',
      '{"a":1.}',
      '{"a":+1}',
      '{}{}',
      '{"a" 1}',
      '{"a":tru}',
      '{"a":"\t"}',
      '{"a":"\\x"}',
      '{"a":"\\u12g4"}',
      'hello',
      '<Bundle/>',
    ]) {
      expect([text, code(text)]).toEqual([text, 'FILE_NOT_JSON']);
    }
  });

  it('is refused when cut off anywhere, saying so', () => {
    for (let length = 1; length < sound.length; length += 7) {
      const error = refusal(sound.slice(0, length));
      expect(error.code).toBe('FILE_NOT_JSON');
      expect(error.message).toContain('cut off');
    }
    expect(refusal('').message).toContain('empty');
    expect(refusal(' \n').message).toContain('empty');
  });

  it('is refused for bytes that are not UTF-8, with their place', () => {
    const bytes = bytesOf(sound);
    bytes[bytes.indexOf(0x0a) + 5] = 0xff;
    expect(refusal(bytes)).toMatchObject({ code: 'FILE_NOT_JSON', details: { line: 2, column: 5 } });
    expect(code(new Uint8Array(Buffer.from(sound, 'utf16le')))).toBe('FILE_NOT_JSON');
    expect(code(Uint8Array.from([0xff, 0xfe, ...Buffer.from(sound, 'utf16le')]))).toBe('FILE_NOT_JSON');
    expect(code(Uint8Array.from([...bytesOf('{"a":"'), 0xe2, 0x82]))).toBe('FILE_NOT_JSON');
    expect(code(Uint8Array.from([...bytesOf('{"a":"'), 0xc0, 0x80, ...bytesOf('"}')]))).toBe('FILE_NOT_JSON');
  });

  it('is told from JSON exactly as JSON.parse does', () => {
    const scan = (text: string): boolean => {
      const scanner = createScanner(text, { depth: 100, stringLength: () => 1e6 });
      try {
        scanner.end(scanner.value(scanner.skip(0)));
        return true;
      } catch (error) {
        if (error instanceof JsonFault && error.kind !== 'unsafe') return false;
        throw error;
      }
    };
    const native = (text: string): boolean => {
      try {
        JSON.parse(text);
        return true;
      } catch {
        return false;
      }
    };
    const mutated = fc
      .tuple(
        fc.json({ maxDepth: 3 }),
        fc.nat(),
        fc.constantFrom('', '"', '{', '}', '[', ']', ',', ':', '0', '-', '.', 'e', '\\', '\n', '\u0001', ' ', 't'),
        fc.nat(2),
      )
      .map(([text, at, piece, cut]) => `[${text.slice(0, at % (text.length + 1))}${piece}${text.slice((at % (text.length + 1)) + cut)}]`)
      // Members that are there twice are JSON, and refused for another reason.
      .filter((text) => !/"__proto__"|"constructor"|"prototype"/.test(text));
    fc.assert(
      fc.property(mutated, (text) => {
        try {
          expect(scan(text)).toBe(native(text));
        } catch (error) {
          if (!(error instanceof JsonFault)) throw error;
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('what is unsafe', () => {
  it('is refused: members there twice', () => {
    const twice = sound.replace('"status": "final"', '"status": "final", "st\\u0061tus": "amended"');
    expect(refusal(twice)).toMatchObject({ code: 'FILE_UNSAFE', details: { entry: 2, path: 'Bundle.entry[1].resource.status' } });
    const many = `{${Array.from({ length: 30 }, (_, i) => `"m${i}":1`).join()},"m3":2}`;
    expect(code(many)).toBe('FILE_UNSAFE');
  });

  it('is refused: names that reach for prototypes', () => {
    for (const name of ['__proto__', 'constructor', 'prototype', '\\u005f_proto__']) {
      expect(code(sound.replace('"status": "final"', `"status": "final", "${name}": {"polluted": true}`))).toBe('FILE_UNSAFE');
    }
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('is refused: nesting, before it can fill the stack', () => {
    expect(code('['.repeat(1_000_000))).toBe('FILE_UNSAFE');
    expect(code('{"a":'.repeat(bundleLimits.depth + 1))).toBe('FILE_UNSAFE');
  });

  it('is refused: names of a megabyte, and texts of more than FHIR allows', () => {
    const named = (name: unknown) => bundle([{ resource: { ...patient, name: [name] } }]);
    expect(refusal(named({ family: 'x'.repeat(1_000_000) }))).toMatchObject({
      code: 'FILE_UNSAFE',
      details: { entry: 1, path: 'Bundle.entry[0].resource.name[0].family' },
    });
    expect(code(named({ given: ['x'.repeat(1001)] }))).toBe('FILE_UNSAFE');
    expect(code(named({ text: 'x'.repeat(1001) }))).toBe('FILE_UNSAFE');
    expect(code(withResource(observation({ note: [{ text: 'x'.repeat(1024 * 1024 + 1) }] })))).toBe('FILE_UNSAFE');
    expect(code(`{"${'x'.repeat(201)}":1}`)).toBe('FILE_UNSAFE');
    expect(code(`{"a":${'1'.repeat(101)}}`)).toBe('FILE_UNSAFE');
  });

  it('counts characters, not their escapes', () => {
    const given = '\\u0928'.repeat(900);
    const text = sound.replace('"Meera"', `"${given}"`);
    expect(parseBundle(bytesOf(text)).entries).toHaveLength(2);
  });

  it('is refused: a resource of half a million values', () => {
    expect(code(withResource({ resourceType: 'Basic', a: Array(bundleLimits.valuesPerResource + 1).fill(0) }))).toBe('FILE_UNSAFE');
  });

  it('is refused: more entries than any history has', () => {
    const text = `{"resourceType":"Bundle","type":"batch","entry":[${'{},'.repeat(bundleLimits.entries)}{}]}`;
    expect(refusal(text)).toMatchObject({ code: 'FILE_UNSAFE', details: { entry: bundleLimits.entries + 1 } });
  });

  it('is refused unread: a file of 200 MB', () => {
    const error = refusal(new Uint8Array(200 * 1024 * 1024));
    expect(error).toMatchObject({ code: 'FILE_TOO_LARGE', details: { bytes: 200 * 1024 * 1024 } });
    expect(error.message).toContain('200 MB');
  });

  it('never puts what it says into the message unchecked', () => {
    const script = '<img src=x onerror=alert(1)>';
    const error = refusal(sound.replace('"status": "final"', `"${script}": [}`));
    expect(error.message).not.toContain('<img');
    expect(refusal(JSON.stringify({ resourceType: script })).message).not.toContain('<img');
    expect(refusal(bundle([patientEntry], { type: script })).message).not.toContain('<img');
  });
});

describe('what is no FHIR Bundle', () => {
  it('is refused by what it is instead', () => {
    expect(refusal('[]').message).toContain('no FHIR resource');
    expect(refusal('{"a":1}').message).toContain('no resourceType');
    expect(refusal(JSON.stringify(patient)).message).toContain('“Patient”, not a Bundle');
    expect(refusal(bundle([patientEntry], { type: 'history' })).message).toContain('“history”');
    expect(refusal(bundle([])).message).toContain('no entries');
    expect(refusal('{"resourceType":"Bundle","type":"batch"}').message).toContain('no entries');
    expect(refusal('{"resourceType":"Bundle","type":"batch","entry":{}}').message).toContain('no entries');
    for (const text of ['[]', '{"a":1}', JSON.stringify(patient), bundle([]), bundle([1]), bundle([{}]), bundle([{ resource: [] }])])
      expect(code(text)).toBe('FILE_NOT_FHIR');
  });

  it('is refused for entries that say nothing of themselves', () => {
    expect(refusal(bundle([patientEntry, { fullUrl: 'x' }]))).toMatchObject({
      code: 'FILE_NOT_FHIR',
      details: { entry: 2, path: 'Bundle.entry[1]' },
    });
    expect(code(bundle([patientEntry, { resource: { id: 'x' } }]))).toBe('FILE_NOT_FHIR');
    expect(code(bundle([patientEntry, { resource: { resourceType: 5 } }]))).toBe('FILE_NOT_FHIR');
    expect(code(bundle([patientEntry, { fullUrl: 5, resource: observation() }]))).toBe('FILE_NOT_FHIR');
    expect(code(withResource(observation({ id: 7 })))).toBe('FILE_NOT_FHIR');
  });

  it('is refused without a Patient, with two, and with two entries of one name', () => {
    expect(refusal(bundle([{ resource: observation() }])).message).toContain('no Patient');
    expect(refusal(bundle([patientEntry, { resource: { ...patient, id: 'p2' } }])).message).toContain('2 Patients');
    expect(
      refusal(bundle([patientEntry, { fullUrl: 'a', resource: observation() }, { fullUrl: 'a', resource: observation() }])),
    ).toMatchObject({
      code: 'FILE_NOT_FHIR',
      details: { entry: 3 },
    });
  });

  it('is refused for what we rely on: required elements, statuses, gender, dates', () => {
    const cases: [unknown, string][] = [
      [observation({ status: undefined }), ''],
      [observation({ code: undefined }), ''],
      [observation({ status: 'done' }), '.status'],
      [observation({ status: 5 }), '.status'],
      [observation({ effectiveDateTime: '14/07/2020' }), '.effectiveDateTime'],
      [observation({ effectivePeriod: { start: '2020-02-31' } }), '.effectivePeriod.start'],
      [observation({ component: [{}, { valueDateTime: 'yesterday' }] }), '.component[1].valueDateTime'],
      [{ resourceType: 'Immunization', status: 'completed', vaccineCode: {}, patient: { reference: 'Patient/p1' } }, ''],
      [{ resourceType: 'Encounter', status: 'finished' }, ''],
    ];
    for (const [resource, path] of cases) {
      expect(refusal(withResource(resource))).toMatchObject({
        code: 'FILE_NOT_FHIR',
        details: { entry: 2, path: `Bundle.entry[1].resource${path}` },
      });
    }
    expect(refusal(bundle([{ resource: { ...patient, gender: 'F' } }])).message).toContain('gender');
  });
});

describe('records of somebody else', () => {
  it('are refused with their place', () => {
    const cases: [Record<string, unknown>, string][] = [
      [observation({ subject: { reference: 'urn:uuid:p2' } }), '.subject'],
      [observation({ subject: { reference: 'Patient/p2' } }), '.subject'],
      [observation({ subject: { reference: '#p1' } }), '.subject'],
      [observation({ subject: { reference: 5 } }), '.subject'],
      [observation({ subject: 'Patient/p1' }), '.subject'],
      [observation({ subject: { identifier: { system: 'urn:mrn', value: '8' } } }), '.subject'],
      [observation({ subject: { reference: 'Patient?identifier=urn:mrn|8' } }), '.subject'],
      [{ resourceType: 'Claim', patient: { reference: 'Patient/p2' } }, '.patient'],
      [
        {
          resourceType: 'Appointment',
          status: 'booked',
          participant: [{ actor: { reference: 'Practitioner/1' } }, { actor: { reference: 'Patient/p2' } }],
        },
        '.participant[1].actor',
      ],
      [
        { resourceType: 'Basic', contained: [{ resourceType: 'ServiceRequest', subject: { reference: 'Patient/p2' } }] },
        '.contained[0].subject',
      ],
    ];
    for (const [resource, path] of cases) {
      expect(refusal(withResource(resource))).toMatchObject({
        code: 'FILE_OTHER_PATIENT',
        details: { entry: 2, path: `Bundle.entry[1].resource${path}` },
      });
    }
  });
});

it('whatever the bytes, the answer is a Bundle or an AppError', () => {
  const damaged = fc.tuple(fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 4 })).map(([at, piece]) => {
    const bytes = bytesOf(sound);
    bytes.set(piece, at % (bytes.length - 4));
    return bytes;
  });
  fc.assert(
    fc.property(damaged, (bytes) => {
      try {
        parseBundle(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(AppError);
        expect((error as AppError).code).toMatch(/^FILE_/);
      }
    }),
    { numRuns: 500 },
  );
});
