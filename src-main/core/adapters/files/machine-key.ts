/**
 * The machine's key: what `workstation.db` is encrypted with, so that sending goes on while nobody is logged in. A file that only this operating-system
 * user may read, or one that the operating system's keychain sealed (ADR 6). Where the keychain does not open it, the recovery code does.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../../../src-shared/errors.ts';
import type { KeychainState } from '../../../../src-shared/views/keychain.ts';
import type { KeychainPort, MachineKeyPort } from '../../ports.ts';
import { clearKeyLeftovers, keyFilePath, readKeyFile, writePlainKey, writeSealedKey, type KeyFile } from './key-file.ts';

const keyBytes = 32;

export interface MachineKeyOptions {
  readonly dataDir: string;
  readonly keychain: KeychainPort;
  readonly randomBytes: (length: number) => Uint8Array;
  readonly sha256: (bytes: Uint8Array) => Uint8Array;
  /** From the recovery code. */
  readonly recovered?: Uint8Array | undefined;
}

export interface MachineKey extends MachineKeyPort {
  /**
   * The key of the folder, once this core holds it; makes one for a folder that has none. Throws STORE_DAMAGED where a database is there and
   * its key is not, STORE_IN_USE where another core changed the file meanwhile.
   */
  take(): Uint8Array;
  /** Once the database opened: a key that came from the recovery code is sealed anew, where there is a keychain. Answers whether it was. */
  settle(): Promise<boolean>;
}

/**
 * Finds the key of a data folder, asking the keychain where it lies sealed.
 * @throws AppError KEY_SEALED where no keychain opens it and no code was given; CODE_INVALID where the code is another workstation's; DISK_FAILED
 * where the file cannot be read
 */
export async function openMachineKey(options: MachineKeyOptions): Promise<MachineKey> {
  const { dataDir, keychain, randomBytes, sha256, recovered } = options;
  const checkOf = (key: Uint8Array) =>
    Buffer.from(sha256(Buffer.concat([Buffer.from('anamnesis/machine-key/check/1'), key]))).toString('hex');
  const found = readFirst(dataDir);
  let key: Uint8Array | null = null;
  let sealed = found.kind === 'sealed';
  let byCode = false;

  const isRight = (candidate: Uint8Array, check: string) => candidate.length === keyBytes && checkOf(candidate) === check;

  if (found.kind === 'sealed') {
    if (recovered) {
      if (!isRight(recovered, found.check))
        throw new AppError(
          'CODE_INVALID',
          'This recovery code belongs to another workstation, or to another data folder. Nothing was changed; look for the paper of this one.',
        );
      key = recovered.slice();
      byCode = true;
    } else {
      const unsealed = await keychain.unseal(found.sealed);
      if (unsealed === null || !isRight(unsealed, found.check)) throw keySealed(await keychain.state());
      key = unsealed;
    }
  }

  const take = (): Uint8Array => {
    clearKeyLeftovers(dataDir);
    const now = readKeyFile(dataDir);
    if (!sameFile(found, now))
      throw new AppError('STORE_IN_USE', 'The key of this data folder was just changed by another start. Nothing is lost; start again.');
    if (key) return key;
    if (now.kind === 'plain') key = now.key;
    else if (existsSync(join(dataDir, 'workstation.db'))) {
      if (!recovered) throw keyLost(now.kind === 'none' ? 'missing' : 'damaged', keyFilePath(dataDir));
      key = recovered.slice();
      byCode = true;
    } else if (now.kind === 'damaged') {
      throw keyLost('damaged', keyFilePath(dataDir));
    } else {
      key = randomBytes(keyBytes);
      writePlainKey(dataDir, key);
    }
    return key;
  };

  const current = (): Uint8Array => {
    if (!key) throw new Error('The folder is not open.');
    return key;
  };

  const seal = async (): Promise<void> => {
    const made = await keychain.seal(current());
    // What cannot be opened again must not take the place of what can.
    const opened = await keychain.unseal(made);
    const opens = opened !== null && isRight(opened, checkOf(current()));
    opened?.fill(0);
    if (!opens)
      throw new AppError(
        'KEYCHAIN_UNAVAILABLE',
        "The computer's keychain did not give back what it was given to keep. Nothing was changed.",
      );
    write(() => writeSealedKey(dataDir, made, checkOf(current())));
  };

  /** What is true afterwards is what lies there, also where the disk failed halfway. */
  const write = (step: () => void): void => {
    try {
      step();
      byCode = false;
    } catch (error) {
      throw diskFailure(error, 'written');
    } finally {
      sealed = readKeyFile(dataDir).kind === 'sealed';
    }
  };

  return {
    take,
    async settle() {
      if (!byCode || !(await keychain.state()).available) return false;
      try {
        await seal();
        return true;
      } catch {
        // It is open, and the file is as it was or sealed anew: the next start asks for the code again at worst, and Settings says so.
        return false;
      }
    },
    key: () => current().slice(),
    sealed: () => sealed,
    openedByCode: () => byCode,
    seal,
    keepPlain() {
      write(() => writePlainKey(dataDir, current()));
    },
  };
}

function sameFile(a: KeyFile, b: KeyFile): boolean {
  // Two cores that start at once on a new folder: the one that comes second finds what the first made.
  if (a.kind === 'none' && b.kind === 'plain') return true;
  if (a.kind !== b.kind) return false;
  if (a.kind === 'sealed' && b.kind === 'sealed') return Buffer.from(a.sealed).equals(b.sealed) && a.check === b.check;
  if (a.kind === 'plain' && b.kind === 'plain') return Buffer.from(a.key).equals(b.key);
  return true;
}

function readFirst(dataDir: string): KeyFile {
  try {
    return readKeyFile(dataDir);
  } catch (error) {
    throw diskFailure(error, 'read');
  }
}

function diskFailure(error: unknown, what: 'read' | 'written'): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (!['ENOSPC', 'EDQUOT', 'EIO', 'EACCES', 'EPERM', 'EROFS'].includes(code)) return error;
  const isFull = ['ENOSPC', 'EDQUOT'].includes(code);
  const advice = isFull ? 'Free some space' : 'Check the disk and the permissions of the data folder';
  const message = `The key file could not be ${what}. What is stored here is safe and opens as before. ${advice}, then try again.`;
  return new AppError(isFull ? 'DISK_FULL' : 'DISK_FAILED', message, { reason: code }, { cause: error });
}

function keyLost(how: 'missing' | 'damaged', file: string): AppError {
  return new AppError(
    'STORE_DAMAGED',
    `The key file of this workstation (${file}) is ${how}. Nothing was changed. Restore it from a backup; or, where its recovery code was printed, use “npm run admin -- unseal --recovery-code-file <file>”.`,
  );
}

const whyOf = {
  'no-service': "This computer's keychain seals what is stored here, and none is running or it stayed locked.",
  'not-real': "This computer's keychain seals what is stored here, and only a stand-in that protects nothing is reachable.",
  browser: "This computer's keychain seals what is stored here, and a browser cannot reach it.",
  'command-line': "This computer's keychain seals what is stored here, and the command line cannot reach it.",
} as const;
const refused =
  "This computer's keychain does not open what is stored here: it was reset, or this is another computer or another of its users.";

const wayOf = {
  browser: 'Open Anamnesis in its own window, or enter the recovery code.',
  'command-line': 'Open Anamnesis in its own window, or give the recovery code in a file with --recovery-code-file.',
} as const;

/** What happened, what is safe, what to do. */
function keySealed(state: KeychainState): AppError {
  const reason = state.available ? 'refused' : state.reason;
  const way =
    reason === 'browser' || reason === 'command-line'
      ? wayOf[reason]
      : 'Enter the recovery code that was printed when the keychain was turned on.';
  return new AppError('KEY_SEALED', `${state.available ? refused : whyOf[state.reason]} Nothing was changed and nothing is lost. ${way}`, {
    reason,
  });
}
