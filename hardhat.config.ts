/** Tests the contracts (`contracts/test`), offline: the compiler is the npm package `solc`. */
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { defineConfig } from 'hardhat/config';
import { compilerSettings, compilerVersion } from './contracts/compiler-settings.ts';

const require = createRequire(import.meta.url);

const compiler = { version: compilerVersion, path: require.resolve('solc/soljson.js') };
/** The tests take the contracts' bytes from the artifacts, so they themselves need not be optimized: that takes minutes. */
const testSettings = { evmVersion: compilerSettings.evmVersion };
const testFiles = readdirSync(new URL('contracts/test', import.meta.url))
  .filter((name) => name.endsWith('.t.sol'))
  .map((name) => `contracts/test/${name}`);

export default defineConfig({
  paths: {
    sources: 'contracts/src',
    tests: { solidity: 'contracts/test' },
    artifacts: 'contracts/artifacts',
    cache: 'contracts/cache',
  },
  solidity: {
    compilers: [{ ...compiler, settings: compilerSettings }],
    overrides: Object.fromEntries(testFiles.map((file) => [file, { ...compiler, settings: testSettings }])),
  },
  test: {
    solidity: {
      fuzz: { runs: 64 },
      invariant: { runs: 16, depth: 24, failOnRevert: true },
    },
  },
});
