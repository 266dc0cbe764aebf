/** Which shell `npm start` opens, and why: decided apart from the doing, so that it can be tested. */

export interface StartFacts {
  readonly wantsBrowser: boolean;
  readonly platform: NodeJS.Platform;
  readonly isRoot: boolean;
  readonly hasDisplay: boolean;
}

export type StartPlan = { readonly shell: 'electron' } | { readonly shell: 'browser'; readonly why: string | null };

/** What can be said before looking for Electron's binary. */
export function planStart(facts: StartFacts): StartPlan {
  if (facts.wantsBrowser) return { shell: 'browser', why: null };
  if (facts.platform === 'linux' && !facts.hasDisplay)
    return { shell: 'browser', why: 'this session has no display for a window (DISPLAY and WAYLAND_DISPLAY are not set)' };
  // Chromium's sandbox does not work for root, and giving it up silently would take away a protection that people rely on.
  if (facts.platform === 'linux' && facts.isRoot)
    return { shell: 'browser', why: "you are root, and Chromium's sandbox, which the window needs, does not run for root" };
  return { shell: 'electron' };
}
