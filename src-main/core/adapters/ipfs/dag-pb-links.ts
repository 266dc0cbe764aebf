/**
 * The links of a DAG-PB node, which is what the inner nodes of a UnixFS file are (https://ipld.io/specs/codecs/dag-pb/spec/): field 2 of PBNode, each
 * a PBLink with the CID's bytes in field 1. Read here, because no library in use gives them without the content that they lead to.
 */
import { CID } from 'multiformats/cid';

/** CIDs in order; null for bytes that are no such node. */
export function linksOf(bytes: Uint8Array): CID[] | null {
  const links: CID[] = [];
  for (const link of fieldsOf(bytes) ?? [undefined]) {
    if (link === undefined) return null;
    if (link.number !== 2) continue;
    const hash = fieldsOf(link.bytes)?.find(({ number }) => number === 1);
    const cid = hash && cidOf(hash.bytes);
    if (!cid) return null;
    links.push(cid);
  }
  return links;
}

function cidOf(bytes: Uint8Array): CID | null {
  try {
    return CID.decode(bytes);
  } catch {
    // Whoever calls says what is wrong with the node.
    return null;
  }
}

interface Field {
  readonly number: number;
  readonly bytes: Uint8Array;
}

/** Length-delimited fields of a protobuf message, in order; numbers are passed over. Null for what is none. */
function fieldsOf(bytes: Uint8Array): Field[] | null {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let place = 1; place < 2 ** 42; place *= 128) {
      const byte = bytes[at++];
      if (byte === undefined) return Number.NaN;
      value += (byte & 127) * place;
      if (byte < 128) return value;
    }
    return Number.NaN;
  };
  while (at < bytes.length) {
    const tag = varint();
    const value = varint();
    if (Number.isNaN(tag) || Number.isNaN(value)) return null;
    if (tag % 8 === 0) continue;
    if (tag % 8 !== 2 || at + value > bytes.length) return null;
    fields.push({ number: Math.floor(tag / 8), bytes: bytes.subarray(at, at + value) });
    at += value;
  }
  return fields;
}
