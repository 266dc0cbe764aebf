/** Finds the file of the built renderer that a URL path names, and nothing outside that folder. Shared by the window and the browser shell. */
import { readFile, realpath } from 'node:fs/promises';
import { extname, join, sep } from 'node:path';

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.woff': 'font/woff',
  '.wasm': 'application/wasm',
};

export interface StaticFile {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly type: string;
  /** Files with a digest in their name never change; the page itself must not be kept. */
  readonly cacheControl: string;
}

/**
 * Reads the file for a URL path (still percent-encoded, starting with '/'). '/' is index.html.
 * @returns null where there is none, its type is not served, or the path leaves the folder (by '..', encoding, or a symbolic link)
 */
export async function readStaticFile(folder: string, urlPath: string): Promise<StaticFile | null> {
  let path: string;
  try {
    path = decodeURIComponent(urlPath);
  } catch {
    return null;
  }
  if (path === '/') path = '/index.html';
  if (!/^(\/[\w.@+-]+)+$/.test(path) || path.split('/').includes('..')) return null;
  const type = types[extname(path).toLowerCase()];
  if (!type) return null;
  try {
    const root = await realpath(folder);
    const file = await realpath(join(root, path));
    if (!file.startsWith(root + sep)) return null;
    const bytes = new Uint8Array(await readFile(file));
    return { bytes, type, cacheControl: path.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-store' };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR') return null;
    throw error;
  }
}
