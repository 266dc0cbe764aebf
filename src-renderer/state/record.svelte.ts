/** One record in full: its newest or a chosen version, what it says, and how it was checked. */
import { api, asAppError } from '../api.ts';
import { decodeText } from '../../src-shared/fhir/text-content.ts';
import type { AppError } from '../../src-shared/errors.ts';
import type { RecordView } from '../../src-shared/view-types.ts';

/** Attachments are shown as text up to this size; the rest stays in the record. */
const maxTextBytes = 1_000_000;

export class OpenRecord {
  readonly patient: string;
  readonly recordId: string;
  versionId = $state<string | undefined>(undefined);
  view = $state.raw<RecordView | null>(null);
  failure = $state<AppError | null>(null);
  #asked = 0;

  /** Texts inside the resource that a person wants to read as they are: notes and letters. */
  readonly texts: readonly string[] = $derived(this.view ? textsOf(this.view.json) : []);
  readonly pretty: string = $derived(this.view ? prettyOf(this.view.json) : '');

  constructor(patient: string, recordId: string) {
    this.patient = patient;
    this.recordId = recordId;
  }

  async load(): Promise<void> {
    const asked = ++this.#asked;
    try {
      const view = await api.call('chart.record', {
        patient: this.patient,
        recordId: this.recordId,
        ...(this.versionId ? { versionId: this.versionId } : {}),
      });
      if (asked !== this.#asked) return;
      this.view = view;
      this.failure = null;
    } catch (error) {
      if (asked === this.#asked) this.failure = asAppError(error);
    }
  }
}

/** text/plain attachments of a DocumentReference (R4: content.attachment.data is base64). */
function textsOf(json: string): string[] {
  if (json === '') return [];
  let resource: unknown;
  try {
    resource = JSON.parse(json);
  } catch {
    // Shown as it is under "As it was stored".
    return [];
  }
  const contents = (resource as { content?: unknown } | null)?.content;
  if (!Array.isArray(contents)) return [];
  const texts: string[] = [];
  for (const content of contents.slice(0, 10) as { attachment?: { contentType?: unknown; data?: unknown } }[]) {
    const { contentType, data } = content?.attachment ?? {};
    if (typeof contentType !== 'string' || !contentType.startsWith('text/plain') || typeof data !== 'string') continue;
    const text = decodeText(data, maxTextBytes);
    if (text) texts.push(text);
  }
  return texts;
}

/** Indented where that is cheap; the exact text otherwise, and wherever indenting would change a number's digits. */
function prettyOf(json: string): string {
  if (json.length > 200_000) return json;
  let out = '';
  let depth = 0;
  let inString = false;
  for (let i = 0; i < json.length; i++) {
    const c = json[i]!;
    if (inString) {
      out += c;
      if (c === '\\') out += json[++i] ?? '';
      else if (c === '"') inString = false;
    } else if (c === '"') {
      inString = true;
      out += c;
    } else if (c === '{' || c === '[') {
      const close = /^\s*[}\]]/.exec(json.slice(i + 1, i + 20));
      depth++;
      out += close ? c : `${c}\n${'  '.repeat(depth)}`;
    } else if (c === '}' || c === ']') {
      depth--;
      const before = out.trimEnd().at(-1);
      out = before === '{' || before === '[' ? out.trimEnd() + c : `${out.trimEnd()}\n${'  '.repeat(Math.max(0, depth))}${c}`;
    } else if (c === ',') out += `,\n${'  '.repeat(depth)}`;
    else if (c === ':') out += ': ';
    else if (!/\s/.test(c)) out += c;
  }
  return out;
}
