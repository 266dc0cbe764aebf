/**
 * Which copies of its records a clinic wants: on how many of its own computers, whether on a hub, and whether outside the clinic. An admin's signed statement, which
 * the clinic's computers hand to each other as they do vouchers. It decides what is warned of and what may be freed, not who holds what: all computers of a
 * clinic fetch all that is the clinic's.
 */
import { z } from 'zod';
import { AppError } from '../../../../src-shared/errors.ts';
import type { WantedCopies } from '../../../../src-shared/view-types.ts';
import type { OperationCodecPort, RecordCryptoPort, WorkstationStorePort } from '../../ports.ts';
import { utf8 } from '../bytes.ts';
import type { Directory } from '../directory.ts';
import type { Session } from '../sessions.ts';

/** One disk more than this computer's: so a clinic with one computer is warned until there is a second, or it says otherwise. */
const usual: WantedCopies = { computers: 2, hub: false, outside: false };
const setting = 'availability.copyPolicy';

const statement = z.strictObject({
  organization: z.string().regex(/^0x[0-9a-f]{64}$/),
  /** Of the clinic, hubs included. */
  computers: z.number().int().min(1).max(9),
  hub: z.boolean(),
  outside: z.boolean(),
  sequence: z.number().int().min(0).max(1_000_000),
  by: z.string().regex(/^0x[0-9a-fA-F]{40}$/),
  signature: z.string().regex(/^0x[0-9a-fA-F]{130}$/),
});
type Statement = z.infer<typeof statement>;

export interface CopyPolicy {
  wanted(): WantedCopies;
  /** By an admin. Throws NOT_SET_UP. */
  set(session: Session, wanted: WantedCopies): void;
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

  const digestOf = ({ organization, computers, hub, outside, sequence, by }: Omit<Statement, 'signature'>) => {
    const said = [deps.networkOf(organization), organization, computers, hub, outside, sequence, by.toLowerCase()];
    return crypto.sha256(utf8(['anamnesis/copies/2', ...said].join('\n')));
  };

  const isInForce = (said: Statement): boolean => {
    const signer = codec.recover(digestOf(said), said.signature);
    const isByWhomItNames = signer !== null && (directory.accountOf(signer) ?? signer) === said.by;
    return said.organization === deps.organization() && isByWhomItNames && directory.roles(said.organization, said.by).includes('admin');
  };

  const kept = (): Statement | null => store.setting<Statement>(setting) ?? null;

  return {
    wanted() {
      const said = kept();
      if (!said || said.organization !== deps.organization()) return usual;
      return { computers: said.computers, hub: said.hub, outside: said.outside };
    },
    set({ keys, account }, { computers, hub, outside }) {
      const organization = deps.organization();
      if (organization === null) throw new AppError('NOT_SET_UP', 'This workstation is not set up yet.');
      const unsigned = { organization, computers, hub, outside, sequence: (kept()?.sequence ?? -1) + 1, by: account };
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
