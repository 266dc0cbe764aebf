/** Worker thread that recovers signers, a slice at a time (signers.ts). An entry of its own beside the core's bundle; run from source it is loaded by type stripping. */
import { parentPort } from 'node:worker_threads';
import { recoverAddress } from './recover-address.ts';

export interface SignerTask {
  readonly id: number;
  readonly signatures: readonly { readonly digest: Uint8Array; readonly signature: string }[];
}

export interface SignerAnswer {
  readonly id: number;
  readonly addresses: readonly (string | null)[];
}

const port = parentPort;
if (port === null) throw new Error('signer-worker runs as a worker thread only');

port.on('message', ({ id, signatures }: SignerTask) => {
  const addresses = signatures.map(({ digest, signature }) => recoverAddress(digest, signature));
  port.postMessage({ id, addresses } satisfies SignerAnswer);
});
