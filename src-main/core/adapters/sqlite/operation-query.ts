/** An OperationFilter as SQL. The index is named, because SQLite without statistics cannot know which column is selective. */
import { AppError } from '../../../../src-shared/errors.ts';
import { operationKinds } from '../../../../src-shared/operations.ts';
import type { OperationFilter, OperationState } from '../../ports.ts';
import { bytesOfHex } from './bytes.ts';

/** Text and parameters of a condition; the text is the same for all filters of one shape, so statements can be cached by it. */
export interface OperationQuery {
  readonly from: string;
  readonly order: string;
  readonly parameters: readonly unknown[];
}

/** Columns with an index of their own, the most selective first. */
const indexed = ['digest', 'compartment', 'patient', 'grantee', 'member', 'actor', 'organization'] as const;
const textual: ReadonlySet<string> = new Set(['patient', 'member', 'actor']);
const states: readonly OperationState[] = ['pending', 'submitted', 'mined', 'final', 'rejected'];

const orders = {
  seq: { up: 'ORDER BY seq', down: 'ORDER BY seq DESC' },
  sending: { up: 'ORDER BY coalesce(send_order, seq)', down: 'ORDER BY coalesce(send_order, seq) DESC' },
  ledger: { up: 'ORDER BY block IS NULL, block, log_index, seq', down: 'ORDER BY block IS NOT NULL, block DESC, log_index DESC, seq DESC' },
} as const;

/** @throws AppError INVALID_INPUT for malformed ids and unknown states. */
export function operationQuery(filter: OperationFilter): OperationQuery {
  const conditions: string[] = [];
  const parameters: unknown[] = [];
  const driver = indexed.find((column) => filter[column] !== undefined);
  for (const column of indexed) {
    const value = filter[column];
    if (value === undefined) continue;
    conditions.push(`${column} = ?`);
    parameters.push(textual.has(column) ? value : bytesOfHex(value, column, 32));
  }
  const [kind, ...otherKinds] = filter.kinds ?? [];
  if (kind !== undefined && otherKinds.length === 0) {
    // With one kind the indexes are in the order of seq, so that the newest one is read without the others.
    conditions.push('kind = ?');
    parameters.push(operationKinds[kind].code);
  } else if (filter.kinds !== undefined) {
    conditions.push(`kind IN (SELECT value FROM json_each(?))`);
    parameters.push(JSON.stringify(filter.kinds.map((kind) => operationKinds[kind].code)));
  }
  if (filter.states !== undefined) {
    if (!filter.states.every((state) => states.includes(state)))
      throw new AppError('INVALID_INPUT', 'There is no such state of an operation.');
    const [state, ...others] = filter.states;
    const single = state !== undefined && others.length === 0;
    conditions.push(single ? 'state = ?' : 'state IN (SELECT value FROM json_each(?))');
    parameters.push(single ? state : JSON.stringify(filter.states));
  }
  if (filter.origin !== undefined) {
    // In the text, not as a parameter: only so can the partial index serve it.
    conditions.push(filter.origin === 'here' ? `origin = 'here'` : `origin = 'ledger' AND from_peer = ${filter.origin === 'peer' ? 1 : 0}`);
  }
  if (filter.predecessor !== undefined) {
    conditions.push('predecessor = ?');
    parameters.push(bytesOfHex(filter.predecessor, 'predecessor', 32));
  }
  if (filter.afterSeq !== undefined) {
    conditions.push('seq > ?');
    parameters.push(filter.afterSeq);
  }
  if (filter.beforeSeq !== undefined) {
    conditions.push('seq < ?');
    parameters.push(filter.beforeSeq);
  }
  const where = conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`;
  return {
    from: `FROM operations${hint(filter, driver)}${where}`,
    order: orders[filter.order ?? 'ledger'][filter.descending ? 'down' : 'up'],
    parameters,
  };
}

function hint(filter: OperationFilter, driver: (typeof indexed)[number] | undefined): string {
  // Few operations are ever refused, while one person may have signed tens of thousands.
  if (driver !== 'digest' && filter.states?.length === 1 && filter.states[0] === 'rejected') return ' INDEXED BY operations_state';
  if (filter.order === 'sending' && filter.states?.length === 1) return ' INDEXED BY operations_sending';
  if (driver !== undefined) return ` INDEXED BY operations_${driver}`;
  if (filter.origin === 'here' && filter.kinds === undefined) {
    return filter.states === undefined ? ' INDEXED BY operations_made' : ' INDEXED BY operations_here';
  }
  // Of one kind in the order of seq: its index has the seq behind it.
  if (filter.kinds?.length === 1 && filter.order === 'seq') return ' INDEXED BY operations_kind';
  // "What came after": the rowid. It is also the order asked for.
  if (filter.afterSeq !== undefined) return ' NOT INDEXED';
  if (filter.kinds !== undefined) return ' INDEXED BY operations_kind';
  return '';
}
