/** Migrations of workstation.db in order. */
import type { Migration } from '../../migrate.ts';
import { initial } from './0001-initial.ts';
import { blockTimes } from './0002-block-times.ts';

export const workstationMigrations: readonly Migration[] = [initial, blockTimes];
