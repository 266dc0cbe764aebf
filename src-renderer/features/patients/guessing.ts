/** What guessing a card's PIN costs a thief, in words: from the number of guesses and the time that one takes. */

const units = [
  ['second', 1],
  ['minute', 60],
  ['hour', 3_600],
  ['day', 86_400],
  ['month', 2_629_800],
  ['year', 31_557_600],
] as const;

/** How many cores somebody who rents a computer for it can easily have. */
const manyCores = 100;

/** "about 12 days", "under a second", "more than 1,000 years". */
export function formatEffort(seconds: number): string {
  if (seconds < 1) return 'under a second';
  // The largest unit of which there are at least two, so that nothing is rounded to "1".
  const [name, size] = units.findLast(([, length]) => seconds >= 2 * length) ?? units[0];
  const count = Math.round(seconds / size);
  if (name === 'year' && count > 1_000) return 'more than 1,000 years';
  return `about ${count} ${name}${count === 1 ? '' : 's'}`;
}

/** One sentence on what trying every possibility costs. */
export function describeGuessing(guesses: number, secondsPerGuess: number, what: string): string {
  const one = formatEffort(guesses * secondsPerGuess);
  const many = formatEffort((guesses * secondsPerGuess) / manyCores);
  return `${what}: whoever steals the card and tries everything needs ${one} on one core like this computer’s, ${many} on ${manyCores}.`;
}
