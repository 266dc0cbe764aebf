/** Types that several components share. */
import type { LucideIcon } from '@lucide/svelte';
import type { Snippet } from 'svelte';

export type Icon = LucideIcon;
export type Tone = 'info' | 'warning' | 'danger' | 'success';

/** One line of an error summary: `field` is the id (`name` prop) of the control to go to; empty where no single field is meant. */
export interface FieldError {
  readonly field: string;
  readonly text: string;
}

export interface Option<V extends string = string> {
  readonly value: V;
  readonly label: string;
  readonly hint?: string;
  readonly disabled?: boolean;
}

/** What a Field hands to the control inside it. */
export interface FieldSlot {
  readonly id: string;
  readonly describedBy: string | undefined;
  readonly invalid: boolean;
}

/** A line of a ComparisonTable: what each side says, '' where it says nothing. */
export interface ComparedLine {
  readonly label: string;
  readonly values: readonly string[];
  /** Of two sides; missing: one of them says nothing. */
  readonly verdict?: 'same' | 'differs' | 'missing';
  readonly mono?: boolean;
}

/** A column of a DataTable: either text by `value`, or markup by `cell`. */
export interface Column<R> {
  readonly key: string;
  readonly label: string;
  /** A CSS grid track: '12rem', 'minmax(10rem, 2fr)'; 'minmax(0, 1fr)' when left out. */
  readonly width?: string;
  readonly align?: 'start' | 'end';
  readonly mono?: boolean;
  readonly value?: (row: R) => string;
  readonly cell?: Snippet<[R]>;
}
