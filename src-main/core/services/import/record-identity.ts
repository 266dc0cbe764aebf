/** Which record an entry of a Bundle is: the same entry is the same record at every import, so that importing a file twice adds nothing. */
import type { RecordCryptoPort } from '../../ports.ts';
import { utf8 } from '../bytes.ts';
import { derivedId } from '../record-ids.ts';
import type { BundleEntry } from './bundle.ts';

/**
 * A stable UUID (version 8) from the patient's account, the resource type and what names the entry: its fullUrl, or its id (`urn:uuid:X` and
 * the id X are one name); an entry with neither is named by its own text.
 */
export function recordIdOf(
  patient: string,
  entry: Pick<BundleEntry, 'fullUrl' | 'resourceType' | 'id' | 'json'>,
  crypto: Pick<RecordCryptoPort, 'sha256'>,
): string {
  const named = entry.fullUrl.replace(/^urn:uuid:/i, '').replace(/\/_history\/[^/]+$/, '') || entry.id;
  const name = named || Buffer.from(crypto.sha256(utf8(entry.json))).toString('hex');
  return derivedId(patient, `import\n${entry.resourceType}\n${name}`, crypto);
}
