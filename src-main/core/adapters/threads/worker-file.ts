import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * Where a worker thread's file is: beside the core's bundle as `<name>.mjs`, or, when run from source, `<name>.ts` beside the file that starts it.
 * @param name of the file, without its ending.
 * @param startedBy `import.meta.url` of the file that starts it.
 */
export function workerFile(name: string, startedBy: string): URL {
  const beside = new URL(`./${name}.mjs`, startedBy);
  // A packaged program's worker lies outside its archive (electron-builder.yml): a thread is not started from inside.
  const unpacked = new URL(beside.href.replace('/app.asar/', '/app.asar.unpacked/'));
  const found = [unpacked, beside].find((file) => existsSync(fileURLToPath(file)));
  return found ?? new URL(`./${name}.ts`, startedBy);
}
