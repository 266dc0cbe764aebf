/**
 * Lint rules. Beside the usual ones, the layers of docs/architecture: renderer -> src-shared <- core services -> ports <- adapters, and
 * each library in one adapter only. test/unit/shell/lint-rules.test.ts proves that they fire.
 */
import js from '@eslint/js';
import boundaries from 'eslint-plugin-boundaries';
import svelte from 'eslint-plugin-svelte';
import globals from 'globals';
import ts from 'typescript-eslint';
import svelteConfig from './svelte.config.js';

/** Library -> the folder that may import it. */
const libraryHomes = [
  { folder: 'src-main/core/adapters/ledger', patterns: ['ethers', 'ethers/*', '@foundry-rs/*'] },
  { folder: 'src-main/core/adapters/sqlite', patterns: ['better-sqlite3', 'better-sqlite3/*'] },
  {
    folder: 'src-main/core/adapters/ipfs',
    patterns: [
      'helia',
      '@ipld/car',
      '@ipld/car/*',
      '@helia/*',
      'libp2p',
      '@libp2p/*',
      '@chainsafe/libp2p-*',
      '@multiformats/multiaddr',
      'blockstore-core',
      'interface-blockstore',
    ],
  },
  {
    folder: 'src-main/core/adapters/crypto',
    patterns: ['@noble/ciphers', '@noble/ciphers/*', '@scure/*', '@hpke/*', 'shamir-secret-sharing'],
  },
  // The ledger's signatures are secp256k1 and Keccak, which noble does faster than ethers.
  {
    folder: 'src-main/core/adapters/crypto',
    patterns: ['@noble/curves', '@noble/curves/*', '@noble/hashes', '@noble/hashes/*'],
    alsoIn: 'src-main/core/adapters/ledger',
  },
];

const node = ['node:*', 'fs', 'fs/*', 'path', 'os', 'crypto', 'child_process', 'http', 'https', 'net', 'worker_threads'];
const electron = ['electron', 'electron/*'];
const restrict = (groups) => ['error', { patterns: groups.map(([group, message]) => ({ group, message })) }];

/** What a core file may not import by name; `home` is the adapter folder it lives in, if any. */
const coreRestrictions = (home) =>
  restrict([
    [electron, 'The core runs without Electron.'],
    ...libraryHomes
      .filter(({ folder, alsoIn }) => folder !== home && alsoIn !== home)
      .map(({ folder, patterns }) => [patterns, `Only ${folder} imports this library.`]),
  ]);

const element = (type) => ({ element: { type } });
const mayImport = (from, to) => ({ from: element(from), allow: { to: { element: { types: { anyOf: to } } } } });

export default ts.config(
  {
    ignores: [
      'dist/**',
      'release/**',
      'node_modules/**',
      'contracts/**',
      '**/generated/**',
      'test-results/**',
      'resources/**',
      '.cache/**',
    ],
  },
  js.configs.recommended,
  ...ts.configs.recommended,
  ...svelte.configs.recommended,
  {
    languageOptions: { globals: { ...globals.node } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      'max-lines': ['warn', { max: 350 }],
      eqeqeq: 'error',
      'no-empty': ['error', { allowEmptyCatch: false }],
      'no-eval': 'error',
      'no-new-func': 'error',
      'no-console': 'error',
      // `void promise` says that nobody waits for it: checked by no-floating-promises.
      '@typescript-eslint/consistent-type-imports': ['error', { disallowTypeAnnotations: false }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrors: 'none' }],
    },
  },
  {
    files: ['src-*/**/*.ts', 'scripts/**/*.ts', 'test/**/*.ts', 'bench/**/*.ts'],
    ignores: ['**/*.svelte.ts'],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/only-throw-error': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    },
  },
  {
    files: ['src-renderer/**/*.{ts,svelte}'],
    languageOptions: { globals: { ...globals.browser } },
  },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: { parserOptions: { parser: ts.parser, extraFileExtensions: ['.svelte'], svelteConfig } },
    // The compiler knows runes, which the first two would report; the last cannot tell a local Set or Date from shown state.
    rules: { 'prefer-const': 'off', 'no-undef': 'off', 'svelte/no-at-html-tags': 'error', 'svelte/prefer-svelte-reactivity': 'off' },
  },
  // -- layers
  {
    files: ['src-*/**/*.{ts,svelte}'],
    plugins: { boundaries },
    settings: {
      'import/resolver': { node: { extensions: ['.ts', '.svelte', '.js'] } },
      'boundaries/elements': [
        { type: 'shared', pattern: 'src-shared' },
        { type: 'renderer', pattern: 'src-renderer' },
        { type: 'services', pattern: 'src-main/core/services' },
        { type: 'adapter', pattern: 'src-main/core/adapters/*', capture: ['adapter'] },
        { type: 'core', pattern: 'src-main/core' },
        { type: 'shell', pattern: 'src-main' },
      ],
      'boundaries/files': [
        { category: 'ports', pattern: ['src-main/core/ports.ts', 'src-main/core/ports/*.ts'] },
        { category: 'entry', pattern: 'src-main/core/entry.ts' },
      ],
    },
    rules: {
      'boundaries/dependencies': [
        'error',
        {
          default: 'disallow',
          policies: [
            mayImport('shared', ['shared']),
            mayImport('renderer', ['renderer', 'shared']),
            mayImport('services', ['services', 'shared']),
            mayImport('adapter', ['shared']),
            {
              from: element('adapter'),
              allow: { to: { element: { type: 'adapter', captured: { adapter: '{{ from.element.captured.adapter }}' } } } },
            },
            // How any of them finds the file of a thread of its own.
            { from: element('adapter'), allow: { to: { element: { type: 'adapter', captured: { adapter: 'threads' } } } } },
            { from: { element: { types: { anyOf: ['services', 'adapter'] } } }, allow: { to: { file: { categories: 'ports' } } } },
            // core.ts puts everything together, rpc and the command line call services.
            mayImport('core', ['core', 'services', 'adapter', 'shared']),
            {
              from: { file: { categories: 'ports' } },
              disallow: { to: { element: { types: { anyOf: ['core', 'services', 'adapter'] } } } },
            },
            mayImport('shell', ['shell', 'shared']),
            // The shell knows of the core only what they say to each other.
            { from: element('shell'), allow: { to: { file: { categories: 'entry' } } } },
            { allow: { to: { module: { origin: ['external', 'core'] } } } },
          ],
        },
      ],
    },
  },
  // -- who may import which library
  { files: ['src-main/core/**/*.ts'], rules: { 'no-restricted-imports': coreRestrictions(null) } },
  ...libraryHomes.map(({ folder }) => ({ files: [`${folder}/**/*.ts`], rules: { 'no-restricted-imports': coreRestrictions(folder) } })),
  {
    files: ['src-main/core/services/**/*.ts'],
    rules: {
      'no-restricted-imports': restrict([
        [electron, 'The core runs without Electron.'],
        [[...node, ...libraryHomes.flatMap(({ patterns }) => patterns)], 'Services reach the outside through ports.ts only.'],
      ]),
    },
  },
  {
    files: ['src-main/*.ts'],
    rules: { 'no-restricted-imports': restrict([[libraryHomes.flatMap(({ patterns }) => patterns), 'The shell relays; the core works.']]) },
  },
  {
    files: ['src-shared/**/*.ts', 'src-renderer/**/*.{ts,svelte}'],
    rules: {
      'no-restricted-imports': restrict([
        [electron, 'Screens and shared code know no Electron.'],
        [node, 'Screens and shared code know no Node.'],
        [libraryHomes.flatMap(({ patterns }) => patterns), 'Only the core works with this library.'],
      ]),
    },
  },
  {
    files: ['src-renderer/**/*.{ts,svelte}'],
    rules: {
      'no-restricted-globals': ['error', 'process', 'require', 'Buffer', '__dirname', 'localStorage', 'sessionStorage', 'indexedDB'],
    },
  },
  // -- programs that speak to a terminal
  { files: ['scripts/**/*.ts', 'bench/**/*.ts', 'src-main/core/admin.ts', 'test/**/*.ts'], rules: { 'no-console': 'off' } },
);
