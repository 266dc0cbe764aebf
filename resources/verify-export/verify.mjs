#!/usr/bin/env node
/**
 * Checks a verifiable export of a patient's records, without the workstation that made it:
 *
 *   node verify.mjs export.json [--rpc http://ledger:8545] [--json]
 *
 * What was checked, what fails and what is missing is said in words. Exit code 0: everything holds and nothing is missing; 1: not so, or the file
 * cannot be read. docs/verifiable-export.md describes the file and what each check proves.
 */
import { readFileSync, realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bytesOf, bytesOfBase64, canonical, cidOf, equal, fail, Fault, hexOf, sha256, short, utf8 } from './lib/bytes.mjs';
import { commitCid, fileOf, openEntries, readCommit, readContent, readProfile } from './lib/commit.mjs';
import { checkCompleteness } from './lib/completeness.mjs';
import { readExport } from './lib/file.mjs';
import { connectLedger } from './lib/ledger.mjs';
import { decodePayload, digestOf, domainOf, messageDigest, named, signerOf } from './lib/operations.mjs';
import { createReplay } from './lib/replay.mjs';

const lower = (account) => account.toLowerCase();

/** What the seal is a signature of. */
export const sealText = (content) => `Anamnesis verifiable export\nsha256: ${hexOf(sha256(utf8(canonical(content))))}`;

/**
 * Checks the text of an export. `rpc`: URL of a ledger to check anchors against.
 * Returns the findings, each {level: 'holds' | 'fails' | 'missing', text}, and `ok`: everything holds, nothing is missing.
 */
export async function verifyExport(source, { rpc } = {}) {
  const findings = [];
  const say = (level, text) => findings.push({ level, text });
  const attempt = async (what, check) => {
    try {
      await check();
      return true;
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      say('fails', what === '' ? error.message : `${what}: ${error.message}.`);
      return false;
    }
  };
  await attempt('', async () => {
    const { export: content, seal } = readExport(source);
    const operations = await readOperations(content, attempt);
    const rules = createReplay(operations, hexOf(domainOf(content.network)));
    await attempt('', async () => {
      let ledger = null;
      // Without the ledger that was asked for, what can be checked without one still is.
      if (rpc !== undefined) await attempt('Ledger', async () => (ledger = await connectLedger(rpc, content.network)));
      const places = inLedgerOrder(operations);
      const anchored = ledger ? await checkAnchors(ledger, places, say, attempt) : null;
      const allowed = await replay(content, rules, places, ledger, anchored, say, attempt);
      const blocks = readBlocks(content);
      await checkContents(content, blocks, allowed, rules.homeOf(content.patient), say, attempt);
      if (ledger) await checkCompleteness(ledger, content, operations, say);
      sayLinks(content, rules, say);
      sayPlace(content, ledger, say);
    });
    checkSeal(content, seal, rules, say);
  });
  return { ok: findings.every(({ level }) => level === 'holds'), findings };
}

/** Blocks by CID, each hashed: bytes that are not what their name says do not get in. */
function readBlocks({ blocks }) {
  const checked = new Map();
  for (const [cid, base64] of Object.entries(blocks)) {
    const bytes = bytesOfBase64(base64, `block ${cid.slice(0, 80)}`);
    const digest = sha256(bytes);
    if (![0x55, 0x70, 0x71].some((codec) => cidOf(codec, digest) === cid))
      fail(`The block ${cid.slice(0, 80)} is not what its name says: it was changed.`);
    checked.set(cid, bytes);
  }
  return checked;
}

/** By the key that its account has after all that is in the file. */
function checkSeal(content, seal, rules, say) {
  const signer = signerOf(messageDigest(sealText(content)), seal.signature);
  if (signer === rules.signerFor(seal.account)) say('holds', `The file is as ${seal.account} sealed it on ${date(content.createdAt)}.`);
  else say('fails', `The file is not as ${seal.account} sealed it: something in it was changed, added or taken out.`);
  if (lower(seal.account) !== lower(content.patient) && !rules.isMember(seal.account))
    say('fails', 'Who sealed the file is neither the patient nor a member of a clinic in it.');
}

/** All operations, decoded, with the digests that were signed. */
async function readOperations({ network, operations }, attempt) {
  const domain = domainOf(network);
  const seen = new Set();
  const read = [];
  for (const operation of operations) {
    await attempt(named(operation), () => {
      if (seen.has(operation.opId)) fail('it is in the file twice');
      seen.add(operation.opId);
      const payload = decodePayload(operation.kind, operation.payload);
      const { predecessor = null } = operation;
      const digest = digestOf(predecessor === null ? domain : bytesOf(predecessor, 32), operation);
      read.push({ ...operation, payload, digest, raw: operation });
    });
  }
  return read;
}

/** Anchored ones by block and place in it, then those that still waited. Two cannot stand in one place. */
function inLedgerOrder(operations) {
  const anchored = operations.filter(({ anchor }) => anchor !== null);
  const places = new Set(anchored.map(({ anchor }) => `${anchor.block}/${anchor.logIndex}`));
  if (places.size !== anchored.length) fail('Two operations claim the same place on the ledger.');
  anchored.sort((a, b) => a.anchor.block - b.anchor.block || a.anchor.logIndex - b.anchor.logIndex);
  return [...anchored, ...operations.filter(({ anchor }) => anchor === null)];
}

/** Returns the opIds that stand on the ledger as the file says. */
async function checkAnchors(ledger, operations, say, attempt) {
  const held = new Set();
  for (const operation of operations) {
    if (operation.anchor === null) continue;
    if (await attempt(named(operation), () => ledger.checkAnchor(operation.raw))) held.add(operation.opId);
  }
  say('holds', `${held.size} operations stand on the ledger where the file says, with the same content.`);
  return held;
}

/**
 * Replays the rules; returns the commits whose authors were allowed to write them. What is not signed by whom it names counts for nothing in what follows.
 * A signature that may be an account contract's (ERC-1271) is believed where the ledger took it, and otherwise said to be open.
 */
async function replay(content, rules, operations, ledger, anchored, say, attempt) {
  const allowed = new Map();
  let contracts = 0;
  const former = new Map();
  for (const operation of operations) {
    const { kind, opId, payload, anchor } = operation;
    // A block that the ledger does not have was said to fail with its anchor.
    const time = ledger && anchor ? await ledger.timeOf(anchor.block).catch(() => operation.issuedAt) : operation.issuedAt;
    const holds = await attempt(named(operation), async () => {
      for (const { account, ordinary, text } of rules.checkSignatures(operation, payload, operation.digest)) {
        if (ledger && (account === undefined || (await ledger.isContract(account)))) {
          if (anchored.has(opId)) contracts += 1;
          else say('missing', `${named(operation)}: ${text}; its account is a contract, which the ledger did not ask about it yet.`);
        } else if (ledger || ordinary) {
          fail(ledger ? text : `${text} (were that account a contract, only a ledger could tell: give --rpc)`);
        } else {
          say(
            'missing',
            `${named(operation)}: its signature is not one of a key. If ${account ?? 'its signer'} is an account contract (ERC-1271), only a ledger can check it: give --rpc.`,
          );
        }
      }
      rules.apply(operation, payload, time);
    });
    if (holds && operation.predecessor) former.set(operation.predecessor, (former.get(operation.predecessor) ?? 0) + 1);
    if (!holds || kind !== 'Commit') continue;
    if (payload.patient !== lower(content.patient)) say('fails', `Commit ${short(payload.commit)} belongs to another patient.`);
    else allowed.set(payload.commit, operation);
    if (anchor === null) say('missing', `Commit ${short(payload.commit)} was not anchored yet: nothing proves when it was written.`);
  }
  if (contracts > 0) say('holds', `${contracts} signatures are of account contracts, which the ledger asked when it took the operations.`);
  for (const [domain, count] of former)
    say(
      'holds',
      `${count} operations were signed in a clinic’s former network (${short(domain)}), which the governors of this one recognized.`,
    );
  if (allowed.size > 0)
    say('holds', `${allowed.size} commits are signed by their authors, who were allowed to write by the operations in the file.`);
  return allowed;
}

/** Content against commit, commit against signed operation, record by record; and what is named but not there. */
async function checkContents(content, blocks, allowed, network, say, attempt) {
  const block = (cid) => blocks.get(cid) ?? fail(`the block ${short(cid)} is not in the file`);
  const byCommit = new Map();
  for (const record of content.records) byCommit.set(record.commit, [...(byCommit.get(record.commit) ?? []), record]);
  const known = new Set([...allowed.keys()].map(commitCid));
  const versions = new Set(content.records.map(({ versionId }) => versionId));
  const listed = new Set();
  const names = authors(content, blocks);
  const opened = new Map();
  for (const { commit: digest, opId, key } of content.commits) {
    await attempt(`Commit ${short(digest)}`, () => {
      const operation = allowed.get(digest);
      if (operation?.opId !== opId) fail('no valid signed operation in the file stands for it');
      if (listed.has(digest)) fail('it is in the file twice');
      listed.add(digest);
      const commit = readCommit(block(commitCid(digest)));
      const { payload, actor } = operation;
      const named = { network, patient: payload.patient, compartment: payload.compartment, epoch: payload.epoch, author: lower(actor) };
      for (const [field, value] of Object.entries(named)) if (commit[field] !== value) fail(`its ${field} is not the one that was signed`);
      opened.set(digest, { commit, entries: openEntries(commit, bytesOfBase64(key, 'its key')) });
      for (const parent of commit.parents)
        if (!known.has(parent))
          say('missing', `Commit ${short(digest)} follows one that is not in the file (${short(parent)}): it was withheld or lost.`);
    });
  }
  const places = await placesOf(opened, [...allowed.keys()], attempt);
  let whole = 0;
  for (const [digest, { commit, entries }] of opened) {
    if (commit.originals.length > 0) continue;
    await attempt(`Commit ${short(digest)}`, () => {
      const records = byCommit.get(digest) ?? [];
      byCommit.delete(digest);
      if (records.length !== entries.length) fail(`it holds ${entries.length} records, of which ${records.length} are in the file`);
      entries.forEach((entry, i) => {
        const record = records[i];
        const same = ['recordId', 'versionId', 'resourceType'].every((field) => record[field] === entry[field]);
        if (!same || record.previous.join() !== entry.previous.join()) fail(`record ${i + 1} is another than the one that was signed`);
        const moved = (places.get(digest) ?? []).filter(({ first, count }) => i >= first && i < first + count);
        const candidates = [...moved.map((place) => [place.commit, place.entries[i - place.first]]), [commit, entry]];
        const [lies, at] = candidates.find(([where, one]) => blocks.has(fileOf(where, one))) ?? [commit, entry];
        if (!equal(readContent(lies, at, block), utf8(record.content))) fail(`the text of record ${i + 1} is not what was signed`);
        whole += 1;
      });
      for (const { versionId, previous } of entries)
        for (const version of previous)
          if (!versions.has(version)) say('missing', `Version ${versionId} replaces version ${version}, which is not in the file.`);
    });
  }
  for (const { commit, reason } of content.missing)
    say('missing', `Commit ${short(commit)} could not be read when the file was made: ${reason}`);
  const excused = new Set(content.missing.map(({ commit }) => commit));
  for (const digest of allowed.keys())
    if (!listed.has(digest) && !excused.has(digest))
      say('missing', `The records of commit ${short(digest)} are not in the file, though it is signed and anchored.`);
  for (const digest of byCommit.keys())
    say('fails', `Records that claim to be of commit ${short(digest)} are not of it: nobody signed them.`);
  if (whole > 0) say('holds', `${whole} record versions are what their authors signed, to the last byte. ${names}`.trim());
}

/**
 * Where contents lie that the patient had encrypted anew, by the commit that their author signed, the newest first. Such a commit is the patient's,
 * names commits of the same part of the record, and repeats their entries with the same digests of the contents; otherwise it counts for nothing.
 */
async function placesOf(opened, inOrder, attempt) {
  const places = new Map();
  const byCid = new Map([...opened].map(([digest, commit]) => [commitCid(digest), { digest, ...commit }]));
  for (const digest of inOrder.toReversed()) {
    const { commit, entries } = opened.get(digest) ?? {};
    if (!commit || commit.originals.length === 0) continue;
    await attempt(`Commit ${short(digest)}, by which contents were encrypted anew`, () => {
      if (commit.author !== commit.patient) fail('it is not the patient’s');
      let at = 0;
      const found = commit.originals.map(({ commit: cid, first, count }) => {
        const named = byCid.get(cid) ?? fail(`it names a commit that is not in the file (${short(cid)})`);
        const { digest: original, commit: of, entries: signed } = named;
        if (of.originals.length > 0 || of.compartment !== commit.compartment) fail('it names a commit of another part of the record');
        const moved = entries.slice(at, (at += count));
        moved.forEach(
          (entry, i) => isSameEntry(entry, signed[first + i]) || fail(`record ${i + 1} is another than the one that was signed`),
        );
        return { original, commit, entries: moved, first, count };
      });
      if (at !== entries.length) fail('it has more entries than it names');
      for (const { original, ...place } of found) places.set(original, [...(places.get(original) ?? []), place]);
    });
  }
  return places;
}

function isSameEntry(entry, signed) {
  return (
    signed !== undefined &&
    ['recordId', 'versionId', 'resourceType', 'size'].every((field) => entry[field] === signed[field]) &&
    entry.previous.join() === signed.previous.join() &&
    equal(entry.contentDigest, signed.contentDigest)
  );
}

/** Names of authors, from profile blocks whose digests are in signed operations. */
function authors({ operations }, blocks) {
  const wrote = new Set(operations.filter(({ kind }) => kind === 'Commit').map(({ actor }) => lower(actor)));
  const names = new Map();
  for (const { kind, payload } of operations) {
    if (kind !== 'EnrolMember' && kind !== 'AdmitOrganization') continue;
    const p = decodePayload(kind, payload);
    const [member, profile] = kind === 'EnrolMember' ? [p.member, p.profile] : [p.admin, p.adminProfile];
    const bytes = blocks.get(commitCid(profile));
    if (wrote.has(member) && bytes) names.set(member, readProfile(bytes));
  }
  return names.size === 0 ? '' : `Authors: ${[...names].map(([account, name]) => `${name} (${account})`).join(', ')}.`;
}

/** A person may have been registered twice: where else to look. */
function sayLinks(content, rules, say) {
  for (const other of rules.linkedWith(lower(content.patient)))
    say('holds', `A registrar recorded that ${other} is the same person; what stands under that account is not in this file.`);
}

function sayPlace({ asOf }, ledger, say) {
  const block =
    asOf === null ? 'Nothing was known of a ledger when the file was made.' : `The file shows the record as of block ${asOf.block}.`;
  const how = ledger
    ? 'Checked against the ledger.'
    : 'Places on the ledger were not checked, nor whether operations were left out: give --rpc for that.';
  say('holds', `${block} ${how}`);
}

const date = (seconds) => new Date(Math.min(seconds, 8e12) * 1000).toISOString();

async function main(args) {
  const json = args.includes('--json');
  const at = args.indexOf('--rpc');
  const rpc = at < 0 ? undefined : args[at + 1];
  const files = args.filter((arg, i) => !arg.startsWith('--') && (at < 0 || i !== at + 1));
  if (files.length !== 1 || (at >= 0 && rpc === undefined)) {
    process.stderr.write('node verify.mjs <export.json> [--rpc <url of a ledger>] [--json]\n');
    return 1;
  }
  const result = await verifyExport(readFileSync(files[0], 'utf8'), { rpc });
  if (json) process.stdout.write(`${JSON.stringify(result)}\n`);
  else {
    const marks = { holds: 'holds    ', fails: 'FAILS    ', missing: 'MISSING  ' };
    const lines = result.findings.map(({ level, text }) => `${marks[level]}${printable(text)}`);
    const verdict = result.ok ? 'Everything holds, and nothing is missing.' : 'Do not rely on this file as it is.';
    process.stdout.write(`${lines.join('\n')}\n\n${verdict}\n`);
  }
  return result.ok ? 0 : 1;
}

/** Names and reasons come from the file: they must not steer the terminal. */
const printable = (text) => text.replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, '?');

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  main(process.argv.slice(2)).then(
    (code) => {
      process.exitCode = code;
    },
    (error) => {
      process.stderr.write(`The file could not be checked: ${printable(String(error?.message ?? error))}\n`);
      process.exitCode = 1;
    },
  );
}
