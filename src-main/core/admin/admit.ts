/**
 * `admit`: one governor's signature under the admission of a clinic. Governors of a network that several of them govern sign one after the other, each on a
 * computer of their own, and hand a file on; the one with whom they are enough sends it to the ledger. Works on no data folder.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { AppError } from '../../../src-shared/errors.ts';
import { operationKinds, type OperationKind, type OperationPayload, type SignedOperation } from '../../../src-shared/operations.ts';
import type { KeyPort, LedgerPort, NetworkConfig, OperationCodecPort, PersonKeys, RecordCryptoPort } from '../ports.ts';
import { admissionOf, moveSeconds, readAdmissionRequest, type AdmissionRequest } from '../services/admission-request.ts';
import { hexOf } from '../services/bytes.ts';
import { readInvitation } from '../services/network.ts';
import type { CommandResult } from './commands.ts';

const prefix = 'ANAM-ADMISSION';
/** Signed by the first, the others have half a year. */
const lifetimeSeconds = 180 * 86_400;
const anchoringLimitMs = 60_000;

const operation = z.strictObject({
  kind: z.number().int(),
  opId: z.string().regex(/^0x[0-9a-f]{64}$/),
  actor: z.string().regex(/^0x[0-9a-fA-F]{40}$/),
  issuedAt: z.number().int().min(0),
  deadline: z.number().int().min(0),
  payload: z
    .string()
    .max(4096)
    .regex(/^0x[0-9a-f]*$/),
  signatures: z
    .array(z.string().regex(/^0x[0-9a-f]{130}$/))
    .min(1)
    .max(16),
});
const proposal = z.strictObject({ v: z.literal(1), request: z.string().max(40_000), operations: z.array(operation).min(1).max(2) });

export interface AdmitInput {
  /** A clinic's request code, or what the governor before wrote. */
  readonly file: string | undefined;
  readonly invitation: string | undefined;
  readonly keystore: string | undefined;
  readonly passphrase: string | undefined;
  readonly out: string | undefined;
}

export interface AdmitPorts {
  readonly codec: OperationCodecPort;
  readonly crypto: RecordCryptoPort;
  readonly keys: Pick<KeyPort, 'fromKeystore'>;
  readonly ledger: LedgerPort;
  /** Milliseconds. */
  readonly clock: () => number;
}

/** Throws INVALID_INPUT (usage), CODE_INVALID, WRONG_CREDENTIALS, NOT_ALLOWED for whoever does not govern, and what the ledger throws. */
export async function admit(input: AdmitInput, ports: AdmitPorts): Promise<CommandResult> {
  const { codec, crypto, ledger } = ports;
  const given = needed(input);
  const network = readInvitation(crypto, text(given.invitation));
  const config: NetworkConfig = { chainId: network.chainId, operations: network.operations };
  const code = text(given.file);
  const before = code.startsWith(prefix) ? readProposal(crypto, code) : null;
  const request = readAdmissionRequest(codec, crypto, before?.request ?? code);
  const governor = await ports.keys.fromKeystore(text(given.keystore), given.passphrase);
  try {
    ledger.connect(network.endpoint, config);
    await ledger.check();
    const { governors, threshold } = await ledger.governance();
    if (!governors.includes(governor.account)) {
      const who = `The account of this keystore (${governor.account}) does not govern the network. Nothing was signed.`;
      throw new AppError('NOT_ALLOWED', who, { governors: governors.join(' ') });
    }
    const seconds = Math.floor(ports.clock() / 1000);
    // Looked at before anything is signed.
    if (before) expectWanted(codec, crypto, request, before.operations, seconds);
    const operations = before
      ? before.operations.map((one) => furtherSigned(codec, config, one, { governor, governors }))
      : wanted(codec, crypto, request, seconds).map((one) => firstSigned(ports, config, one, governor, seconds));
    const signed = operations[0]?.signatures.length ?? 0;
    const next = crypto.encodeCode(prefix, { v: 1, request: before?.request ?? code, operations });
    // Before it is sent: a signature is not lost because the ledger does not answer.
    if (input.out !== undefined) writeFileSync(input.out, `${next}\n`);
    const clinic = crypto.decodeProfile(request.profile).name;
    const found = { clinic, organization: request.organization, signed, threshold };
    if (signed < threshold) {
      if (input.out === undefined) return { output: null, raw: `${next}\n` };
      return { output: { ...found, admitted: false, file: input.out } };
    }
    await send(ports, operations);
    return { output: { ...found, admitted: true } };
  } finally {
    governor.destroy();
    ledger.close();
  }
}

function needed({ file, invitation, keystore, passphrase }: AdmitInput) {
  const usage = (what: string) => new AppError('INVALID_INPUT', `${what} Nothing was signed.`, { usage: true });
  if (file === undefined) throw usage('The file with the request code, or with what the governor before signed, is missing.');
  if (invitation === undefined) throw usage('--invitation <file> is missing: an invitation to the network.');
  if (keystore === undefined) throw usage('--keystore <file> is missing: the governor’s key as a V3 keystore.');
  if (passphrase === undefined) throw usage('--passphrase-file <file> is missing: the password of the keystore.');
  return { file, invitation, keystore, passphrase };
}

const text = (file: string): string => readFileSync(file, 'utf8').trim();

function readProposal(crypto: RecordCryptoPort, code: string) {
  const parsed = proposal.safeParse(crypto.decodeCode(prefix, code));
  if (parsed.success) return parsed.data;
  throw new AppError(
    'CODE_INVALID',
    'This is no admission of this version. Ask the governor before for the file again; nothing was signed.',
  );
}

interface Wanted {
  readonly kind: OperationKind;
  readonly fields: Readonly<Record<string, unknown>>;
  /** `abi.encode` of the fields. */
  readonly payload: string;
}

function wanted(codec: OperationCodecPort, crypto: RecordCryptoPort, request: AdmissionRequest, seconds: number): Wanted[] {
  const make = <K extends OperationKind>(kind: K, fields: OperationPayload<K>): Wanted => ({
    kind,
    fields: { ...fields },
    payload: codec.encodePayload(kind, fields),
  });
  const { organization, predecessor } = request;
  const admission = make('AdmitOrganization', admissionOf(crypto, request));
  if (predecessor === null) return [admission];
  const acceptedUntil = seconds + moveSeconds;
  return [admission, make('RecognizePredecessor', { organization, domain: predecessor, acceptedUntil })];
}

/** The operations are the request's, whoever wrote the file: nobody signs anything else with it. */
function expectWanted(
  codec: OperationCodecPort,
  crypto: RecordCryptoPort,
  request: AdmissionRequest,
  operations: readonly SignedOperation[],
  seconds: number,
): void {
  const expected = wanted(codec, crypto, request, seconds);
  const same = operations.every((one, i) => {
    const decoded = codec.decodePayload(one);
    const { kind, fields } = expected[i] ?? {};
    if (decoded.kind !== kind || fields === undefined) return false;
    // How long it is recognized was the first one's to say, by their clock; never longer than a day more.
    const until = 'acceptedUntil' in decoded.payload ? decoded.payload.acceptedUntil : 0;
    const limit = Number(fields['acceptedUntil'] ?? 0) + 86_400;
    return until <= limit && sameFields({ ...decoded.payload, acceptedUntil: 0 }, { ...fields, acceptedUntil: 0 });
  });
  if (same && operations.length === expected.length) return;
  throw new AppError('CODE_INVALID', 'This file holds other operations than the clinic’s admission. It was not signed.');
}

const sameFields = (a: Readonly<Record<string, unknown>>, b: Readonly<Record<string, unknown>>): boolean =>
  Object.keys(a).length === Object.keys(b).length &&
  Object.entries(a).every(([name, value]) => String(value).toLowerCase() === String(b[name]).toLowerCase());

function firstSigned(
  { codec, crypto }: AdmitPorts,
  config: NetworkConfig,
  one: Wanted,
  governor: PersonKeys,
  seconds: number,
): SignedOperation {
  const unsigned = {
    kind: operationKinds[one.kind].code,
    opId: hexOf(crypto.randomBytes(32)),
    actor: governor.account,
    issuedAt: seconds,
    deadline: seconds + lifetimeSeconds,
    payload: one.payload,
  };
  return { ...unsigned, signatures: [governor.sign(codec.digest(config, unsigned), governor.account)] };
}

function furtherSigned(
  codec: OperationCodecPort,
  config: NetworkConfig,
  { signatures, ...unsigned }: SignedOperation,
  { governor, governors }: { readonly governor: PersonKeys; readonly governors: readonly string[] },
): SignedOperation {
  const digest = codec.digest(config, unsigned);
  const signers = signatures.map((signature) => codec.recover(digest, signature));
  const isGoverned = signers.every((signer) => signer !== null && governors.includes(signer)) && signers[0] === unsigned.actor;
  if (!isGoverned || new Set(signers).size !== signers.length) {
    throw new AppError('CODE_INVALID', 'This file was changed on its way, or signed by somebody who does not govern. It was not signed.');
  }
  if (signers.includes(governor.account)) {
    throw new AppError('ALREADY_EXISTS', 'This governor has signed it already. Hand the file on to another one; nothing was changed.');
  }
  return { ...unsigned, signatures: [...signatures, governor.sign(digest, governor.account)] };
}

/** Sends it with a key that nobody needs again: gas is free on a ledger of this kind. */
async function send({ crypto, ledger, clock }: AdmitPorts, operations: readonly SignedOperation[]): Promise<void> {
  const relayer = crypto.randomBytes(32);
  const { raw, hash } = await ledger.signBatch(operations, relayer, await ledger.nonce(ledger.relayerAddress(relayer)));
  await ledger.broadcast(raw);
  const until = clock() + anchoringLimitMs;
  let receipt = await ledger.receipt(hash);
  for (; receipt === null && clock() < until; receipt = await ledger.receipt(hash)) await delay(200);
  if (receipt === null) {
    const late =
      'The ledger took the admission and has put it into no block yet. Look later whether the clinic is there, or run this again.';
    throw new AppError('LEDGER_UNREACHABLE', late, { reason: 'timeout' });
  }
  for (const { opId } of operations) {
    if ((await ledger.applied(opId)) !== null) continue;
    const refused = (await ledger.events(receipt.block, receipt.block)).find((event) => event.opId === opId);
    const why = `The ledger refused it: ${refused?.reason ?? 'unknown'}. The clinic was not admitted by this.`;
    throw new AppError('LEDGER_REFUSED', why, { reason: refused?.reason ?? 'other' });
  }
}
