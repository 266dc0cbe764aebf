/**
 * A tiny hash router: `#/chart?patient=0x…`. The address holds a screen's name and public parameters only; nothing secret goes there.
 */
const screenNames = ['patients', 'register', 'desk', 'duplicates', 'attention', 'chart', 'staff', 'network', 'sync', 'settings'] as const;
export type ScreenName = (typeof screenNames)[number];

export interface Route {
  readonly screen: ScreenName;
  readonly params: Readonly<Record<string, string>>;
}

/** Where everybody starts; the frame goes on from here to the first screen that the person's roles show. */
const start: Route = { screen: 'patients', params: {} };

function read(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?');
  const screen = screenNames.find((known) => known === path);
  return screen ? { screen, params: Object.fromEntries(new URLSearchParams(query)) } : start;
}

class Router {
  route: Route = $state.raw(read(location.hash));

  constructor() {
    window.addEventListener('hashchange', () => (this.route = read(location.hash)));
  }
}

export const router = new Router();

/** The address of a screen, for links. */
export function hrefOf(screen: ScreenName, params: Readonly<Record<string, string>> = {}): string {
  const query = new URLSearchParams(params).toString();
  return `#/${screen}${query ? `?${query}` : ''}`;
}

/** Goes to a screen. */
export function navigate(screen: ScreenName, params: Readonly<Record<string, string>> = {}): void {
  const target = hrefOf(screen, params);
  if (location.hash !== target) location.hash = target;
  // The event comes later; whoever navigates expects the new route at once.
  router.route = { screen, params };
}

/** Leaves every screen, for the lock screen: the next person must not see where the last one was. */
export function clearRoute(): void {
  history.replaceState(null, '', location.pathname + location.search);
  router.route = start;
}
