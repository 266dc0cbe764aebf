/**
 * A folder on a disk that breaks, and whose power can be cut: faulty-disk.c between a core and the C library, compiled when the tests run. What it wrote down
 * becomes what a computer finds after its power was cut: all that was synced is there, and of the rest anything.
 *
 * Assumed of the file system is what journals hold to (ext4, XFS, APFS, NTFS): names change in the order in which they were changed, and syncing a new file
 * makes its name durable. Of contents nothing is assumed: sectors of 512 bytes that were not synced come or not, each for itself.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Random } from '../random.ts';

/** As in faulty-disk.c. */
export const diskFaults = ['none', 'writing fails', 'reading fails', 'syncing fails', 'read-only'] as const;
export type DiskFault = (typeof diskFaults)[number];

/** Why it cannot be used here; null where it can. */
export function noFaultyDisk(): string | null {
  if (process.platform !== 'linux') return 'it stands between a process and the C library of Linux only';
  return spawnSync('gcc', ['--version']).status === 0 ? null : 'gcc is not installed';
}

const sector = 512;
const headBytes = 24;

type Change =
  | { readonly kind: 'write'; readonly file: string; readonly offset: number; readonly bytes: Buffer }
  | { readonly kind: 'truncate'; readonly file: string; readonly offset: number };
type NameChange = { readonly folder: string; readonly apply: (names: Map<string, string | null>) => void; readonly creates?: string };

/** What lies in the folder: paths with the file (or null for a folder), and files with their contents. */
interface Picture {
  readonly names: Map<string, string | null>;
  readonly contents: Map<string, Buffer>;
  /** Inodes: of files with the file that has it now, of folders with their paths. */
  readonly files: Map<number, string>;
  readonly folders: Map<number, string>;
}

export class FaultyDisk {
  readonly #dir: string;
  readonly #except: string;
  readonly #work = mkdtempSync(join(tmpdir(), 'anamnesis-faulty-disk-'));
  readonly #control: number;
  readonly #log: string;
  #before: Picture | null = null;

  /** @param except a folder below that is left alone. */
  constructor(dir: string, except: string) {
    this.#dir = dir;
    this.#except = except;
    this.#log = join(this.#work, 'log');
    const control = join(this.#work, 'control');
    writeFileSync(control, Buffer.alloc(8));
    this.#control = openSync(control, 'r+');
    const flags = ['-O2', '-Wall', '-shared', '-fPIC', '-o', join(this.#work, 'faulty-disk.so')];
    execFileSync('gcc', [...flags, join(import.meta.dirname, 'faulty-disk.c'), '-ldl', '-lpthread'], { stdio: 'inherit' });
  }

  /** For the process that gets the disk. */
  get env(): Readonly<Record<string, string>> {
    return {
      LD_PRELOAD: join(this.#work, 'faulty-disk.so'),
      FAULTY_DISK_DIR: this.#dir,
      FAULTY_DISK_EXCEPT: this.#except,
      FAULTY_DISK_LOG: this.#log,
      FAULTY_DISK_CONTROL: join(this.#work, 'control'),
      // Calls by io_uring would pass it by.
      UV_USE_IO_URING: '0',
    };
  }

  /** From now on; the first `spared` calls that it concerns still succeed. */
  set(fault: DiskFault, spared = 0): void {
    const state = Buffer.alloc(8);
    state.writeInt32LE(diskFaults.indexOf(fault), 0);
    state.writeInt32LE(spared, 4);
    writeSync(this.#control, state, 0, 8, 0);
  }

  /** While nobody writes: what lies there now is durable. */
  begin(): void {
    rmSync(this.#log, { force: true });
    this.#before = this.#look();
  }

  /** How much was written down until now: a moment, for `cut`. */
  get moment(): number {
    return statSync(this.#log).size;
  }

  /** While nobody writes: makes of the folder what is found after the power was cut at `moment`. */
  cut(random: Random, moment: number): void {
    const picture = this.#before ?? this.#look();
    const { changes, synced, nameChanges, durableNames } = readLog(readFileSync(this.#log).subarray(0, moment), picture);
    const some = (count: number) => random.pick([() => 0, () => count, () => random.below(count + 1)])();
    for (const change of nameChanges.slice(0, durableNames + some(nameChanges.length - durableNames))) change.apply(picture.names);
    const share = random.pick([0, 0.5, 1]);
    const contents = new Map([...picture.contents].map(([file, bytes]) => [file, new Contents(bytes)]));
    for (const [i, change] of changes.entries()) {
      const file = contents.get(change.file) ?? new Contents(Buffer.alloc(0));
      contents.set(change.file, file);
      const isDurable = i < (synced.get(change.file) ?? 0);
      const comes = () => isDurable || random.chance(share);
      if (change.kind === 'write') file.write(change.offset, change.bytes, comes);
      else if (comes()) file.truncate(change.offset);
    }
    this.#write(picture.names, contents);
    this.#before = null;
  }

  close(): void {
    closeSync(this.#control);
    rmSync(this.#work, { recursive: true, force: true });
  }

  #look(): Picture {
    const picture: Picture = { names: new Map(), contents: new Map(), files: new Map(), folders: new Map() };
    const walk = (folder: string) => {
      picture.folders.set(statSync(folder).ino, folder);
      for (const entry of readdirSync(folder, { withFileTypes: true })) {
        const path = join(folder, entry.name);
        if (path === this.#except) continue;
        if (entry.isDirectory()) {
          picture.names.set(path, null);
          walk(path);
        } else {
          const { ino } = statSync(path);
          picture.names.set(path, `${ino}`);
          picture.files.set(ino, `${ino}`);
          picture.contents.set(`${ino}`, readFileSync(path));
        }
      }
    };
    walk(this.#dir);
    return picture;
  }

  #write(names: ReadonlyMap<string, string | null>, contents: ReadonlyMap<string, Contents>): void {
    for (const name of readdirSync(this.#dir))
      if (join(this.#dir, name) !== this.#except) rmSync(join(this.#dir, name), { recursive: true });
    for (const [path, file] of [...names].sort(([a], [b]) => (a < b ? -1 : 1))) {
      if (file === null) mkdirSync(path, { recursive: true, mode: 0o700 });
      else writeFileSync(path, contents.get(file)?.bytes ?? Buffer.alloc(0), { mode: 0o600 });
    }
  }
}

/** What was changed, in order; up to which change each file was synced; and how many of the changes of names are durable. */
function readLog(log: Buffer, { files, folders }: Picture) {
  const changes: Change[] = [];
  const synced = new Map<string, number>();
  const nameChanges: NameChange[] = [];
  let durableNames = 0;
  let made = 0;
  const rename = (folder: string, apply: NameChange['apply'], creates?: string) =>
    nameChanges.push({ folder, apply, ...(creates === undefined ? {} : { creates }) });
  const durableUpTo = (isMeant: (change: NameChange) => boolean) =>
    (durableNames = Math.max(durableNames, nameChanges.findLastIndex(isMeant) + 1));
  // The last record may be half-written: its process was killed.
  for (let at = 0; at + headBytes <= log.length;) {
    const kind = String.fromCharCode(log.readUInt32LE(at));
    const length = log.readUInt32LE(at + 4);
    const inode = Number(log.readBigUInt64LE(at + 8));
    const offset = Number(log.readBigInt64LE(at + 16));
    const bytes = log.subarray(at + headBytes, at + headBytes + length);
    at += headBytes + length;
    if (bytes.length < length) break;
    const [path = '', second = ''] = 'CNUKR'.includes(kind) ? bytes.toString().split('\0') : [];
    const file = files.get(inode);
    if (kind === 'W' && file !== undefined) changes.push({ kind: 'write', file, offset, bytes });
    else if (kind === 'T' && file !== undefined) changes.push({ kind: 'truncate', file, offset });
    else if (kind === 'S' && offset === 1) durableUpTo(({ folder }) => folder === folders.get(inode));
    else if (kind === 'S' && file !== undefined) {
      synced.set(file, changes.length);
      durableUpTo(({ creates }) => creates === file);
    } else if (kind === 'C') {
      // Its inode may have been another file's.
      const fresh = `${inode} ${made++}`;
      files.set(inode, fresh);
      rename(dirname(path), (names) => names.set(path, fresh), fresh);
    } else if (kind === 'K') {
      folders.set(inode, path);
      rename(dirname(path), (names) => names.set(path, null));
    } else if (kind === 'U' || kind === 'R') rename(dirname(path), (names) => names.delete(path));
    else if (kind === 'N')
      rename(dirname(second), (names) => {
        for (const [name, of] of [...names]) {
          if (name !== path && !name.startsWith(`${path}/`)) continue;
          names.delete(name);
          names.set(second + name.slice(path.length), of);
        }
      });
    else throw new Error(`The faulty disk wrote down what nobody knows: ${kind} of ${inode}`);
  }
  return { changes, synced, nameChanges, durableNames };
}

/** A file's contents while they change. Behind its end its room is zero. */
class Contents {
  #room: Buffer;
  #length: number;

  constructor(bytes: Buffer) {
    this.#room = Buffer.from(bytes);
    this.#length = bytes.length;
  }

  get bytes(): Buffer {
    return this.#room.subarray(0, this.#length);
  }

  truncate(length: number): void {
    if (length < this.#length) this.#room.fill(0, length, this.#length);
    this.#grow(length);
    this.#length = length;
  }

  /** Sector by sector, those that come. */
  write(offset: number, bytes: Buffer, comes: () => boolean): void {
    for (let at = 0; at < bytes.length;) {
      const end = Math.min(bytes.length, at + sector - ((offset + at) % sector));
      if (comes()) {
        this.#grow(offset + end);
        bytes.copy(this.#room, offset + at, at, end);
        this.#length = Math.max(this.#length, offset + end);
      }
      at = end;
    }
  }

  #grow(length: number): void {
    if (length > this.#room.length) this.#room = Buffer.concat([this.#room, Buffer.alloc(length * 2 - this.#room.length)]);
  }
}
