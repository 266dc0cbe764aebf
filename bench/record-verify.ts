/**
 * `record-verify`: records checked per second in the check of a whole chart of 1,000 records (`chart.verify`): blocks read and hashed, signatures recovered, entries
 * and contents decrypted, consent replayed. Limit: the same blocks read from SQLite and hashed, one signature recovered a commit, as many bytes decrypted,
 * without anything around them. Ratio: value/limit.
 */
import { createHash } from 'node:crypto';
import { cheapPassphrase, foundClinic, openWorkstation, passphrase, unplugLedger } from './lib/clinic.ts';
import { anchorAll } from './lib/anchors.ts';
import { fillChart } from './lib/chart.ts';
import { figure, median, say, timed } from './lib/figure.ts';
import { temporaryFolder } from './lib/folder.ts';
import { decryptRaw, openRawTable, recoverRaw, sealOnce, signRecoverable } from './lib/raw-parts.ts';

const rounds = 6;

await figure('record-verify', async () => {
  const dir = temporaryFolder();
  const account = await foundClinic(dir, cheapPassphrase);
  unplugLedger(dir);
  const w = await openWorkstation(dir, cheapPassphrase);
  await w.ask('session.logIn', { account, passphrase });
  const patient = await fillChart(w);
  const { store, codec, crypto, ipfs } = w.core.workstation;
  anchorAll(store.workstation);
  const commits = store.workstation.operations({ kinds: ['Commit'], patient });
  const blocks: Uint8Array[] = [];
  for (const { operation } of commits) {
    const decoded = codec.decodePayload(operation);
    if (decoded.kind !== 'Commit') continue;
    const bytes = await ipfs.get(crypto.cidOfDigest(decoded.payload.commit), { offline: true });
    const { pack } = crypto.decodeCommit(bytes);
    blocks.push(bytes);
    if (pack !== null) blocks.push(await ipfs.readFile(pack, { offline: true }));
  }
  const table = openRawTable();
  table.commit(blocks);
  const digest = new Uint8Array(32).fill(1);
  const signature = signRecoverable(digest);
  const size = Math.ceil(blocks.reduce((sum, { length }) => sum + length, 0) / 1000);
  const ciphertext = sealOnce(new Uint8Array(size));
  const values: number[] = [];
  const limits: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    let checked = 0;
    const ms = await timed(async () => {
      const report = await w.ask('chart.verify', { patient, offline: true });
      if (report.failures.length > 0 || report.verified !== report.records) throw new Error('The chart did not hold');
      checked = report.records;
    });
    const rawMs = await timed(() => {
      for (const bytes of table.read()) createHash('sha256').update(bytes).digest();
      for (let i = 0; i < commits.length; i++) recoverRaw(digest, signature);
      for (let i = 0; i < checked; i++) decryptRaw(ciphertext);
    });
    // The first round warms up.
    if (round === 0) continue;
    values.push((checked / ms) * 1000);
    limits.push((checked / rawMs) * 1000);
    say(`round ${round}: ${checked} records in ${ms.toFixed(0)} ms, raw ${rawMs.toFixed(0)} ms; ${commits.length} commits`);
  }
  table.close();
  await w.stop();
  return { value: median(values), unit: 'resources/s', limit: median(limits) };
});
