/** The form of a verifiable export (docs/verifiable-export.md): every field is there, of its type and within bounds, and nothing else is. */
import { fail } from './bytes.mjs';
import { kinds } from './operations.mjs';

const hex = (bytes) => (value) => typeof value === 'string' && new RegExp(`^0x[0-9a-f]{${2 * bytes}}$`).test(value);
const address = (value) => typeof value === 'string' && /^0x[0-9a-fA-F]{40}$/.test(value);
const integer = (value) => Number.isSafeInteger(value) && value >= 0;
const text = (limit) => (value) => typeof value === 'string' && value.length <= limit;
const orNull = (test) => (value) => value === null || test(value);
const list = (test, limit) => (value) => Array.isArray(value) && value.length <= limit && value.every(test);
const map = (shape) => (value) =>
  typeof value === 'object' &&
  value !== null &&
  Object.keys(value).length === Object.keys(shape).length &&
  Object.entries(shape).every(([key, test]) => Object.hasOwn(value, key) && test(value[key]));

const id = (value) => typeof value === 'string' && /^[A-Za-z0-9.-]{1,64}$/.test(value);
const payload = (value) => typeof value === 'string' && /^0x([0-9a-f]{64}){1,16}$/.test(value);
const anchor = map({ block: integer, blockHash: orNull(hex(32)), transaction: hex(32), logIndex: integer });

const operation = {
  kind: (kind) => Object.hasOwn(kinds, kind),
  opId: hex(32),
  actor: address,
  issuedAt: integer,
  deadline: integer,
  payload,
  signatures: list(text(5000), 16),
  anchor: orNull(anchor),
};
/** Version 1 knew no former networks of clinics. */
const operationOf = { 1: map(operation), 2: map({ ...operation, predecessor: orNull(hex(32)) }) };

const partsOf = (version) => ({
  network: map({ chainId: integer, operations: address }),
  patient: address,
  createdAt: integer,
  asOf: orNull(map({ block: integer, hash: hex(32) })),
  operations: list(operationOf[version], 1_000_000),
  commits: list(map({ commit: hex(32), opId: hex(32), key: text(44) }), 1_000_000),
  records: list(
    map({ commit: hex(32), recordId: id, versionId: id, previous: list(id, 64), resourceType: id, content: text(2 ** 29) }),
    5_000_000,
  ),
  missing: list(map({ commit: hex(32), reason: text(1000) }), 1_000_000),
  blocks: (value) => typeof value === 'object' && value !== null && Object.values(value).every(text(6_000_000)),
});

/** The parsed file: `{ export, seal }`. Throws a Fault that names the part that is not in order. */
export function readExport(source) {
  let value;
  try {
    value = JSON.parse(source);
  } catch {
    fail('The file is not JSON, or was cut off.');
  }
  const { format, version, ...rest } = value?.export ?? {};
  if (format !== 'anamnesis-verifiable-export') fail('This is not a verifiable export.');
  if (version !== 1 && version !== 2)
    fail(`This program reads versions 1 and 2 of verifiable exports; the file says ${JSON.stringify(version)?.slice(0, 20)}.`);
  const seal = map({ account: address, signature: text(200) });
  if (!map({ export: () => true, seal })(value)) fail('The file’s seal is missing, or something was added beside it.');
  const parts = partsOf(version);
  for (const [name, test] of Object.entries(parts)) {
    if (!Object.hasOwn(rest, name) || !test(rest[name])) fail(`The part “${name}” of the file has not the form it should have.`);
  }
  if (Object.keys(rest).length !== Object.keys(parts).length) fail('Something was added to the file.');
  return value;
}
