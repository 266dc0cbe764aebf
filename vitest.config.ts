/**
 * Test projects: unit (pure), integration (real SQLite, Helia, Anvil), contracts (against a compiled gateway), faults (kills, partitions and lies) and e2e (whole
 * workstations in a browser or a window). `vitest run --project <name>` runs one; `scripts/test.ts` runs them in order.
 */
import { defineConfig } from 'vitest/config';

interface More {
  readonly exclude?: string[];
  readonly globalSetup?: string[];
}

const nodeProject = (name: string, include: string[], timeout: number, parallel: boolean, more: More = {}) => ({
  test: {
    name,
    include,
    ...more,
    environment: 'node',
    testTimeout: timeout,
    hookTimeout: timeout,
    fileParallelism: parallel,
    // Whole workstations are heavy: one after the other.
    ...(parallel ? {} : { sequence: { groupOrder: 1 } }),
  },
});

export default defineConfig({
  test: {
    maxWorkers: 2,
    pool: 'forks',
    projects: [
      nodeProject('unit', ['test/unit/**/*.test.ts'], 30_000, true),
      nodeProject('integration', ['test/integration/**/*.test.ts'], 60_000, true, { globalSetup: ['test/built-core.ts'] }),
      nodeProject('contracts', ['test/contracts/**/*.test.ts'], 60_000, true),
      nodeProject('faults', ['test/faults/**/*.test.ts'], 120_000, true, { globalSetup: ['test/built-core.ts'] }),
      nodeProject('e2e-browser', ['test/e2e/**/*.test.ts'], 180_000, true, { exclude: ['test/e2e/**/*.electron.test.ts'] }),
      nodeProject('e2e-electron', ['test/e2e/**/*.electron.test.ts'], 180_000, false),
    ],
  },
});
