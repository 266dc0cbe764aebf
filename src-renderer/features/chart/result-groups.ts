/** Observations grouped by code, newest first, and their values as series of points for a chart. */
import { readFhirDate } from '../../../src-shared/format/index.ts';
import type { ChartEntry, RecordExtract } from '../../../src-shared/view-types.ts';
import { numberIn } from './entry-words.ts';

export interface ResultGroup {
  readonly key: string;
  readonly title: string;
  readonly latest: ChartEntry;
  /** Newest first. */
  readonly entries: readonly ChartEntry[];
}

export interface SeriesPoint {
  /** Milliseconds. */
  readonly at: number;
  readonly value: number;
  readonly interpretation: RecordExtract['interpretation'];
  readonly recordId: string;
}

export interface Series {
  readonly label: string;
  readonly unit: string;
  readonly points: readonly SeriesPoint[];
}

/** Groups by code system and code; entries without a code by their title. Groups with the newest result come first. */
export function groupResults(entries: readonly ChartEntry[]): ResultGroup[] {
  const groups = new Map<string, ChartEntry[]>();
  for (const entry of entries) {
    const key = entry.code ? `${entry.codeSystem}|${entry.code}` : `title|${entry.title}`;
    const group = groups.get(key);
    if (group) group.push(entry);
    else groups.set(key, [entry]);
  }
  return [...groups].map(([key, list]) => {
    const sorted = list.toSorted((a, b) => (a.date < b.date ? 1 : a.date > b.date ? -1 : 0));
    const latest = sorted[0]!;
    return { key, title: latest.title, latest, entries: sorted };
  });
}

/** The middle of what a FHIR date leaves open, in milliseconds; null where there is no date. */
function moment(date: string): number | null {
  const parts = readFhirDate(date);
  if (!parts) return null;
  return parts.instant ?? Date.UTC(parts.year, (parts.month ?? 7) - 1, parts.day ?? (parts.month ? 15 : 1), 12);
}

/**
 * A series for each unit of the values, or, where results have components (blood pressure), for each component. Only what is a plain
 * number on a dated result is drawn; values in different units never share a line. Oldest first.
 */
export function seriesOf(group: ResultGroup): Series[] {
  const found = new Map<string, { label: string; unit: string; points: SeriesPoint[] }>();
  const add = (label: string, unit: string, text: string, entry: ChartEntry): void => {
    const [at, value] = [moment(entry.date), numberIn(text)];
    if (at === null || value === null) return;
    const key = `${label}|${unit}`;
    const series = found.get(key) ?? { label, unit, points: [] };
    series.points.push({ at, value, interpretation: entry.extract.interpretation, recordId: entry.recordId });
    found.set(key, series);
  };
  for (const entry of group.entries.toReversed()) {
    const { components, value, unit } = entry.extract;
    if (components?.length) for (const part of components) add(part.label, part.unit, part.value, entry);
    else if (value) add(group.title, unit ?? '', value, entry);
  }
  return [...found.values()];
}
