/** What guardians, delegates and their limits are called for the people who sign. */
import type { Category } from '../../../src-shared/categories.ts';
import { formatDate } from '../../../src-shared/format/index.ts';
import type { Capacity, Power } from '../../../src-shared/operations.ts';
import { partsInWords } from '../sharing/category-words.ts';

export const capacityWords: Readonly<Record<Capacity, string>> = { guardian: 'Guardian', delegate: 'Delegate' };

export const powerWords: Readonly<Record<Power, string>> = {
  share: 'share, and answer requests',
  revoke: 'take access back',
  emergency: 'switch emergency access',
};

/** 'Share, and answer requests; take access back'. */
export function powersInWords(powers: readonly Power[]): string {
  const words = powers.map((power) => powerWords[power]).join('; ');
  return words === '' ? 'Nothing' : `${words.slice(0, 1).toUpperCase()}${words.slice(1)}`;
}

export function scopeInWords(categories: readonly Category[] | null): string {
  return categories === null ? 'The whole record' : partsInWords(categories);
}

export const endInWords = (until: number) => (until === 0 ? 'No end' : formatDate(until * 1000));
