/** `genesis`: writes the genesis file of a consortium's ledger for the validators that it names (deploy/README.md). Works on no data folder. */
import { readFileSync, writeFileSync } from 'node:fs';
import { AppError } from '../../../src-shared/errors.ts';
import type { CommandResult } from './commands.ts';

export interface GenesisCommandInput {
  readonly chain: string | undefined;
  readonly validators: readonly string[];
  readonly out: string | undefined;
  /** deploy/genesis.json. */
  readonly template: string;
}

type MakeGenesis = (input: { template: string; chainId: number; validators: readonly string[] }) => string;

export function genesis({ chain, validators, out, template }: GenesisCommandInput, make: MakeGenesis): CommandResult {
  if (chain === undefined || !/^[1-9][0-9]{0,14}$/.test(chain)) {
    const text = '--chain <number> is missing: an id that no other ledger has which these clinics use. No file was written.';
    throw new AppError('INVALID_INPUT', text, { usage: true });
  }
  const json = make({ template: readFileSync(template, 'utf8'), chainId: Number(chain), validators });
  if (out === undefined) return { output: null, raw: json };
  writeFileSync(out, json);
  return { output: { file: out, chainId: Number(chain), validators } };
}
