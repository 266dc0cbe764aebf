/** For tests that start the core in a process of its own: it is the built one, which starts in a third of the time and is what people run. */
import { build } from '../scripts/build.ts';

export const setup = () => build({ only: ['contracts', 'core'] });
