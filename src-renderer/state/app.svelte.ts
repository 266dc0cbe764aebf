/**
 * The workstation as the core describes it: one snapshot at the start, then whatever `snapshot` events bring. Everything that several
 * screens need of it is derived here.
 */
import type { AppError } from '../../src-shared/errors.ts';
import type { Role } from '../../src-shared/operations.ts';
import type { SessionView, Snapshot } from '../../src-shared/view-types.ts';
import { api, asAppError } from '../api.ts';

class AppState {
  snapshot: Snapshot | null = $state.raw(null);
  /** Why there is no snapshot. */
  failure: AppError | null = $state.raw(null);

  /** The core ended and was started again since somebody last logged in: what was under way then may not have been done. */
  restarted = $state(false);

  session: SessionView | null = $derived(this.snapshot?.session ?? null);
  #starting: Promise<void> | null = null;
  #listening = false;

  /** Loads the snapshot and listens; called again after a failure it tries again. */
  start(): Promise<void> {
    this.#starting ??= this.#load().finally(() => (this.#starting = null));
    return this.#starting;
  }

  async #load(): Promise<void> {
    if (!this.#listening) {
      this.#listening = true;
      api.on('snapshot', (snapshot) => this.take(snapshot));
      api.onSealed((failure) => {
        this.failure = failure;
        this.snapshot = null;
      });
    }
    try {
      this.take(await api.call('workstation.snapshot', {}));
    } catch (failure) {
      this.failure = asAppError(failure);
    }
  }

  take(snapshot: Snapshot): void {
    if (snapshot.session) this.restarted = false;
    else if (this.snapshot && this.snapshot.startedAt !== snapshot.startedAt) this.restarted = true;
    this.snapshot = snapshot;
    this.failure = null;
  }

  /** Whether the person logged in has one of these roles. */
  has(...roles: readonly Role[]): boolean {
    return this.session?.roles.some((role) => roles.includes(role)) ?? false;
  }
}

export const app = new AppState();

/** Roles as people say them. */
export const roleNames: Readonly<Record<Role, string>> = {
  admin: 'Administrator',
  registrar: 'Registrar',
  practitioner: 'Doctor',
  auditor: 'Auditor',
};

export function formatRoles(roles: readonly Role[]): string {
  return roles.length ? roles.map((role) => roleNames[role]).join(', ') : 'No role yet';
}
