/** What a group of call handlers looks like: one function per call, over its parsed input. */
import type { CallName, CallOutput, CallParsed } from '../../src-shared/ipc-schema.ts';

export type Handlers<N extends CallName> = { readonly [K in N]: (input: CallParsed<K>) => CallOutput<K> | Promise<CallOutput<K>> };
