/**
 * Has what this workstation keeps pinned by a service that speaks the IPFS Pinning Service API, one by one, in an order that goes on after a kill. The service
 * fetches the blocks itself: so it has to be able to reach this network, as another clinic's hub is. What it says is a statement, like any holder's.
 */
import { AppError } from '../../../../src-shared/errors.ts';
import type { PinningView } from '../../../../src-shared/view-types.ts';
import type {
  HoldingsPort,
  IpfsPort,
  OperationCodecPort,
  PinningPort,
  PinQueuePort,
  PinState,
  PinStatus,
  RecordCryptoPort,
  WorkstationStorePort,
} from '../../ports.ts';
import { hexOf } from '../bytes.ts';
import { digestsIn } from '../peers/blocks-of.ts';

export interface Pinning {
  /** From here on, all is pinned there. The one before is forgotten. Throws INVALID_INPUT, and what asking it throws: then nothing changed. */
  use(service: { readonly name: string; readonly endpoint: string; readonly token: string }): Promise<void>;
  /** Whether this one is used already, under whatever name. */
  isUsing(service: { readonly endpoint: string; readonly token: string }): boolean;
  /** Asks it no more. What it holds stays there. */
  stopUsing(): void;
  view(): PinningView | null;
  /** Something is whole that was not, or was anchored. */
  wake(): void;
  /** As a holder. */
  name(): string;
  start(): void;
  stop(): Promise<void>;
}

interface Service {
  readonly id: string;
  readonly name: string;
  readonly endpoint: string;
  readonly token: string;
}

const setting = 'pinning.service';
const cursorSetting = 'pinning.place';
const together = 10;
const page = 200;
/** Questions of one kind in one round, of so many CIDs each: what was given together is not asked about for hours. */
const questionsPerRound = 50;
/** Between two looks at what waits with the service; it grows while nothing changes, or it is away. */
const firstPauseMs = 2_000;
const longestPauseMs = 10 * 60_000;
const askAgainAfterMs = 1_500;
const failedAgainAfterMs = 60 * 60_000;
/** Whether it still has what it had. */
const confirmAfterMs = 24 * 60 * 60_000;
const maxDials = 4;

export function createPinning(deps: {
  readonly store: WorkstationStorePort;
  readonly held: HoldingsPort;
  readonly queue: PinQueuePort;
  readonly service: PinningPort;
  readonly ipfs: Pick<IpfsPort, 'addresses' | 'dial' | 'peers'>;
  readonly crypto: RecordCryptoPort;
  readonly codec: OperationCodecPort;
  readonly clock: () => number;
  readonly onChange: () => void;
  readonly report: (error: unknown) => void;
}): Pinning {
  const { store, held, queue, service, ipfs, crypto, codec, clock } = deps;
  let timer: NodeJS.Timeout | null = null;
  let pauseMs = firstPauseMs;
  let running: Promise<void> | null = null;
  let again = false;
  let stopped = false;
  let answeredAt: number | null = null;
  let failure: string | null = null;

  const current = (): Service | null => store.setting<Service>(setting) ?? null;
  const holderOf = ({ id }: Service) => `pinning:${id}`;

  /** Puts in line what became whole since the last time. */
  const collect = async (): Promise<void> => {
    for (;;) {
      const after = store.setting<number>(cursorSetting) ?? 0;
      const changes = held.changesAfter(after, page);
      if (changes.length === 0 || stopped) return;
      const pins = changes.flatMap(({ opId, whole }) => {
        const stored = whole ? store.operation(opId) : undefined;
        return stored ? digestsIn(codec.decodePayload(stored.operation)).map((digest) => ({ opId, cid: crypto.cidOfDigest(digest) })) : [];
      });
      store.atomically(() => {
        queue.add(pins);
        store.setSetting(cursorSetting, changes.at(-1)?.place ?? after);
      });
      await new Promise((resolve) => setImmediate(resolve));
    }
  };

  /** Only those that others could dial: a loopback address of here is nobody else's, except on this computer. */
  const origins = (endpoint: string): string[] => {
    const isHere = endpoint.startsWith('http:');
    return ipfs.addresses().filter((address) => isHere || !/^\/(ip4\/127\.|ip6\/::1\/)/.test(address));
  };

  const meet = async (said: readonly PinStatus[]): Promise<void> => {
    const connected = new Set(ipfs.peers().map(({ id }) => id));
    const unknown = [...new Set(said.filter(({ status }) => status !== 'pinned').flatMap(({ delegates }) => delegates))].filter(
      (address) => !connected.has(/\/p2p\/([^/]+)$/.exec(address)?.[1] ?? ''),
    );
    for (const address of unknown.slice(0, maxDials)) {
      try {
        await ipfs.dial(address);
      } catch (error) {
        // It may still reach this one.
        if (!(error instanceof AppError)) throw error;
      }
    }
  };

  /** Answers whether something is another than it was. */
  const note = (used: Service, said: readonly { readonly cid: string; readonly state: PinState | null }[], before: string): boolean => {
    // Somebody chose another service meanwhile.
    if (current()?.id !== used.id || said.length === 0) return false;
    const changes = queue.note(said, clock());
    held.hear(
      { holder: holderOf(used), kind: 'pinning', place: 0, run: hexOf(new Uint8Array(16)), confirmedAt: clock() },
      [...changes.held.map((opId) => ({ opId, whole: true })), ...changes.lost.map((opId) => ({ opId, whole: false }))],
      false,
    );
    // The clinic's other computers hear of it with the list.
    held.retell([...changes.held, ...changes.lost]);
    deps.onChange();
    return JSON.stringify(queue.counts()) !== before;
  };

  /** What a service says of one CID, the best where it says several things. */
  const best = (said: readonly PinStatus[], cid: string): PinState | null => {
    const states = said.filter((one) => one.cid === cid).map(({ status }) => status);
    return (['pinned', 'pinning', 'queued', 'failed'] as const).find((state) => states.includes(state)) ?? null;
  };

  const send = async (used: Service): Promise<boolean> => {
    const cids = [...new Set(queue.toSend(together).map(({ cid }) => cid))];
    if (cids.length === 0) return false;
    // After a kill, or with a token that was used before, it may have some already.
    const known = await service.of(used, cids);
    for (const cid of cids) {
      if (stopped || current()?.id !== used.id) return false;
      const state = best(known, cid);
      const said = state === null || state === 'failed' ? await service.add(used, { cid, origins: origins(used.endpoint) }) : null;
      note(used, [{ cid, state: said?.status ?? state }], '');
      if (said) await meet([said]);
    }
    return true;
  };

  const lookAtSome = async (used: Service, states: readonly PinState[], olderThanMs: number): Promise<boolean> => {
    const pins = queue.toAsk(states, clock() - olderThanMs, together);
    const cids = [...new Set(pins.map(({ cid }) => cid))];
    if (cids.length === 0) return false;
    const before = JSON.stringify(queue.counts());
    const said = await service.of(used, cids);
    await meet(said);
    // What failed, or what it knows nothing of any more, is given to it again.
    const given = (state: PinState | null) => (state === 'failed' && states.includes('failed') ? null : state);
    return note(
      used,
      cids.map((cid) => ({ cid, state: given(best(said, cid)) })),
      before,
    );
  };

  /** What was said longer ago than that is asked for again. Answers whether something is another than it was. */
  const look = async (used: Service, states: readonly PinState[], olderThanMs: number): Promise<boolean> => {
    const isDue = () => queue.toAsk(states, clock() - olderThanMs, 1).length > 0;
    let moved = false;
    for (let asked = 0; asked < questionsPerRound && !stopped && current()?.id === used.id && isDue(); asked += 1)
      moved = (await lookAtSome(used, states, olderThanMs)) || moved;
    return moved;
  };

  const round = async (used: Service): Promise<void> => {
    await collect();
    let moved = false;
    while (!stopped && current()?.id === used.id && (await send(used))) moved = true;
    moved = (await look(used, ['queued', 'pinning'], askAgainAfterMs)) || moved;
    moved = (await look(used, ['failed'], failedAgainAfterMs)) || moved;
    await look(used, ['pinned'], confirmAfterMs);
    answeredAt = clock();
    failure = null;
    pauseMs = moved ? firstPauseMs : Math.min(pauseMs * 2, longestPauseMs);
  };

  const run = async (): Promise<void> => {
    const used = current();
    if (used === null) return;
    try {
      do {
        again = false;
        await round(used);
      } while (again && !stopped);
    } catch (error) {
      failure = error instanceof AppError ? error.message : 'Something went wrong inside the workstation.';
      if (!(error instanceof AppError)) deps.report(error);
      pauseMs = Math.min(pauseMs * 2, longestPauseMs);
    }
    if (stopped) return;
    deps.onChange();
    timer = setTimeout(wake, pauseMs);
    timer.unref();
  };

  const wake = () => {
    if (timer) clearTimeout(timer);
    timer = null;
    if (stopped || current() === null) return;
    if (running) again = true;
    else running = run().finally(() => (running = null));
  };

  const forget = () => {
    const used = current();
    store.atomically(() => {
      queue.clear();
      store.setSetting(setting, undefined);
      store.setSetting(cursorSetting, undefined);
    });
    if (used) held.retell(held.forget(holderOf(used)));
    [answeredAt, failure, pauseMs] = [null, null, firstPauseMs];
  };

  return {
    async use({ name, endpoint, token }) {
      const checked = service.checkEndpoint(endpoint);
      // Whether it is one, and takes the token: by a question that changes nothing.
      await service.of({ endpoint: checked, token }, [crypto.cidOfDigest(hexOf(crypto.randomBytes(32)))]);
      forget();
      store.setSetting(setting, { id: hexOf(crypto.randomBytes(8)), name, endpoint: checked, token } satisfies Service);
      wake();
    },
    isUsing({ endpoint, token }) {
      const used = current();
      return used?.endpoint === service.checkEndpoint(endpoint) && used.token === token;
    },
    stopUsing() {
      forget();
      deps.onChange();
    },
    view() {
      const used = current();
      return used && { name: used.name, endpoint: used.endpoint, ...queue.counts(), answeredAt, error: failure };
    },
    wake() {
      if (failure === null) pauseMs = firstPauseMs;
      // While it is away, the time that was set is kept.
      if (failure === null || timer === null) wake();
    },
    name: () => current()?.name ?? 'Pinning service',
    start: wake,
    async stop() {
      stopped = true;
      if (timer) clearTimeout(timer);
      await running;
    },
  };
}
