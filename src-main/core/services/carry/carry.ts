/** What is carried by hand between workstations that no network joins: written, taken in, and both in slices for a screen. */
import type { CarPort, IpfsPort, OperationCodecPort, RecordCryptoPort, WorkstationStorePort } from '../../ports.ts';
import type { FactBus } from '../facts.ts';
import type { NetworkService } from '../network.ts';
import type { Neighbourhood } from '../peers/neighbourhood.ts';
import { createCarryIn, type CarryIn } from './carry-in.ts';
import { createCarryOut, type CarryOut } from './carry-out.ts';
import { createCarrySlices, type CarrySlices } from './carry-slices.ts';

export interface Carry {
  readonly out: CarryOut;
  readonly in: CarryIn;
  readonly slices: CarrySlices;
}

export function createCarry(deps: {
  readonly store: WorkstationStorePort;
  readonly ipfs: IpfsPort;
  readonly car: CarPort;
  readonly crypto: RecordCryptoPort;
  readonly codec: OperationCodecPort;
  readonly network: NetworkService;
  readonly neighbourhood: Pick<Neighbourhood, 'arrivals' | 'fetcher'>;
  readonly facts: FactBus;
  readonly clock: () => number;
}): Carry {
  const { neighbourhood, ...rest } = deps;
  const carryOut = createCarryOut(rest);
  const carryIn = createCarryIn({ ...rest, arrivals: neighbourhood.arrivals, fetcher: neighbourhood.fetcher });
  return { out: carryOut, in: carryIn, slices: createCarrySlices({ carryOut, carryIn, facts: rest.facts }) };
}
