/**
 * The global find field, as a state: patients while typing (the newest answer wins, whatever order answers come in), and commands whose
 * words match.
 */
import { formatBirth, formatGender, formatIdentifier, formatName } from '../../../src-shared/format/index.ts';
import type { PatientSummary } from '../../../src-shared/view-types.ts';
import type { Icon } from '../../components/types.ts';
import { api, asAppError } from '../../api.ts';

export interface Command {
  readonly label: string;
  readonly icon: Icon;
  readonly run: () => void;
}

export interface FindItem {
  readonly id: string;
  readonly kind: 'patient' | 'command';
  readonly title: string;
  readonly detail: string;
  readonly icon: Icon | null;
  readonly run: () => void;
}

const shownPatients = 8;
const pauseMs = 60;

export class FindState {
  text = $state('');
  open = $state(false);
  /** Index of the item that Enter takes. */
  current = $state(0);
  hits: readonly PatientSummary[] = $state.raw([]);
  total = $state(0);
  searching = $state(false);
  failure = $state('');

  #request = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #commands: () => readonly Command[];
  readonly #openPatient: ((patient: string) => void) | null;

  /** @param openPatient null for people who see no patients: then only commands are found. */
  constructor(commands: () => readonly Command[], openPatient: ((patient: string) => void) | null) {
    this.#commands = commands;
    this.#openPatient = openPatient;
  }

  readonly items: readonly FindItem[] = $derived.by(() => {
    const wanted = this.text.trim().toLowerCase();
    const patients = this.hits.map((hit): FindItem => {
      const first = hit.identifiers[0];
      return {
        id: `find-${hit.patient}`,
        kind: 'patient',
        title: formatName(hit),
        detail: [
          `Born ${formatBirth(hit, Date.now())}`,
          formatGender(hit.gender),
          first ? `${first.label} ${formatIdentifier(first.value)}` : '',
        ]
          .filter(Boolean)
          .join(' · '),
        icon: null,
        run: () => this.#openPatient?.(hit.patient),
      };
    });
    const commands = this.#commands()
      .filter((command) => command.label.toLowerCase().includes(wanted))
      .slice(0, wanted === '' ? 12 : 5)
      .map((command, index): FindItem => ({
        id: `find-command-${index}`,
        kind: 'command',
        title: command.label,
        detail: '',
        icon: command.icon,
        run: command.run,
      }));
    return [...patients, ...commands];
  });

  /** To be called on every keystroke. */
  typed(): void {
    this.open = true;
    this.current = 0;
    clearTimeout(this.#timer);
    const text = this.text.trim();
    if (text === '' || !this.#openPatient) {
      this.#request += 1;
      this.hits = [];
      this.total = 0;
      this.searching = false;
      this.failure = '';
      return;
    }
    this.searching = true;
    this.#timer = setTimeout(() => void this.#search(text), pauseMs);
  }

  async #search(text: string): Promise<void> {
    const request = ++this.#request;
    try {
      const { hits, total } = await api.call('patients.search', { text, limit: shownPatients, offset: 0 });
      if (request !== this.#request) return;
      this.hits = hits;
      this.total = total;
      this.failure = '';
    } catch (error) {
      if (request !== this.#request) return;
      this.hits = [];
      this.total = 0;
      this.failure = asAppError(error).message;
    } finally {
      if (request === this.#request) this.searching = false;
    }
  }

  move(step: number): void {
    const count = this.items.length;
    if (count > 0) this.current = (this.current + step + count) % count;
  }

  take(item: FindItem | undefined): void {
    if (!item) return;
    this.close();
    item.run();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#request += 1;
    this.text = '';
    this.hits = [];
    this.total = 0;
    this.open = false;
    this.searching = false;
    this.failure = '';
  }
}
