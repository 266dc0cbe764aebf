/**
 * A strict JSON scanner (RFC 8259) that makes no values: it finds where each value begins and ends, so that a resource is kept as the very
 * text it came as (a decimal `1.50` stays `1.50`), and says exactly where a file is wrong. Nesting, strings and numbers are bounded before
 * anything is built from them.
 */

/** A JSON path from the file's root: member names and 0-based array positions. */
export type JsonPath = readonly (string | number)[];

export type FaultKind = 'syntax' | 'truncated' | 'unsafe';

/** Thrown by the scanner; `bundle.ts` turns it into an AppError with line and column. */
export class JsonFault extends Error {
  override readonly name = 'JsonFault';
  readonly kind: FaultKind;
  /** In UTF-16 units from the start of the text. */
  readonly offset: number;
  readonly path: JsonPath;

  constructor(kind: FaultKind, message: string, offset: number, path: JsonPath) {
    super(message);
    this.kind = kind;
    this.offset = offset;
    this.path = path;
  }
}

export interface ScanLimits {
  /** Nested objects and arrays. */
  readonly depth: number;
  /** Characters of a string that is the value of this member. */
  readonly stringLength: (member: string) => number;
}

/** Called at each value; scans it (with `scanner.value` or itself) and returns where it ends. */
export type OnValue<K> = (key: K, start: number) => number;

export interface JsonScanner {
  /** The first position at or after `at` that is no white space. */
  skip(at: number): number;
  /** Scans any value that begins at `at`; returns the position after it. */
  value(at: number): number;
  object(at: number, onMember?: OnValue<string>): number;
  array(at: number, onElement?: OnValue<number>): number;
  /** Throws where anything but white space follows. */
  end(at: number): void;
  /** Values scanned so far. */
  count(): number;
}

const quote = 0x22;
const backslash = 0x5c;
const unsafeMembers = new Set(['__proto__', 'constructor', 'prototype']);
const numberToken = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const longestNumber = 100;
const longestMember = 200;

/** Scans `text` within limits. Stateful in its path and counter; one scanner for one text. */
export function createScanner(text: string, limits: ScanLimits): JsonScanner {
  const path: (string | number)[] = [];
  let values = 0;

  function fail(kind: FaultKind, message: string, offset: number): never {
    throw new JsonFault(kind, message, offset, [...path]);
  }

  function unexpected(at: number, wanted: string): never {
    if (at >= text.length) fail('truncated', `the file ends where ${wanted} should be`, at);
    fail('syntax', `there is ${shown(text, at)} where ${wanted} should be`, at);
  }

  function skip(at: number): number {
    for (;;) {
      const c = text.charCodeAt(at);
      if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) return at;
      at++;
    }
  }

  /** From the opening quote to after the closing one. */
  function string(at: number, limit: number): number {
    let i = at + 1;
    for (;;) {
      const c = text.charCodeAt(i);
      if (c === quote) break;
      if (c === backslash) {
        i = escape(i);
      } else if (c >= 0x20) {
        i++;
      } else if (i >= text.length) {
        fail('truncated', 'the file ends within a text', at);
      } else {
        fail('syntax', 'there is a control character within a text', i);
      }
    }
    // Escapes are longer than what they stand for: only decoding tells.
    if (i - at - 1 > limit && (i - at - 1 > limit * 6 || decoded(at, i + 1).length > limit)) {
      fail('unsafe', `a text is longer than the ${limit.toLocaleString('en')} characters it may have`, at);
    }
    return i + 1;
  }

  function escape(at: number): number {
    const c = text[at + 1];
    if (c === 'u') {
      if (!/^[0-9a-fA-F]{4}$/.test(text.slice(at + 2, at + 6))) {
        fail(at + 6 > text.length ? 'truncated' : 'syntax', 'there is a \\u without four hexadecimal digits', at);
      }
      return at + 6;
    }
    if (c === undefined) fail('truncated', 'the file ends within a text', at);
    if (!'"\\/bfnrt'.includes(c)) fail('syntax', `there is an escape that JSON does not have: \\${c}`, at);
    return at + 2;
  }

  const decoded = (start: number, end: number) => JSON.parse(text.slice(start, end)) as string;

  function memberName(at: number): { name: string; end: number } {
    const end = string(at, longestMember);
    const raw = text.slice(at + 1, end - 1);
    return { name: raw.includes('\\') ? decoded(at, end) : raw, end };
  }

  function literal(at: number, word: string): number {
    if (text.startsWith(word, at)) return at + word.length;
    if (word.startsWith(text.slice(at)) && text.length - at < word.length) fail('truncated', 'the file ends within a value', at);
    return unexpected(at, 'a value');
  }

  function number(at: number): number {
    numberToken.lastIndex = at;
    const match = numberToken.exec(text);
    if (!match) return unexpected(text[at] === '-' ? at + 1 : at, 'a value');
    const end = at + match[0].length;
    if (match[0].length > longestNumber) fail('unsafe', `a number has more than ${longestNumber} digits`, at);
    if (end >= text.length) fail('truncated', 'the file ends after a number', at);
    if (/[0-9.eE+-]/.test(text[end] ?? '')) fail('syntax', 'there is a number that JSON does not have', at);
    return end;
  }

  function value(at: number): number {
    values++;
    switch (text[at]) {
      case '{':
        return object(at);
      case '[':
        return array(at);
      case '"': {
        const member = path.findLast((step) => typeof step === 'string') as string | undefined;
        return string(at, limits.stringLength(member ?? ''));
      }
      case 't':
        return literal(at, 'true');
      case 'f':
        return literal(at, 'false');
      case 'n':
        return literal(at, 'null');
      default:
        return number(at);
    }
  }

  /** Steps into an object or array. The depth is that of the path, since each adds one step. */
  function enter(at: number): void {
    if (path.length >= limits.depth) fail('unsafe', `values are nested more than ${limits.depth} deep`, at);
  }

  function object(at: number, onMember: OnValue<string> = (_, start) => value(start)): number {
    enter(at);
    let i = skip(at + 1);
    if (text[i] === '}') return i + 1;
    const names: string[] = [];
    let known: Set<string> | undefined;
    for (;;) {
      if (text.charCodeAt(i) !== quote) unexpected(i, 'a member name');
      const { name, end } = memberName(i);
      path.push(name);
      if (unsafeMembers.has(name)) fail('unsafe', `a member is named “${name}”, which FHIR does not have`, i);
      if (known ? known.has(name) : names.includes(name)) fail('unsafe', `the member “${shortened(name)}” is there twice`, i);
      names.push(name);
      if (known) known.add(name);
      else if (names.length > 16) known = new Set(names);
      i = skip(end);
      if (text[i] !== ':') unexpected(i, 'a colon');
      i = skip(onMember(name, skip(i + 1)));
      path.pop();
      if (text[i] === '}') return i + 1;
      if (text[i] !== ',') unexpected(i, 'a comma or }');
      i = skip(i + 1);
    }
  }

  function array(at: number, onElement: OnValue<number> = (_, start) => value(start)): number {
    enter(at);
    let i = skip(at + 1);
    if (text[i] === ']') return i + 1;
    path.push(0);
    for (let index = 0; ; index++) {
      path[path.length - 1] = index;
      i = skip(onElement(index, i));
      if (text[i] === ']') break;
      if (text[i] !== ',') unexpected(i, 'a comma or ]');
      i = skip(i + 1);
    }
    path.pop();
    return i + 1;
  }

  return {
    skip,
    value,
    object,
    array,
    end(at) {
      const i = skip(at);
      if (i < text.length) fail('syntax', `there is ${shown(text, i)} after the end`, i);
    },
    count: () => values,
  };
}

const shortened = (name: string) => (name.length > 60 ? `${name.slice(0, 60)}…` : name);

/** A character as a message can show it: printable ASCII itself, others by code point. */
function shown(text: string, at: number): string {
  const point = text.codePointAt(at) ?? 0;
  return point > 0x20 && point < 0x7f
    ? `“${String.fromCodePoint(point)}”`
    : `the character U+${point.toString(16).toUpperCase().padStart(4, '0')}`;
}

/**
 * Where the value at a path begins, in text that was scanned before; the nearest value around it where the path leads nowhere.
 */
export function locate(text: string, path: JsonPath): number {
  const scanner = createScanner(text, { depth: Number.POSITIVE_INFINITY, stringLength: () => Number.POSITIVE_INFINITY });
  let at = scanner.skip(0);
  for (const step of path) {
    let found = -1;
    const see: OnValue<string | number> = (key, start) => {
      if (key === step) found = start;
      return scanner.value(start);
    };
    if (text[at] === '{') scanner.object(at, see);
    else if (text[at] === '[') scanner.array(at, see);
    if (found < 0) return at;
    at = found;
  }
  return at;
}
