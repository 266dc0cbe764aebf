/**
 * The making of a person's key, page by page: name, passphrase, the 24 words, and three of them asked back. First run and "I am new here"
 * share it. What is secret in it lives only here and is wiped when the key is made or the person leaves.
 */
import { api } from '../../api.ts';
import { advisePassphrase, minimumPassphraseLength } from './passphrase-advice.ts';

const askedWords = 3;

/** Three different places among `count`, from the system's random source, in ascending order. */
function chooseAsked(count: number): number[] {
  const chosen = new Set<number>();
  const random = new Uint32Array(1);
  while (chosen.size < Math.min(askedWords, count)) {
    crypto.getRandomValues(random);
    chosen.add((random[0] ?? 0) % count);
  }
  return [...chosen].sort((a, b) => a - b);
}

export class NewKey {
  personName = $state('');
  passphrase = $state('');
  repeated = $state('');
  phrase = $state('');
  asked: number[] = $state.raw([]);
  answers: string[] = $state(['', '', '']);

  readonly words: readonly string[] = $derived(this.phrase === '' ? [] : this.phrase.split(' '));

  /** Strength advice for what is typed so far. */
  advice(clinicName: string) {
    return advisePassphrase(this.passphrase, [this.personName, clinicName]);
  }

  /** What is wrong with the passphrase page; empty strings where all is well. */
  checkPassphrase(): { passphrase: string; repeated: string } {
    return {
      passphrase:
        this.passphrase.length < minimumPassphraseLength ? `Enter a passphrase of at least ${minimumPassphraseLength} characters.` : '',
      repeated:
        this.passphrase.length >= minimumPassphraseLength && this.repeated !== this.passphrase
          ? 'The two passphrases are not the same. Enter the same one again.'
          : '',
    };
  }

  /** Has the core make 24 words, once; going back and forth keeps them. */
  async makePhrase(): Promise<void> {
    if (this.phrase !== '') return;
    const { phrase } = await api.call('setup.createPhrase', {});
    this.phrase = phrase;
    this.asked = chooseAsked(this.words.length);
    this.answers = this.asked.map(() => '');
  }

  /** What is wrong with each answer; empty strings where all is well. */
  checkAnswers(): string[] {
    return this.asked.map((place, index) => {
      const answer = (this.answers[index] ?? '').trim().toLowerCase();
      if (answer === '') return `Enter word ${place + 1}.`;
      return answer === this.words[place] ? '' : `This is not word ${place + 1}. Look at what you wrote down or printed.`;
    });
  }

  /** Forgets everything secret. */
  wipe(): void {
    this.passphrase = '';
    this.repeated = '';
    this.phrase = '';
    this.asked = [];
    this.answers = ['', '', ''];
  }
}
