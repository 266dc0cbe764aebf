/** `app://anamnesis/`: the built screens, and nothing else. A scheme of our own instead of file:// gives the page an origin to check. */
import { protocol } from 'electron';
import { securityHeaders } from './content-security.ts';
import { readStaticFile } from './static-files.ts';

export const appOrigin = 'app://anamnesis';

/** Before the app is ready. */
export function registerAppScheme(): void {
  protocol.registerSchemesAsPrivileged([
    { scheme: 'app', privileges: { standard: true, secure: true, supportFetchAPI: true, codeCache: true } },
  ]);
}

/** After the app is ready. `pages` are served beside the folder's files, by path: the error page. */
export function serveApp(rendererDir: string, pages: ReadonlyMap<string, () => string>): void {
  protocol.handle('app', async (request) => {
    const url = new URL(request.url);
    if (url.host !== 'anamnesis' || request.method !== 'GET') return refuse(404);
    const page = pages.get(url.pathname);
    if (page)
      return new Response(page(), {
        headers: { ...securityHeaders, 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' },
      });
    const file = await readStaticFile(rendererDir, url.pathname);
    if (!file) return refuse(404);
    return new Response(file.bytes, { headers: { ...securityHeaders, 'content-type': file.type, 'cache-control': file.cacheControl } });
  });
}

function refuse(status: number): Response {
  return new Response('There is no such page.\n', { status, headers: { ...securityHeaders, 'content-type': 'text/plain; charset=utf-8' } });
}
