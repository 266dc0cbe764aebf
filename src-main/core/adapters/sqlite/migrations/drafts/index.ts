/** Migrations of an account's drafts in order. */
import type { Migration } from '../../migrate.ts';
import { initial } from './0001-initial.ts';

export const draftMigrations: readonly Migration[] = [initial];
