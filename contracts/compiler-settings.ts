/** Settings of the Solidity compiler: one place, because the bytes it makes decide the contracts' addresses. */

export const compilerVersion = '0.8.37';

export const compilerSettings = {
  evmVersion: 'cancun',
  optimizer: { enabled: true, runs: 10_000 },
  viaIR: true,
  // Addresses follow from the bytes (CREATE2), so the bytes must follow from the source alone.
  metadata: { bytecodeHash: 'none', appendCBOR: false },
};
