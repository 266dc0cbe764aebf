/**
 * Where somebody was when the workstation locked, so that the same person comes back there, and nobody else does. Kept in memory only.
 */
import { clearRoute, navigate, router, type Route } from '../../state/router.svelte.ts';

let left: { readonly account: string; readonly route: Route } | null = null;
let present: string | null = null;

/** To be told whenever the person logged in changes; null when nobody is. */
export function sessionChanged(account: string | null): void {
  if (account === present) return;
  if (present !== null) {
    left = { account: present, route: router.route };
    clearRoute();
  }
  present = account;
  if (account !== null && left !== null) {
    if (left.account === account) navigate(left.route.screen, left.route.params);
    left = null;
  }
}
