/** How people are named on screens: `SURNAME, Given (Title)`, so that lists sort and scan by surname (NHS Common User Interface). */

export interface PersonName {
  readonly family: string;
  readonly given: string;
  readonly prefix?: string;
}

/**
 * `SURNAME, Given (Title)`. Upper case by Unicode's own rules, not those of the machine's locale (a Turkish locale would make `İ` of `i`);
 * scripts without case stay as they are. Missing parts are left out; `Name not recorded` where there is neither surname nor given name.
 */
export function formatName(name: PersonName): string {
  const family = name.family.trim().toUpperCase();
  const given = name.given.trim();
  const prefix = (name.prefix ?? '').trim();
  if (family === '' && given === '') return 'Name not recorded';
  const full = [family, given].filter((part) => part !== '').join(', ');
  return prefix === '' ? full : `${full} (${prefix})`;
}

const genderWords: Readonly<Record<string, string>> = { male: 'Male', female: 'Female', other: 'Other', unknown: 'Unknown' };

/** FHIR AdministrativeGender in words; `Not recorded` for none or a code that is not one of the four. */
export function formatGender(gender: string): string {
  return Object.hasOwn(genderWords, gender) ? (genderWords[gender] ?? 'Not recorded') : 'Not recorded';
}
