/**
 * The first block of a consortium's ledger (Hyperledger Besu, QBFT): the template of `deploy/` with a chain's id and the first validators, each of whom made
 * its key on its own machine. Besu's own generator would make all keys in one place.
 */
import { encodeRlp, getAddress, isAddress } from 'ethers';
import { AppError } from '../../../../src-shared/errors.ts';

/** QBFT goes on while more than two thirds of the validators work: with fewer than four, every one of them must. */
const fewestValidators = 4;
const mostValidators = 100;

export interface GenesisInput {
  /** Text of deploy/genesis.json. */
  readonly template: string;
  readonly chainId: number;
  /** Accounts of the nodes' keys. */
  readonly validators: readonly string[];
}

/** Text of the genesis file: the same, in whatever order validators are named. Throws INVALID_INPUT for validators that cannot start a network. */
export function qbftGenesis({ template, chainId, validators }: GenesisInput): string {
  if (!validators.every((validator) => isAddress(validator))) throw wrong('A validator is no account (0x and 40 hex digits).');
  const accounts = validators.map((validator) => getAddress(validator).toLowerCase()).sort();
  if (new Set(accounts).size !== accounts.length) throw wrong('A validator is named twice.');
  if (accounts.length < fewestValidators || accounts.length > mostValidators) {
    throw wrong(`A network starts with ${fewestValidators} to ${mostValidators} validators: with fewer, it stands still when one is away.`);
  }
  const genesis = JSON.parse(template) as { config: Record<string, unknown> };
  return `${JSON.stringify({ ...genesis, config: { ...genesis.config, chainId }, extraData: qbftExtraData(accounts) }, null, 2)}\n`;
}

/** Extra data of a QBFT genesis block's header: RLP of 32 bytes of vanity, validators, no vote, round 0, no seals (Besu, "Configure QBFT consensus"). */
export function qbftExtraData(validators: readonly string[]): string {
  return encodeRlp([`0x${'00'.repeat(32)}`, [...validators], [], '0x', []]);
}

const wrong = (what: string) => new AppError('INVALID_INPUT', `${what} No file was written.`, { usage: true });
