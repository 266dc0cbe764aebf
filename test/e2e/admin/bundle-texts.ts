/** The resources of a Bundle as the very characters of the file: what is kept “exactly as it came” is compared as text. */
import { findNodeAtLocation, parseTree } from 'jsonc-parser';

/** The text of each entry's resource, in the order of the file. */
export function resourceTexts(bundle: string): string[] {
  const tree = parseTree(bundle);
  const entries = tree && findNodeAtLocation(tree, ['entry']);
  return (entries?.children ?? []).map((entry) => {
    const resource = findNodeAtLocation(entry, ['resource']);
    if (!resource) throw new Error('An entry without a resource');
    return bundle.slice(resource.offset, resource.offset + resource.length);
  });
}

export const typeOf = (resource: string): string => (JSON.parse(resource) as { resourceType: string }).resourceType;
