/**
 * Workstations under random faults: two to four of them, real but for their blocks (which lie in memory) and their ledger's behaviour, with partitions,
 * lost answers, reorganizations, clocks that are off and kills, then everything heals. All come to the same state; nothing that was acknowledged is lost or
 * anchored twice; nobody reads what they should not. MODEL_RUNS and MODEL_SEED choose how many and which (`npm run soak -- --only model`).
 */
import { histories } from './model/histories.ts';

histories(1);
