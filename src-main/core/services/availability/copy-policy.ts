/**
 * How many copies of its records a clinic wants: an admin's signed statement, which its computers hand to each other, as they do vouchers. It decides what is
 * warned of and what may be dropped, not who holds what: all computers of a clinic fetch all that is the clinic's.
 */
import { z } from 'zod';
import { AppError } from '../../../../src-shared/errors.ts';
import type { OperationCodecPort, RecordCryptoPort, WorkstationStorePort } from '../../ports.ts';
import { utf8 } from '../bytes.ts';
import type { Directory } from '../directory.ts';
import type { Session } from '../sessions.ts';

export const maxCopies = 9;
/** This computer's and one other. */
const usualCopies = 2;
const setting = 'availability.policy';

const statement = z.strictObject({
  organization: z.string().regex(/^0x[0-9a-f]{64}$/),
  /** In all, this computer's included. */
  copies: z.number().int().min(1).max(maxCopies),
  sequence: z.number().int().min(0).max(1_000_000),
  by: z.string().regex(/^0x[0-9a-fA-F]{40}$/),
  signature: z.string().regex(/^0x[0-9a-fA-F]{130}$/),
});
type Statement = z.infer<typeof statement>;

export interface CopyPolicy {
  wanted(): number;
  /** By an admin. Throws NOT_SET_UP. */
  set(session: Session, copies: number): void;
  /** For other computers of the clinic; null while nobody has said anything. */
  toShow(): Statement | null;
  /** What another computer showed. Answers whether it counts from now on. */
  learn(shown: unknown): boolean;
}

export function createCopyPolicy(deps: {
  readonly store: WorkstationStorePort;
  readonly codec: OperationCodecPort;
  readonly crypto: RecordCryptoPort;
  readonly directory: Directory;
  readonly organization: () => string | null;
  /** Id of the network to which an organization's own is bound. */
  readonly networkOf: (organization: string) => string;
}): CopyPolicy {
  const { store, codec, crypto, directory } = deps;

  const digestOf = ({ organization, copies, sequence, by }: Omit<Statement, 'signature'>) =>
    crypto.sha256(utf8(['anamnesis/copies/1', deps.networkOf(organization), organization, copies, sequence, by.toLowerCase()].join('\n')));

  const isInForce = (said: Statement): boolean => {
    const signer = codec.recover(digestOf(said), said.signature);
    const isByWhomItNames = signer !== null && (directory.accountOf(signer) ?? signer) === said.by;
    return said.organization === deps.organization() && isByWhomItNames && directory.roles(said.organization, said.by).includes('admin');
  };

  const kept = (): Statement | null => store.setting<Statement>(setting) ?? null;

  return {
    wanted() {
      const said = kept();
      return said && said.organization === deps.organization() ? said.copies : usualCopies;
    },
    set({ keys, account }, copies) {
      const organization = deps.organization();
      if (organization === null) throw new AppError('NOT_SET_UP', 'This workstation is not set up yet.');
      const unsigned = { organization, copies, sequence: (kept()?.sequence ?? -1) + 1, by: account };
      store.setSetting(setting, { ...unsigned, signature: keys.sign(digestOf(unsigned), directory.signer(account)) } satisfies Statement);
    },
    toShow: kept,
    learn(shown) {
      const parsed = statement.safeParse(shown);
      if (!parsed.success) return false;
      const [next, before] = [parsed.data, kept()];
      const isNewer =
        before === null ||
        next.sequence > before.sequence ||
        (next.sequence === before.sequence && next.signature < before.signature) ||
        before.organization !== next.organization;
      if (!isNewer || !isInForce(next)) return false;
      store.setSetting(setting, next);
      return true;
    },
  };
}
