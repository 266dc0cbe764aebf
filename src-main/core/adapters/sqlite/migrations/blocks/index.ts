/** Migrations of blocks.db in order. */
import type { Migration } from '../../migrate.ts';
import { initial } from './0001-initial.ts';

export const blockMigrations: readonly Migration[] = [initial];
