/** Of several nodes behind one address one lags: the nonce says that a transaction was carried out, and its receipt and block are not there yet. */
import { join } from 'node:path';
import { zeroPadValue } from 'ethers';
import { afterEach, expect, it } from 'vitest';
import type { LedgerHead, LedgerPort } from '../../../src-main/core/ports.ts';
import { accessBits, purposes } from '../../../src-shared/operations.ts';
import { bytes32, clinic, eventually, signed, site, workstation, type Site, type Workstation } from './site.ts';

const lagMs = 1500;

/** Head and receipts as a node has them that is behind after each transaction; the rest from one that is not. */
function lagging(ledger: LedgerPort): LedgerPort {
  let behindUntil = 0;
  let head: LedgerHead | null = null;
  const isBehind = () => Date.now() < behindUntil;
  return {
    ...ledger,
    async head() {
      if (head === null || !isBehind()) head = await ledger.head();
      return head;
    },
    receipt: async (hash) => (isBehind() ? null : ledger.receipt(hash)),
    broadcast(raw) {
      behindUntil = Date.now() + lagMs;
      return ledger.broadcast(raw);
    },
  };
}

let at: Site;
let here: Workstation;
afterEach(async () => {
  await here.close();
  await at.close();
});

it('has nothing sent a second time, which would be judged by what came after it', async () => {
  at = await site();
  const { founding, doctor, patient } = clinic(at.config);
  here = workstation({ dir: join(at.dir, 'a'), url: at.url, config: at.config, between: lagging });
  here.sync.start();
  here.enqueue(...founding);
  await eventually(() => expect(new Set(here.states(founding))).toEqual(new Set(['final'])));

  const compartment = bytes32();
  const tooEarly = signed(
    at.config,
    'Commit',
    { patient: patient.address, compartment, epoch: 0, organization: `0x${'00'.repeat(32)}`, commit: bytes32() },
    [doctor],
  );
  const grantee = zeroPadValue(doctor.address, 32).toLowerCase();
  const access = accessBits.read | accessBits.write;
  const allowed = { patient: patient.address, compartment, grantee, access, purpose: purposes.treatment, validFrom: 0, validUntil: 0 };
  const grant = signed(at.config, 'Grant', { ...allowed, epoch: 0, envelope: bytes32() }, [patient]);
  here.enqueue(tooEarly, grant);
  await eventually(() => expect(here.states([tooEarly, grant])).toEqual(['rejected', 'final']));
  await eventually(() => expect(here.store.openTransactions()).toEqual([]));
});
