/** What everybody who is logged in can do from anywhere: lock, send now, change the theme. Failures are told, never swallowed. */
import { toast } from 'svelte-sonner';
import type { SettingsView } from '../../../src-shared/view-types.ts';
import { api, asAppError } from '../../api.ts';

async function telling(title: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (failure) {
    toast.error(title, { description: asAppError(failure).message });
  }
}

export const lockWorkstation = () => telling('Not locked', () => api.call('session.lock', {}));
export const syncNow = () => telling('Nothing could be sent now', () => api.call('sync.now', {}));
export const setTheme = (theme: SettingsView['theme']) => telling('The theme was not changed', () => api.call('settings.set', { theme }));
