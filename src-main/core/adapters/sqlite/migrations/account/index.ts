/** Migrations of an account's index in order. */
import type { Migration } from '../../migrate.ts';
import { initial } from './0001-initial.ts';
import { conflicts } from './0002-conflicts.ts';

export const accountMigrations: readonly Migration[] = [initial, conflicts];
