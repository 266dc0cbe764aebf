/** Light or dark: the setting, or the system's wish. Sets `data-theme`, on which the tokens depend. */
import type { SettingsView } from '../../src-shared/view-types.ts';

class Theme {
  #systemDark = $state(false);
  #setting: SettingsView['theme'] = $state('system');
  readonly shown: 'light' | 'dark' = $derived(this.#setting === 'system' ? (this.#systemDark ? 'dark' : 'light') : this.#setting);

  constructor() {
    const wish = window.matchMedia('(prefers-color-scheme: dark)');
    this.#systemDark = wish.matches;
    wish.addEventListener('change', (event) => {
      this.#systemDark = event.matches;
      document.documentElement.dataset['theme'] = this.shown;
    });
  }

  apply(setting: SettingsView['theme']): void {
    this.#setting = setting;
    document.documentElement.dataset['theme'] = this.shown;
  }
}

export const theme = new Theme();
