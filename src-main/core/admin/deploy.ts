/**
 * `deploy`: puts the contracts onto a consortium's ledger for the governors that it names, at the address that follows from these alone. Works on no data
 * folder, and may be repeated: what is there already is left alone.
 */
import { AppError } from '../../../src-shared/errors.ts';
import type { CommandResult } from './commands.ts';

export interface DeployInput {
  readonly endpoint: string | undefined;
  readonly chain: string | undefined;
  readonly governors: readonly string[];
  readonly threshold: string | undefined;
}

type DeployContracts = (
  url: string,
  chainId: number,
  governors: readonly string[],
  threshold: number,
) => Promise<{ chainId: number; operations: string }>;

const wholeNumber = /^[1-9][0-9]{0,14}$/;

export async function deploy({ endpoint, chain, governors, threshold }: DeployInput, contracts: DeployContracts): Promise<CommandResult> {
  if (endpoint === undefined || !/^https?:\/\/[^\s]+$/.test(endpoint))
    throw wrong('--endpoint <url> of the ledger is missing, or is no http address.');
  // Said by the person and compared with what answers: contracts on the wrong ledger would be there for good.
  if (chain === undefined || !wholeNumber.test(chain)) throw wrong('--chain <number> is missing: the id of the chain that is meant.');
  if (governors.length === 0) throw wrong('--governor <0x…> is missing: once for each account that is to govern.');
  if (threshold === undefined || !wholeNumber.test(threshold))
    throw wrong('--threshold <number> is missing: how many governors must sign.');
  return {
    output: { ...(await contracts(endpoint, Number(chain), governors, Number(threshold))), governors, threshold: Number(threshold) },
  };
}

const wrong = (what: string) => new AppError('INVALID_INPUT', `${what} Nothing was set up.`, { usage: true });
