/** Tests the contracts (`contracts/test`), offline: the compiler is the npm package `solc`. */
import { createRequire } from 'node:module';
import { defineConfig } from 'hardhat/config';
import { compilerSettings, compilerVersion } from './contracts/compiler-settings.ts';

const require = createRequire(import.meta.url);

export default defineConfig({
  paths: {
    sources: 'contracts/src',
    tests: { solidity: 'contracts/test' },
    artifacts: 'contracts/artifacts',
    cache: 'contracts/cache',
  },
  solidity: {
    compilers: [{ version: compilerVersion, path: require.resolve('solc/soljson.js'), settings: compilerSettings }],
  },
  test: {
    solidity: {
      fuzz: { runs: 64 },
      invariant: { runs: 16, depth: 24, failOnRevert: true },
    },
  },
});
