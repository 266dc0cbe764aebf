/** Migrations of workstation.db in order. */
import type { Migration } from '../../migrate.ts';
import { initial } from './0001-initial.ts';
import { withdrawal } from './0002-withdrawal.ts';
import { blockTimes } from './0003-block-times.ts';
import { peers } from './0004-peers.ts';
import { predecessor } from './0005-predecessor.ts';
import { availability } from './0006-availability.ts';
import { pins } from './0007-pins.ts';
import { kindsOfCopies } from './0008-kinds-of-copies.ts';
import { uncheckedCommits } from './0009-unchecked-commits.ts';

export const workstationMigrations: readonly Migration[] = [
  initial,
  withdrawal,
  blockTimes,
  peers,
  predecessor,
  availability,
  pins,
  kindsOfCopies,
  uncheckedCommits,
];
