// How the pages speak to the server: requests, refusals, and the live ranking. Nothing here is kept
// in the browser or knows who is asking, so that the widget in another site's page can use it too.

let base = '';
// Another server than the one the page is from: an origin.
export function useServer(origin) {
  base = origin;
}

let token = null;
export function setToken(text) {
  token = text || null;
}
export const hasToken = () => token !== null;

export class Problem extends Error {
  constructor(status, body, headers) {
    super(body.detail || body.title || body.code || String(status));
    this.status = status;
    this.code = body.code ?? '';
    this.errors = body.errors ?? [];
    const seconds = Number(headers.get('Retry-After'));
    this.retrySeconds = Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds, 300) : 2;
  }
}

// Whether nobody knows what became of what was sent: no answer, or one that asks to send it again.
export const isUnanswered = (problem) => !(problem instanceof Problem) || problem.status === 429 || problem.status >= 500;

// There was no answer, or not the whole of it.
export class Unreachable extends TypeError {}

async function answerOf(path, request) {
  try {
    const answer = await fetch(base + path, { ...request, cache: 'no-store', signal: AbortSignal.timeout(20000) });
    return [answer, await answer.text()];
  } catch (problem) {
    throw new Unreachable('no answer', { cause: problem });
  }
}

// `body` is sent as JSON, a Blob as it is. Resolves to {status, body, headers} (body: of NDJSON an array; the text itself with `asText`);
// throws Problem for a refusal and Unreachable without a server.
export async function ask(path, { method = 'GET', body, headers = {}, language, asText = false } = {}) {
  const given = { ...headers };
  if (token) given.Authorization = `Bearer ${token}`;
  if (language) given['Accept-Language'] = language;
  const raw = body instanceof Blob;
  if (body !== undefined) given['Content-Type'] = raw ? body.type : 'application/json';
  const [answer, text] = await answerOf(path, { method, headers: given, body: raw || body === undefined ? body : JSON.stringify(body) });
  let parsed = {};
  const type = answer.headers.get('Content-Type') ?? '';
  if (asText && answer.status < 400) parsed = text;
  else if (/ndjson/.test(type)) parsed = text.split('\n').filter((line) => line !== '').map((line) => JSON.parse(line));
  else if (text !== '' && /json/.test(type)) parsed = JSON.parse(text);
  if (answer.status >= 400) throw new Problem(answer.status, parsed, answer.headers);
  return { status: answer.status, body: parsed, headers: answer.headers };
}

export const pollPath = (poll) => `/v1/polls/${encodeURIComponent(poll)}`;

export const getPoll = async (poll) => (await ask(pollPath(poll))).body;
export const getPolls = async (cursor) => (await ask(`/v1/polls${cursor ? `?cursor=${encodeURIComponent(cursor)}` : ''}`)).body;
export const getReceipt = async (receipt) => (await ask(`/v1/receipts/${encodeURIComponent(receipt)}`)).body;

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
    source = new EventSource(`${base}${pollPath(poll)}/ranking/stream`);
    const read = (event) => {
      const data = JSON.parse(event.data);
      live = event.type === 'delta' ? mergePatch(live ?? {}, data) : data;
      if (live.version === undefined && event.lastEventId) live = { ...live, version: event.lastEventId };
      take(live);
    };
    for (const name of ['snapshot', 'delta', 'final']) source.addEventListener(name, read);
    source.addEventListener('final', () => { source.close(); stopped = true; });
    // Also where there is nothing new since.
    source.onopen = () => onTrouble(false);
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
