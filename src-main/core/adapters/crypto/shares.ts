/**
 * A patient's key in three shares of which any two give it again (Shamir, GF(256)): one on the card, one in the clinic's vault, one with a
 * guardian. Interpolation cannot tell a wrong share from a right one, so each carries commitments to all three, signed by the patient's key: a
 * share that was changed or forged is known by itself, before anything is combined.
 */
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { combine, split } from 'shamir-secret-sharing';
import { AppError } from '../../../../src-shared/errors.ts';
import type { PersonKeys, ShareHolder, SharesPort } from '../../ports.ts';
import { equalBytes, fromHex, utf8, zero } from './bytes.ts';
import { decodeCbor, encodeCbor } from './cbor.ts';
import { decodeCode, encodeCode } from './code.ts';
import { tampered } from './failures.ts';
import { randomBytes, sha256 } from './hashing.ts';
import { hpkeOpen, hpkeSeal } from './hpke.ts';
import { createPersonKeys } from './person-keys.ts';
import { addressBytes, addressOf, bytes32, checkBytes, checkInteger, checkList, checkMap } from './shapes.ts';

const shareHolders: readonly ShareHolder[] = ['card', 'vault', 'guardian'];

const prefix = 'ANAM-SHARE';
const threshold = 2;
/** As on a card; after more rotations, the others come from the ledger's blocks. */
const secretsOnPaper = 4;
/** `secretsOnPaper` keys; a share has one byte more. */
const maxSecretBytes = 160;
const vaultInfo = utf8('anamnesis/vault-share/1');

interface Share {
  readonly account: string;
  readonly set: Uint8Array;
  readonly holder: ShareHolder;
  readonly share: Uint8Array;
  /** Address that signed it: the patient's key of that time, as the caller checks. */
  readonly signer: string;
}

/** The port over the functions below. */
export function createShares(): SharesPort {
  return { split: splitKeys, read: readShare, combine: combineShares, sealForVault: sealVaultShare, openFromVault: openVaultShare };
}

/** Three codes, by holder. Each reveals nothing of the key, and making them again gives a set that does not mix with the one before. */
async function splitKeys(keys: PersonKeys): Promise<Record<ShareHolder, string>> {
  const secret = keys.secret(secretsOnPaper);
  const account = addressBytes(keys.account, 'account', tampered);
  const signer = addressBytes(keys.signers.at(-1), 'signer', tampered);
  const set = randomBytes(16);
  const shares = await split(secret, shareHolders.length, threshold);
  zero(secret);
  const commitments = shares.map((share, holder) => commitmentOf(account, set, holder, share));
  const signature = fromHex(keys.sign(statementOf(account, signer, set, commitments)), 65) ?? new Uint8Array();
  const codes = shares.map((share, holder) => encodeCode(prefix, { v: 1, account, signer, set, holder, share, commitments, signature }));
  zero(...shares);
  const [card = '', vault = '', guardian = ''] = codes;
  return { card, vault, guardian };
}

/** Reads one share and checks it against what its signer signed; whether that is the patient, the caller knows. Throws CODE_INVALID. */
function readShare(code: string): Share {
  const map = checkMap(
    decodeCode(prefix, code),
    ['v', 'account', 'signer', 'set', 'holder', 'share', 'commitments', 'signature'],
    badShare,
  );
  if (map.v !== 1) throw badShare();
  const account = checkBytes(map.account, 20, 'account', badShare);
  const signer = checkBytes(map.signer, 20, 'signer', badShare);
  const set = checkBytes(map.set, 16, 'set', badShare);
  const index = checkInteger(map.holder, shareHolders.length - 1, 'holder', badShare);
  const share = checkBytes(map.share, 17, 'share', badShare, maxSecretBytes + 1);
  const commitments = checkList(map.commitments, shareHolders.length, 'commitments', badShare).map((commitment) =>
    checkBytes(commitment, 32, 'commitment', badShare),
  );
  const signature = checkBytes(map.signature, 65, 'signature', badShare);
  const committed = commitments[index];
  const holder = shareHolders[index];
  if (!holder || !committed || commitments.length !== shareHolders.length) throw badShare();
  if (!equalBytes(committed, commitmentOf(account, set, index, share))) throw badShare();
  if (signerOf(statementOf(account, signer, set, commitments), signature) !== addressOf(signer)) throw badShare();
  return { account: addressOf(account), set, holder, share, signer: addressOf(signer) };
}

/** The keys of two shares of one set. Throws CODE_INVALID. */
async function combineShares(codes: readonly [string, string]): Promise<PersonKeys> {
  const [first, second] = [readShare(codes[0]), readShare(codes[1])];
  if (first.account !== second.account) throw mismatch('They belong to different patients.');
  if (first.signer !== second.signer || !equalBytes(first.set, second.set))
    throw mismatch('They were made at different times, and only shares of one time go together.');
  if (first.holder === second.holder) throw mismatch('They are the same share twice.');
  const secret = await combine([first.share, second.share]);
  const keys = createPersonKeys(secret);
  zero(secret, first.share, second.share);
  // The key inside must be the one that signed: a forger has none that did.
  if (keys.account === first.account && keys.signers.at(-1) === first.signer) return keys;
  keys.destroy();
  throw badShare();
}

/** The vault's share, sealed to the clinic's key; bound to network, clinic and patient. */
async function sealVaultShare(
  network: string,
  organization: string,
  organizationKey: string,
  patient: string,
  code: string,
): Promise<Uint8Array> {
  const aad = vaultAad(network, organization, patient);
  const { enc, ciphertext } = await hpkeSeal(bytes32(organizationKey, 'organization key', tampered), vaultInfo, aad, utf8(code));
  return encodeCbor({ v: 1, enc, ciphertext });
}

/** Opens the vault's share with the clinic's secret key. Throws TAMPERED. */
async function openVaultShare(
  network: string,
  organization: string,
  secretKey: Uint8Array,
  patient: string,
  sealed: Uint8Array,
): Promise<string> {
  const map = checkMap(decodeCbor(sealed, 4_096, tampered), ['v', 'enc', 'ciphertext'], tampered);
  if (map.v !== 1) throw tampered('version');
  const parts = {
    enc: checkBytes(map.enc, 32, 'enc', tampered),
    ciphertext: checkBytes(map.ciphertext, 17, 'ciphertext', tampered, 4_096),
  };
  const opened = await hpkeOpen(secretKey, vaultInfo, vaultAad(network, organization, patient), parts);
  const code = new TextDecoder().decode(opened);
  zero(opened);
  return code;
}

function vaultAad(network: string, organization: string, patient: string): Uint8Array {
  return encodeCbor([
    bytes32(network, 'network', tampered),
    bytes32(organization, 'organization', tampered),
    addressBytes(patient, 'patient', tampered),
  ]);
}

function commitmentOf(account: Uint8Array, set: Uint8Array, holder: number, share: Uint8Array): Uint8Array {
  return sha256(encodeCbor(['anamnesis/share-commitment/1', account, set, holder, share]));
}

function statementOf(account: Uint8Array, signer: Uint8Array, set: Uint8Array, commitments: readonly Uint8Array[]): Uint8Array {
  return sha256(encodeCbor(['anamnesis/shares/1', account, signer, set, commitments]));
}

/** EIP-55 address that signed a digest; null for a signature that is none. */
function signerOf(digest: Uint8Array, signature: Uint8Array): string | null {
  try {
    const recovery = (signature[64] ?? 0) - 27;
    const point = secp256k1.Signature.fromBytes(signature.slice(0, 64), 'compact').addRecoveryBit(recovery).recoverPublicKey(digest);
    return addressOf(keccak_256(point.toBytes(false).subarray(1)).subarray(12));
  } catch {
    return null;
  }
}

function badShare(_what?: string, cause?: unknown): AppError {
  return new AppError(
    'CODE_INVALID',
    'This is not a share that the patient’s key signed: it was changed, or copied wrongly. Nothing was combined; use another share.',
    {},
    { cause },
  );
}

function mismatch(why: string): AppError {
  return new AppError('CODE_INVALID', `These two shares do not belong together. ${why} Nothing was combined.`);
}
