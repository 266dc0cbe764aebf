/** Migrations of workstation.db in order. */
import type { Migration } from '../../migrate.ts';
import { initial } from './0001-initial.ts';
import { peers } from './0002-peers.ts';

export const workstationMigrations: readonly Migration[] = [initial, peers];
