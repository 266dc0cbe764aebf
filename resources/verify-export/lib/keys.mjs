/**
 * Who signs for an account (contracts `Signers`, `AccountKeys`): itself at first, then the address that it rotated to, or that its guardians gave it. What an
 * operation was signed with is judged by the key in force at its place in the ledger's order, so what a former key signed before it was replaced stays valid.
 */
import { fail } from './bytes.mjs';
import { cosigning, kinds, signerOf } from './operations.mjs';

const nobody = `0x${'00'.repeat(20)}`;
const day = 86_400;

/** `takesPart`: whether an account is a patient, an active member or a governor. */
export function createKeys(takesPart) {
  const signers = new Map();
  const accounts = new Map();
  const recoveries = new Map();
  const proposals = new Map();

  const signerFor = (account) => signers.get(account) ?? account;
  const recoveryOf = (account) => recoveries.get(account) ?? { guardians: [], threshold: 0, delay: 0, round: 0 };
  const nextRound = (account) => recoveries.set(account, { ...recoveryOf(account), round: recoveryOf(account).round + 1 });
  const requireGuardian = (account, actor) =>
    recoveryOf(account).guardians.includes(actor) || fail(`its signer ${actor} was no guardian of the account then`);
  const requireOwn = (account) => {
    if (accounts.has(account)) fail(`${account} is a key of the account ${accounts.get(account)}, not an account of its own`);
  };

  const change = (account, signer, encryptionKey) => {
    if (/^0x0+$/.test(encryptionKey)) fail('it names no encryption key');
    if (takesPart(signer)) fail('the new key is an account of its own');
    if (accounts.has(signer) || signer === account || signers.has(signer)) fail('the new key was in use before');
    nextRound(account);
    signers.set(account, signer);
    accounts.set(signer, account);
  };
  const openProposal = (account, id) => {
    const proposal = proposals.get(id);
    if (proposal?.account !== account || proposal.round !== recoveryOf(account).round)
      fail('the proposal that it names is not in the file, or had lost its force');
    return proposal;
  };
  const approve = (proposal, actor, time) => {
    const { threshold, delay } = recoveryOf(proposal.account);
    proposal.approvals.add(actor);
    if (proposal.approvals.size === threshold) proposal.readyAt = time + delay;
  };

  const rules = {
    RotateKeys(p, actor) {
      if (!takesPart(actor)) fail('its signer was neither a patient nor an active member nor a governor then');
      change(actor, p.signer, p.encryptionKey);
    },
    SetRecovery(p, actor) {
      if (!takesPart(actor)) fail('its signer was neither a patient nor an active member nor a governor then');
      const named = [p.guardian1, p.guardian2, p.guardian3, p.guardian4, p.guardian5];
      const guardians = named.slice(0, named.includes(nobody) ? named.indexOf(nobody) : 5);
      const none = guardians.length === 0 && p.threshold === 0 && p.delay === 0;
      const some = p.threshold !== 0 && p.threshold <= guardians.length && p.delay >= day && p.delay <= 90 * day;
      const distinct = new Set([...guardians, actor]).size === guardians.length + 1;
      if (!distinct || named.slice(guardians.length).some((guardian) => guardian !== nobody) || !(none || some))
        fail('its guardians, threshold and delay do not go together');
      if (p.round !== recoveryOf(actor).round) fail('something came in between: it names another round');
      recoveries.set(actor, { guardians, threshold: p.threshold, delay: p.delay, round: p.round + 1 });
    },
    ProposeRecovery(p, actor, time, opId) {
      requireGuardian(p.account, actor);
      const proposal = { ...p, round: recoveryOf(p.account).round, approvals: new Set(), readyAt: 0 };
      proposals.set(opId, proposal);
      approve(proposal, actor, time);
    },
    ApproveRecovery(p, actor, time) {
      const proposal = openProposal(p.account, p.proposal);
      requireGuardian(p.account, actor);
      if (proposal.approvals.has(actor)) fail('the guardian had agreed before');
      approve(proposal, actor, time);
    },
    VetoRecovery(p, actor) {
      if (actor !== p.account) fail('it is not signed by the account itself');
      nextRound(p.account);
    },
    CompleteRecovery(p, actor, time) {
      const proposal = openProposal(p.account, p.proposal);
      if (actor !== proposal.signer) requireGuardian(p.account, actor);
      if (proposal.readyAt === 0 || time < proposal.readyAt) fail('its guardians had not agreed, or its waiting time was not over');
      change(p.account, proposal.signer, proposal.encryptionKey);
    },
  };

  const judge = (digest, signature, expected, account, which, unchecked) => {
    const signer = signerOf(digest, signature);
    if (signer === expected) return;
    const former = signer === account || (accounts.get(signer) === account && account !== undefined);
    if (former) fail(`${which} is of a key that ${account} had replaced by then`);
    unchecked.push({
      account: expected,
      // Not in the form of a key's signature at all: an account contract may take it (ERC-1271). Else nearly always a forgery.
      ordinary: signer !== null,
      text: `${which} is not that of the account it names, for the network it names`,
    });
  };

  return {
    rules,
    requireOwn,
    /** The address (lower-case) that signs for an account now. */
    signerFor,
    /**
     * The signatures of an operation that are of no key that they should be of, each {account, ordinary, text}: forged, or of an account contract (ERC-1271),
     * which only a ledger can tell. Throws a Fault where that is out of the question.
     */
    checkSignatures({ kind, actor, signatures }, payload, digest) {
      const [, , cosigned = cosigning.nobody, field] = kinds[kind];
      const account = actor.toLowerCase();
      const unchecked = [];
      const count = cosigned === cosigning.nobody ? 1 : 2;
      if (cosigned === cosigning.governors ? signatures.length === 0 : signatures.length !== count)
        fail(signatures.length < count ? missing(kind) : 'it has more signatures than it should');
      judge(digest, signatures[0], signerFor(account), account, 'the signature', unchecked);
      if (cosigned === cosigning.account)
        judge(digest, signatures[1], signerFor(payload[field]), payload[field], `the ${field}’s own signature`, unchecked);
      if (cosigned === cosigning.newKey) judge(digest, signatures[1], payload[field], undefined, 'the new key’s own signature', unchecked);
      if (cosigned === cosigning.governors) {
        const signed = signatures.map((signature) => signerOf(digest, signature)).filter((signer) => signer !== null);
        if (new Set(signed).size !== signed.length) fail('the same governor signed it twice');
        for (const signature of signatures.slice(1))
          if (signerOf(digest, signature) === null) unchecked.push({ ordinary: false, text: 'a governor’s signature is nobody’s' });
      }
      return unchecked;
    },
  };
}

const missing = (kind) =>
  kind === 'RegisterPatient' ? 'the patient’s own signature is missing' : 'a signature is missing: the new key’s own, or its actor’s';
