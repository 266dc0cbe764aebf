/** Where Anvil's native binary lies: in the platform package of its npm package, which the packaged application unpacks from its archive. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { AppError } from '../../../../src-shared/errors.ts';

const architectures: Partial<Record<NodeJS.Architecture, string>> = { x64: 'amd64', arm64: 'arm64' };

/** Throws NOT_FOUND where no binary is installed for this system. */
export function anvilBinary(): string {
  const name = `@foundry-rs/anvil-${process.platform}-${architectures[process.arch] ?? process.arch}`;
  const file = process.platform === 'win32' ? 'anvil.exe' : 'anvil';
  const found = resolveFile(`${name}/bin/${file}`);
  if (found === null) {
    throw new AppError(
      'NOT_FOUND',
      `The ledger that comes with this program is not installed for this system (${process.platform} ${process.arch}). What was saved is safe. Reinstall, or connect to a ledger on another computer.`,
      { package: name },
    );
  }
  return found;
}

function resolveFile(specifier: string): string | null {
  let path: string;
  try {
    path = createRequire(import.meta.url).resolve(specifier);
  } catch {
    // Not installed: npm takes only the platform package that fits. The caller says what that means.
    return null;
  }
  // Electron reads inside the archive, but the operating system can only start what lies beside it.
  const unpacked = path.replace(/app\.asar(?!\.unpacked)/, 'app.asar.unpacked');
  return existsSync(unpacked) ? unpacked : null;
}
