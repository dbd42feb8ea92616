// Who is voting here, and votes that survive a lost connection.

import { Problem, ask, hasToken, pollPath, setToken } from './service.js';

const storage = {
  get(name) { try { return localStorage.getItem(name); } catch { return null; } },
  set(name, value) { try { localStorage.setItem(name, value); } catch { /* kept for this visit only */ } },
  remove(name) { try { localStorage.removeItem(name); } catch { /* was never kept */ } },
};

const randomId = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, '0')).join('');

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

const asVoter = () => (hasToken() ? {} : { 'Tallyd-Voter': voter });

export const withdraw = (poll) => ask(`${pollPath(poll)}/votes/me`, { method: 'DELETE', headers: asVoter() });

// The ballot in force, or null.
export async function getOwnBallot(poll) {
  try {
    const { body } = await ask(`${pollPath(poll)}/votes/me`, { headers: asVoter() });
    return body.status === 'withdrawn' ? null : body;
  } catch (problem) {
    if (problem instanceof Problem && [401, 403, 404].includes(problem.status)) return null;
    throw problem;
  }
}

// A vote is written down with its Idempotency-Key before it is sent and until it is answered: a
// retry, also one after a reload, is the same vote.
const outboxName = (poll) => `tallyd.outbox.${poll}`;
const unsent = new Map();
export function pending(poll) {
  const text = storage.get(outboxName(poll));
  return unsent.get(poll) ?? (text === null ? null : JSON.parse(text));
}
export function queueVote(poll, ballot) {
  const entry = { key: randomId(), ballot };
  unsent.set(poll, entry);
  storage.set(outboxName(poll), JSON.stringify(entry));
}
export function forgetVote(poll) {
  unsent.delete(poll);
  storage.remove(outboxName(poll));
}
// Throws Problem 429/503 or TypeError while the fate is unknown; the vote then stays queued.
export async function sendVote(poll) {
  const entry = pending(poll);
  try {
    const { body } = await ask(`${pollPath(poll)}/votes`, {
      method: 'POST', body: entry.ballot, headers: { ...asVoter(), 'Idempotency-Key': entry.key },
    });
    forgetVote(poll);
    return body;
  } catch (problem) {
    if (problem instanceof Problem && problem.status !== 429 && problem.status < 500) forgetVote(poll);
    throw problem;
  }
}

