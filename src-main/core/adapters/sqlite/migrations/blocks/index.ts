/** Migrations of blocks.db in order. */
import type { Migration } from '../../migrate.ts';
import { initial } from './0001-initial.ts';
import { named } from './0002-named.ts';

export const blockMigrations: readonly Migration[] = [initial, named];
