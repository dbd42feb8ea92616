// Who is voting here, and votes that survive a lost connection.

import { Problem, ask, hasToken, pollPath, setToken } from './service.js';

export const storage = {
  get(name) { try { return localStorage.getItem(name); } catch { return null; } },
  set(name, value) { try { localStorage.setItem(name, value); } catch { /* kept for this visit only */ } },
  remove(name) { try { localStorage.removeItem(name); } catch { /* was never kept */ } },
};

export const randomId = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, '0')).join('');

// Without tokens the voter is a random id of this browser; with them it is the token's subject.
function ownId() {
  const kept = storage.get('tallyd.voter') ?? `w:${randomId()}`;
  storage.set('tallyd.voter', kept);
  return kept;
}
export const voter = ownId();

// A link may carry the token as #token=…; it leaves the address at once and is kept for this tab.
function takeToken() {
  const found = /^#token=([A-Za-z0-9._~+/=-]+)$/.exec(location.hash);
  if (found) {
    sessionStorage.setItem('tallyd.token', found[1]);
    history.replaceState(null, '', location.pathname);
  }
  setToken(sessionStorage.getItem('tallyd.token'));
}
takeToken();

export const asVoter = () => (hasToken() ? {} : { 'Tallyd-Voter': voter });

// Which of a voter's ballots: {} in most polls, {ballot_no} where there are several, with {day}
// where they are per day.
export const ballotsOf = (poll) => poll.ballots_per_voter ?? 1;
export const slotFor = (poll, no) => ({
  ...(ballotsOf(poll) > 1 ? { ballot_no: no } : {}),
  ...(poll.ballots_per === 'day' ? { day: new Intl.DateTimeFormat('en-CA', { timeZone: poll.time_zone, year: 'numeric', month: '2-digit', day: '2-digit' }).format(new Date()) } : {}),
});
const queryOf = (slot) => { const text = new URLSearchParams(slot).toString(); return text === '' ? '' : `?${text}`; };

// The slot to begin with and its ballot: {slot, own}. One whose vote is still to be sent, else the first free one; of very many
// the first few are looked at only, and the visitor turns on from there.
const SLOTS_LOOKED_AT_MAX = 20;
export async function firstSlot(poll) {
  const waiting = pendingSlot(poll.id);
  if (waiting) return { slot: waiting, own: null };
  const last = Math.min(ballotsOf(poll), SLOTS_LOOKED_AT_MAX);
  for (let no = 1; ; no += 1) {
    const slot = slotFor(poll, no);
    const own = await getOwnBallot(poll.id, slot).catch(() => null);
    if (own === null || no >= last) return { slot, own };
  }
}

export const withdraw = (poll, slot) => ask(`${pollPath(poll)}/votes/me${queryOf(slot)}`, { method: 'DELETE', headers: asVoter() });

// The ballot in force, or null.
export async function getOwnBallot(poll, slot) {
  try {
    const { body } = await ask(`${pollPath(poll)}/votes/me${queryOf(slot)}`, { headers: asVoter() });
    return body.status === 'withdrawn' ? null : body;
  } catch (problem) {
    if (problem instanceof Problem && [401, 403, 404].includes(problem.status)) return null;
    throw problem;
  }
}

// A vote is written down with its Idempotency-Key before it is sent and until it is answered: a
// retry, also one after a reload, is the same vote.
const outboxName = (poll, slot) => `tallyd.outbox.${poll}${queryOf(slot)}`;
const unsent = new Map();
export function pending(poll, slot) {
  const name = outboxName(poll, slot);
  const text = storage.get(name);
  return unsent.get(name) ?? (text === null ? null : JSON.parse(text));
}
// The slot of a vote of the poll that is still to be sent, or null.
function pendingSlot(poll) {
  const plain = outboxName(poll, {});
  let names = [];
  try { names = Object.keys(localStorage); } catch { /* nothing is kept */ }
  const found = [...unsent.keys(), ...names].find((name) => name === plain || name.startsWith(`${plain}?`));
  if (found === undefined) return null;
  const slot = Object.fromEntries(new URLSearchParams(found.slice(plain.length)));
  return slot.ballot_no ? { ...slot, ballot_no: Number(slot.ballot_no) } : slot;
}
export function queueVote(poll, slot, ballot) {
  const entry = { key: randomId(), ballot: { ...slot, ...ballot } };
  unsent.set(outboxName(poll, slot), entry);
  storage.set(outboxName(poll, slot), JSON.stringify(entry));
}
export function forgetVote(poll, slot) {
  unsent.delete(outboxName(poll, slot));
  storage.remove(outboxName(poll, slot));
}
// Throws Problem 429/503 or TypeError while the fate is unknown; the vote then stays queued.
export async function sendVote(poll, slot) {
  const entry = pending(poll, slot);
  try {
    const { body } = await ask(`${pollPath(poll)}/votes`, {
      method: 'POST', body: entry.ballot, headers: { ...asVoter(), 'Idempotency-Key': entry.key },
    });
    forgetVote(poll, slot);
    return body;
  } catch (problem) {
    if (problem instanceof Problem && problem.status !== 429 && problem.status < 500) forgetVote(poll, slot);
    throw problem;
  }
}
