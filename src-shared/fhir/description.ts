/** What a describer of one resource type says; `describe.ts` adds the rest and the bounds. */
import type { RecordExtract } from '../view-types.ts';
import type { Concept, JsonObject } from './read.ts';

export interface Description {
  /** In words; the type's name is used where this is ''. */
  readonly title: string;
  readonly date?: string;
  readonly status?: string;
  readonly detail?: string;
  readonly concept?: Concept;
  readonly extract?: RecordExtract;
}

export type Describer = (resource: JsonObject) => Description;
export type Describers = Readonly<Record<string, Describer>>;
