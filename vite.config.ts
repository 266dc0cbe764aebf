/**
 * Builds the screens into dist/renderer: plain files that either shell can serve under a strict Content-Security-Policy.
 *
 * Nothing is inlined (no data: scripts or fonts), every address is relative, and the target is the oldest Chromium the tests run in.
 */
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { resolve } from 'node:path';
import { defineConfig } from 'vite';

export default defineConfig({
  root: resolve(import.meta.dirname, 'src-renderer'),
  base: './',
  publicDir: false,
  cacheDir: resolve(import.meta.dirname, 'node_modules/.vite'),
  plugins: [svelte({ configFile: resolve(import.meta.dirname, 'svelte.config.js') })],
  build: {
    outDir: resolve(import.meta.dirname, 'dist/renderer'),
    emptyOutDir: true,
    target: 'chrome114',
    cssTarget: 'chrome114',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    sourcemap: false,
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1500,
  },
  server: { host: '127.0.0.1', strictPort: false },
});
