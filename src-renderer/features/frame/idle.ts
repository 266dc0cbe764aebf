/**
 * Tells the core that somebody is there, at most every 20 seconds while keys, pointer or wheel move; the core locks when it hears nothing
 * for the minutes of the settings.
 */
import { api } from '../../api.ts';

const every = 20_000;
const signs = ['pointerdown', 'pointermove', 'keydown', 'wheel'] as const;

/** @returns a function that stops it. */
export function reportActivity(onfailure: (failure: unknown) => void): () => void {
  let last = 0;
  function touched(): void {
    const now = Date.now();
    if (now - last < every) return;
    last = now;
    api.call('session.touch', {}).catch(onfailure);
  }
  for (const sign of signs) window.addEventListener(sign, touched, { capture: true, passive: true });
  return () => {
    for (const sign of signs) window.removeEventListener(sign, touched, { capture: true });
  };
}
