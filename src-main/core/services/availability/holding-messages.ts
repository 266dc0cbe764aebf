/**
 * What workstations say to each other about what they hold: what changed behind a place in the other's list (`changes`, between workstations of one clinic),
 * that there is something new in one's own (`news`), and whether the other holds these (`held`). Ids are bytes.
 */
import { z } from 'zod';

/** Ids in one answer, or one question. */
export const pageLimit = 2000;
export const askLimit = 200;

const bytes = (length: number) => z.custom<Uint8Array>((value) => value instanceof Uint8Array && value.length === length);
const id = bytes(32);
const run = bytes(16);
const place = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

export const request = z.discriminatedUnion('type', [
  /** `run`: in which of the other's runs that place was written, so that a list which began anew is noticed. */
  z.strictObject({ type: z.literal('changes'), after: place, run: run.nullable() }),
  z.strictObject({ type: z.literal('news') }),
  z.strictObject({ type: z.literal('held'), ids: z.array(id).min(1).max(askLimit) }),
]);
export type Request = z.infer<typeof request>;

export const answers = {
  /** `restart`: this is from the beginning, and what was said before does not count. `place`: where to go on. */
  changes: z.strictObject({
    kind: z.enum(['workstation', 'hub']),
    restart: z.boolean(),
    ids: z.array(id).max(pageLimit),
    whole: z.array(z.boolean()).max(pageLimit),
    /** What the other's pinning service said that it has pinned. */
    pinned: z.array(z.boolean()).max(pageLimit),
    place,
    run,
    /** What an admin of the clinic said which copies there should be. */
    policy: z.unknown(),
    more: z.boolean(),
  }),
  news: z.strictObject({}),
  held: z.strictObject({ held: z.array(z.boolean()).max(askLimit) }),
} as const;
export type Answer<T extends Request['type']> = z.infer<(typeof answers)[T]>;
