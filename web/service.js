// What the pages ask of the server: who the voter is, votes that survive a lost connection, and
// the live ranking.

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
  return sessionStorage.getItem('tallyd.token');
}
let token = takeToken();
export function setToken(text) {
  token = text || null;
  if (token) sessionStorage.setItem('tallyd.token', token);
  else sessionStorage.removeItem('tallyd.token');
}

export class Problem extends Error {
  constructor(status, body, headers) {
    super(body.detail || body.title || body.code || String(status));
    this.status = status;
    this.code = body.code ?? '';
    const seconds = Number(headers.get('Retry-After'));
    this.retrySeconds = Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds, 300) : 2;
  }
}

// Resolves to {status, body, headers}; throws Problem for a refusal and TypeError without a server.
export async function ask(path, { method = 'GET', body, headers = {}, language } = {}) {
  const given = { ...headers };
  if (token) given.Authorization = `Bearer ${token}`;
  if (language) given['Accept-Language'] = language;
  if (body !== undefined) given['Content-Type'] = 'application/json';
  const answer = await fetch(path, {
    method, headers: given, body: body === undefined ? undefined : JSON.stringify(body),
    cache: 'no-store', signal: AbortSignal.timeout(20000),
  });
  const text = await answer.text();
  let parsed = {};
  if (text !== '' && /json/.test(answer.headers.get('Content-Type') ?? '')) parsed = JSON.parse(text);
  if (answer.status >= 400) throw new Problem(answer.status, parsed, answer.headers);
  return { status: answer.status, body: parsed, headers: answer.headers };
}

const pollPath = (poll) => `/v1/polls/${encodeURIComponent(poll)}`;
const asVoter = () => (token ? {} : { 'Tallyd-Voter': voter });

export const getPoll = async (poll) => (await ask(pollPath(poll))).body;
export const getPolls = async (cursor) => (await ask(`/v1/polls${cursor ? `?cursor=${encodeURIComponent(cursor)}` : ''}`)).body;
export const getReceipt = async (receipt) => (await ask(`/v1/receipts/${encodeURIComponent(receipt)}`)).body;
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

// e3-18200 -> [3, 18200]
const versionOf = (text) => /^e(\d+)-(\d+)$/.exec(text).slice(1).map(Number);
export const isNewer = (next, before) => {
  if (!before) return true;
  const [a, b] = [versionOf(next), versionOf(before)];
  return a[0] !== b[0] ? a[0] > b[0] : a[1] > b[1];
};

// RFC 7396.
export function mergePatch(target, patch) {
  if (patch === null || typeof patch !== 'object' || Array.isArray(patch)) return patch;
  const result = target !== null && typeof target === 'object' && !Array.isArray(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else result[name] = mergePatch(result[name], value);
  }
  return result;
}

const POLL_EVERY_MS = 2000;

export const getRanking = (poll, explain, tag) => ask(`${pollPath(poll)}/ranking${explain ? '?explain=selection' : ''}`,
  { headers: tag ? { 'If-None-Match': tag } : {} });

// Begins with `first`, an answer of getRanking or null. Calls onRanking(ranking) with ever newer versions and onTrouble(isThere). The stream if the
// server has one, else asking every two seconds; a selection is not in the stream and is asked for.
export function followRanking(poll, { explain, first, onRanking, onTrouble }) {
  let stopped = false;
  let version = null;
  let timer = null;
  let source = null;
  let tag = null;
  let live = null;

  const take = (ranking) => {
    if (stopped) return;
    onTrouble(false);
    if (!isNewer(ranking.version, version)) return;
    version = ranking.version;
    onRanking(ranking);
  };
  let asking = false;
  const askOnce = async () => {
    if (asking) return;
    asking = true;
    try {
      const answer = await getRanking(poll, explain, tag);
      if (answer.status === 200) {
        tag = answer.headers.get('ETag');
        take(answer.body);
      } else {
        onTrouble(false);
      }
    } catch (problem) {
      if (!stopped) onTrouble(true);
    }
    asking = false;
    if (!stopped && source === null) timer = setTimeout(askOnce, POLL_EVERY_MS);
  };
  const stream = () => {
    source = new EventSource(`${pollPath(poll)}/ranking/stream`);
    const read = (event) => {
      const data = JSON.parse(event.data);
      live = event.type === 'delta' ? mergePatch(live ?? {}, data) : data;
      if (live.version === undefined && event.lastEventId) live = { ...live, version: event.lastEventId };
      take(live);
    };
    for (const name of ['snapshot', 'delta', 'final']) source.addEventListener(name, read);
    source.addEventListener('final', () => { source.close(); stopped = true; });
    source.onerror = () => {
      // Closed: there is no such route (or no more of it); else the browser connects again itself.
      if (stopped || source === null) return;
      if (source.readyState !== EventSource.CLOSED) {
        onTrouble(true);
        return;
      }
      source = null;
      timer = setTimeout(askOnce, 0);
    };
  };
  if (first) {
    tag = first.headers.get('ETag');
    take(first.body);
  }
  if (explain) askOnce();
  else stream();
  return {
    stop() {
      stopped = true;
      clearTimeout(timer);
      source?.close();
    },
    // Only where nothing is pushed.
    refresh() {
      if (stopped || source !== null) return;
      clearTimeout(timer);
      askOnce();
    },
  };
}
