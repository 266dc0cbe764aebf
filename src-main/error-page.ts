/**
 * What the window shows when the core cannot start: the reason in words and two ways out. It is plain HTML of the shell's own, since the
 * screens need a core; its buttons are links that the shell recognizes, so it needs no script.
 */
import type { WireError } from '../src-shared/errors.ts';

export const errorPagePath = '/cannot-start';
export const restartPath = '/restart';
export const quitPath = '/quit';

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** The page for an error. Styles are attributes: the page's policy allows no inline style sheet. */
export function errorPage(error: WireError): string {
  const button = 'display:inline-block;margin-right:12px;padding:8px 16px;border-radius:6px;text-decoration:none;font-weight:600;';
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="color-scheme" content="light dark"><title>Anamnesis cannot start</title></head>
<body style="margin:0;font:14px/1.5 system-ui,sans-serif">
<main style="max-width:560px;margin:14vh auto 0;padding:0 24px">
<h1 style="font-size:20px">The workstation cannot start</h1>
<p role="alert">${escape(error.message)}</p>
<p style="margin:24px 0">
<a role="button" href="${restartPath}" style="${button}background:#0f766e;color:#fff">Restart</a>
<a role="button" href="${quitPath}" style="${button}border:1px solid;color:inherit">Quit</a>
</p>
<p style="opacity:.7;font-size:12px">For support: ${escape(error.code)}</p>
</main>
</body>
</html>
`;
}
