/** Formatting in one import for the screens: everything a person reads goes through here, so that it is written the same everywhere. */
export * from './ages.ts';
export * from './dates.ts';
export * from './identifiers.ts';
export * from './names.ts';
export * from './numbers.ts';
export * from './typed-dates.ts';
