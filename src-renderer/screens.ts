/**
 * The screens of the frame: name, title, who sees it, and where it comes from. Each is loaded when it is first opened.
 */
import type { Icon } from './components/types.ts';
import type { Component } from 'svelte';
import RefreshCw from '@lucide/svelte/icons/refresh-cw';
import BellDot from '@lucide/svelte/icons/bell-dot';
import IdCard from '@lucide/svelte/icons/id-card';
import Link2 from '@lucide/svelte/icons/link-2';
import Network from '@lucide/svelte/icons/network';
import Settings from '@lucide/svelte/icons/settings';
import Stethoscope from '@lucide/svelte/icons/stethoscope';
import UserPlus from '@lucide/svelte/icons/user-plus';
import UserRoundCog from '@lucide/svelte/icons/user-round-cog';
import UsersRound from '@lucide/svelte/icons/users-round';
import type { Role } from '../src-shared/operations.ts';
import type { ScreenName } from './state/router.svelte.ts';

export interface Screen {
  readonly name: ScreenName;
  readonly title: string;
  readonly icon: Icon;
  /** Roles that see it; empty: everybody. */
  readonly roles: readonly Role[];
  /** Not in the navigation: reached from another screen. */
  readonly hidden?: boolean;
  readonly load: () => Promise<{ default: Component }>;
}

/** In the order of the navigation. */
const screens: readonly Screen[] = [
  {
    name: 'patients',
    title: 'Patients',
    icon: UsersRound,
    roles: ['registrar', 'practitioner'],
    load: () => import('./features/patients/patients-screen.svelte'),
  },
  {
    name: 'register',
    title: 'Register',
    icon: UserPlus,
    roles: ['registrar'],
    load: () => import('./features/patients/register-screen.svelte'),
  },
  {
    name: 'desk',
    title: 'Patient at the desk',
    icon: IdCard,
    roles: ['registrar', 'practitioner'],
    load: () => import('./features/sharing/desk-screen.svelte'),
  },
  {
    name: 'duplicates',
    title: 'Duplicates',
    icon: Link2,
    roles: ['registrar'],
    load: () => import('./features/duplicates/duplicates-screen.svelte'),
  },
  {
    name: 'attention',
    title: 'Needs attention',
    icon: BellDot,
    roles: ['registrar', 'practitioner'],
    load: () => import('./features/attention/attention-screen.svelte'),
  },
  {
    name: 'chart',
    title: 'Chart',
    icon: Stethoscope,
    roles: ['practitioner'],
    hidden: true,
    load: () => import('./features/chart/chart-screen.svelte'),
  },
  { name: 'staff', title: 'Staff', icon: UserRoundCog, roles: ['admin'], load: () => import('./features/staff/staff-screen.svelte') },
  { name: 'network', title: 'Network', icon: Network, roles: ['admin'], load: () => import('./features/network/network-screen.svelte') },
  { name: 'sync', title: 'Sync', icon: RefreshCw, roles: [], load: () => import('./features/sync/sync-screen.svelte') },
  { name: 'settings', title: 'Settings', icon: Settings, roles: [], load: () => import('./features/settings/settings-screen.svelte') },
];

/** The screens that somebody with these roles may open. */
export function screensFor(roles: readonly Role[]): Screen[] {
  return screens.filter((screen) => screen.roles.length === 0 || screen.roles.some((role) => roles.includes(role)));
}
