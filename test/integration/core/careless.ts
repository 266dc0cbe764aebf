/** Looks after no blocks: for workstations whose blocks are in memory, where none gets lost. */
import type { BlockCarePort } from '../../../src-main/core/ports.ts';

export const careless: BlockCarePort = {
  name: () => undefined,
  forget: () => undefined,
  blocksOf: () => [],
  isWhole: () => true,
  wanted: () => [],
  owners: () => [],
  incomplete: () => [],
  onDamaged: () => undefined,
  check: () => ({ next: null, blocks: 0, bytes: 0, damaged: 0 }),
  checkNames: () => null,
  space: () => ({ bytes: 0, free: 0 }),
  drop: () => 0,
  free: () => 0,
  sizeOf: () => 0,
  compact: () => false,
};
