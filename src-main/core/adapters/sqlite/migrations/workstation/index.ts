/** Migrations of workstation.db in order. */
import type { Migration } from '../../migrate.ts';
import { initial } from './0001-initial.ts';
import { withdrawal } from './0002-withdrawal.ts';
import { predecessor } from './0003-predecessor.ts';

export const workstationMigrations: readonly Migration[] = [initial, withdrawal, predecessor];
