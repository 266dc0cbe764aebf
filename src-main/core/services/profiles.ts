/**
 * Names of organizations and people: small readable blocks whose digests are on the ledger. What is not here yet is asked of the peers in the
 * background; until it comes, a short account stands for the name.
 */
import type { IpfsPort, RecordCryptoPort } from '../ports.ts';
import type { FactBus } from './facts.ts';

export interface Profiles {
  /** The name in a profile block; the fallback until it is here. */
  name(digest: string, fallback: string): string;
}

const retryAfterMs = 10_000;

export function createProfiles(ipfs: IpfsPort, crypto: RecordCryptoPort, facts: FactBus, clock: () => number): Profiles {
  const names = new Map<string, string>();
  const asked = new Map<string, number>();

  const learn = async (digest: string, offline: boolean): Promise<void> => {
    const bytes = await ipfs.get(crypto.cidOfDigest(digest), { offline, maxBytes: 4096 });
    names.set(digest, crypto.decodeProfile(bytes).name);
    facts.tell('status', null);
  };

  return {
    name(digest, fallback) {
      const known = names.get(digest);
      if (known !== undefined) return known;
      const now = clock();
      if (now - (asked.get(digest) ?? -Infinity) > retryAfterMs) {
        asked.set(digest, now);
        const local = ipfs.has(crypto.cidOfDigest(digest));
        learn(digest, local).catch(() => {
          // Not here and no peer has it, or it is no profile: the short account goes on standing for the name, and it is asked again later.
        });
      }
      return fallback;
    },
  };
}
