/**
 * `deploy`: puts the contracts onto a consortium's ledger for the governors that it names, at the address that follows from these alone. Works on no data
 * folder, and may be repeated: what is there already is left alone.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { AppError } from '../../../src-shared/errors.ts';
import type { CommandResult } from './commands.ts';

export interface DeployInput {
  readonly endpoint: string | undefined;
  readonly chain: string | undefined;
  readonly governors: readonly string[];
  readonly threshold: string | undefined;
  /** Where the first invitation to the network is written. */
  readonly invitation: string | undefined;
}

type DeployContracts = (
  url: string,
  chainId: number,
  governors: readonly string[],
  threshold: number,
) => Promise<{ chainId: number; operations: string }>;

const wholeNumber = /^[1-9][0-9]{0,14}$/;

export async function deploy(
  { endpoint, chain, governors, threshold, invitation }: DeployInput,
  contracts: DeployContracts,
  invite: (ledger: { chainId: number; operations: string; endpoint: string }) => string,
): Promise<CommandResult> {
  if (endpoint === undefined || !/^https?:\/\/[^\s]+$/.test(endpoint))
    throw wrong('--endpoint <url> of the ledger is missing, or is no http address.');
  // Said by the person and compared with what answers: contracts on the wrong ledger would be there for good.
  if (chain === undefined || !wholeNumber.test(chain)) throw wrong('--chain <number> is missing: the id of the chain that is meant.');
  if (governors.length === 0) throw wrong('--governor <0x…> is missing: once for each account that is to govern.');
  if (threshold === undefined || !wholeNumber.test(threshold))
    throw wrong('--threshold <number> is missing: how many governors must sign.');
  if (invitation !== undefined && existsSync(invitation))
    throw wrong(
      `${invitation} is there already: there is one first invitation to a network, with its keys, and every clinic comes in by it.`,
    );
  const deployed = await contracts(endpoint, Number(chain), governors, Number(threshold));
  // It contains the network's keys.
  if (invitation !== undefined) writeFileSync(invitation, `${invite({ ...deployed, endpoint })}\n`, { mode: 0o600, flag: 'wx' });
  return { output: { ...deployed, governors, threshold: Number(threshold), ...(invitation === undefined ? {} : { invitation }) } };
}

const wrong = (what: string) => new AppError('INVALID_INPUT', `${what} Nothing was set up.`, { usage: true });
