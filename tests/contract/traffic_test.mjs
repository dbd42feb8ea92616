// Exchanges that fit the document, and the same with one fault each.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { OpenApi } from './openapi.mjs';
import { checkExchange } from './traffic.mjs';

const specFile = ['./openapi.yaml', '../../docs/openapi.yaml']
  .map((name) => fileURLToPath(new URL(name, import.meta.url))).find(existsSync);
const api = new OpenApi(specFile);

const RECEIPT = 'q4m2v6w7y3k5d8r1t9z0x2c4nb';
const JSON_TYPE = { 'content-type': 'application/json' };

function exchange(overrides = {}) {
  const base = {
    method: 'POST',
    target: '/v1/polls/sommer-2026/votes',
    request_headers: { 'Content-Type': 'application/json', host: '127.0.0.1' },
    request_body: '{"voter":"f:1001","choices":["open-air-kino"]}',
    status: 201,
    response_headers: { 'request-id': 'r1', ...JSON_TYPE, location: `/v1/receipts/${RECEIPT}` },
    response_body: JSON.stringify({ status: 'counted', poll: 'sommer-2026', seq: 1, receipt: RECEIPT }),
  };
  const merged = { ...base, ...overrides };
  merged.response_headers = { ...(overrides.response_headers ?? base.response_headers) };
  return merged;
}

function get(target, body, headers = {}, status = 200) {
  return {
    method: 'GET', target, request_headers: {}, request_body: null, status,
    response_headers: { 'request-id': 'r1', ...JSON_TYPE, ...headers },
    response_body: typeof body === 'string' ? body : JSON.stringify(body),
  };
}

function refused(code, overrides = {}, { headers = {}, ...members } = {}) {
  const status = api.problemStatuses[code];
  return exchange({
    status,
    response_headers: { 'request-id': 'r1', 'content-type': 'application/problem+json', ...headers },
    response_body: JSON.stringify({
      type: `/problems/${code}`, title: 'T', status, detail: 'D.', code, ...members,
    }),
    ...overrides,
  });
}

const ranking = (options, totals = { ballots: 3, online: 2, paper: 1, blank: 0, invalid: 0 }) =>
  get('/v1/polls/sommer-2026/ranking', {
    poll: 'sommer-2026', version: 'e1-7', as_of: '2026-06-03T12:00:00.250Z', state: 'open', totals, options,
  }, {
    etag: 'W/"e1-7"', 'cache-control': 'public, max-age=1, stale-while-revalidate=5', vary: 'Accept-Encoding, Origin',
  });
const option = (rank, score, paper = 0) => ({ rank, score, ballots: score, online: score - paper, paper });

const batch = (lines, answer, query = '') => exchange({
  target: `/v1/polls/sommer-2026/votes/batch${query}`,
  request_headers: { 'content-type': 'application/x-ndjson' },
  request_body: lines,
  status: 200,
  response_headers: { 'request-id': 'r1', ...JSON_TYPE },
  response_body: JSON.stringify({
    counted: 0, duplicate: 0, replaced: 0, rejected: 0, last_seq: 1, items: [], truncated: false, ...answer,
  }),
});
const rejected = (line, code) => ({ line, status: api.problemStatuses[code], code, retryable: false });

const POLL = {
  title: { en: 'Summer' }, project: 'stadt', ballot: { type: 'choose', min: 1, max: 3 },
  options: [{ id: 'a', cost: 0 }],
};
const POLL_ANSWER = {
  ...POLL, id: 'sommer-2026', state: 'draft', accepting: false, revision: 17, time_zone: 'Europe/Berlin',
  revote: 'refuse', changes_max: 20, withdraw: false, ballots_per_voter: 1, visibility: 'live',
  visible_from: 'open', channels: ['online', 'paper'], channel_rule: 'first', paper: { confirm: true }, boxes: [],
};
const putPoll = (document, overrides = {}) => exchange({
  method: 'PUT', target: '/v1/polls/sommer-2026', request_body: JSON.stringify(document), status: 201,
  request_headers: { 'content-type': 'application/json', 'if-none-match': '*' },
  response_headers: { 'request-id': 'r1', ...JSON_TYPE, etag: '"e1-17"', location: '/v1/polls/sommer-2026' },
  response_body: JSON.stringify(POLL_ANSWER), ...overrides,
});

const GOOD = {
  'a counted vote': exchange(),
  'a duplicate': exchange({
    status: 200,
    response_body: JSON.stringify({ status: 'duplicate', poll: 'sommer-2026', seq: 1, receipt: RECEIPT, in_force: false }),
  }),
  'members that come later': exchange({
    response_body: JSON.stringify({ status: 'counted', poll: 'sommer-2026', seq: 1, receipt: RECEIPT, leaf: 9 }),
  }),
  'points by header voter': exchange({
    request_headers: { 'content-type': 'application/json; charset=utf-8', 'tallyd-voter': 'v' },
    request_body: '{"points":{"a":2,"b/c":0}}',
  }),
  'an unknown option': refused('option_unknown', {}, { errors: [{ pointer: '/choices/0' }] }),
  'an unknown member': refused('json_unknown_member',
    { request_body: '{"voter":"v","choices":[],"x":1}' }, { errors: [{ pointer: '/x' }] }),
  'a duplicate member': refused('json_duplicate_member', { request_body: '{"voter":"v","voter":"v","choices":[]}' }),
  'no JSON': refused('not_json', { request_body: '{' }),
  overload: refused('overloaded', {}, { headers: { 'retry-after': '1' } }),
  'transfer encoding': refused('length_required', {}, { headers: { connection: 'close' } }),
  'a raw request': refused('bad_request', { raw: true, method: undefined, target: undefined }),
  'an unknown route': refused('not_found', { method: 'GET', target: '/v2/x', request_body: null }),
  'an unknown method': refused('method_not_allowed', { method: 'PATCH' }, { headers: { allow: 'POST, OPTIONS' } }),
  preflight: { ...get('/v1/polls/p/votes', '', {}, 204), method: 'OPTIONS', response_headers: { 'request-id': 'r', allow: 'POST' } },
  'the private listener only': refused('not_found', { ...get('/metrics', '') , ...{
    status: 404, response_headers: { 'request-id': 'r1', 'content-type': 'application/problem+json' },
    response_body: '{"type":"/problems/not_found","title":"T","status":404,"detail":"D.","code":"not_found"}',
    listener: 'public' } }),
  'a ranking': ranking({ a: option(1, 2, 1), b: option(1, 2), c: option(3, 0) }),
  'a cut ranking': { ...ranking({ a: option(1, 2) }), target: '/v1/polls/sommer-2026/ranking?top=1' },
  'an unchanged ranking': { ...ranking({}), status: 304, response_body: null },
  'the head of a ranking': { ...ranking({}), method: 'HEAD', response_body: '' },
  'a compressed ranking': (() => {
    const compressed = ranking({});
    compressed.response_headers['content-encoding'] = 'gzip';
    return { ...compressed, response_body: '\u001f\ufffd' };
  })(),
  'a CSV': { ...ranking({}), target: '/v1/polls/p/ranking.csv',
    response_headers: { ...ranking({}).response_headers, 'content-type': 'text/csv; charset=utf-8' },
    response_body: 'option,rank\r\n' },
  'a poll': putPoll(POLL),
  'a poll that is not supported': refused('not_supported', {
    method: 'PUT', target: '/v1/polls/p', request_body: JSON.stringify({ ...POLL, ballot: { type: 'updown' } }),
  }, { errors: [{ pointer: '/ballot/type' }] }),
  'a withdrawn ballot': get('/v1/polls/p/votes/me', { status: 'withdrawn', poll: 'p', seq: 4 }),
  'an option with a slash': exchange({
    method: 'DELETE', target: '/v1/polls/sommer-2026/options/2025%2FOGM%2F0007', request_body: null,
    status: 200, response_headers: { 'request-id': 'r1', ...JSON_TYPE }, response_body: JSON.stringify(POLL_ANSWER),
  }),
  'a batch': batch('{"voter":"v","choices":["a"]}\n\n{"voter":"v","choices":["a"],"ref":"2"}\n',
    { counted: 1, duplicate: 1 }),
  'a batch with a bad line': batch('{"voter":"v","choices":["a"]}\n{"voter":3}', {
    counted: 1, rejected: 1, items: [rejected(2, 'member_invalid')],
  }),
  'a batch without items': batch('{"voter":"v"}', { rejected: 1 }, '?results=none'),
};

const without = (name, base) => {
  delete base.response_headers[name];
  return base;
};

// name: [exchange, pointer of the finding]
const BAD = {
  'no Request-Id': [without('request-id', exchange()), '/response_headers/request-id'],
  'no Location': [without('location', exchange()), '/response_headers/location'],
  'another receipt in Location': [exchange({ response_headers: {
    'request-id': 'r', ...JSON_TYPE, location: `/v1/receipts/${RECEIPT.replace('q', 'r')}` } }), '/response_headers/location'],
  'a status that is not documented': [exchange({ status: 202 }), '/status'],
  'another media type': [exchange({ response_headers: {
    'request-id': 'r', 'content-type': 'text/plain', location: `/v1/receipts/${RECEIPT}` } }), '/response_headers/content-type'],
  'a receipt of the wrong alphabet': [exchange({ response_body: JSON.stringify(
    { status: 'counted', poll: 'sommer-2026', seq: 1, receipt: RECEIPT.replace('q', 'l') }) }), '/response_body/receipt'],
  'an answer with a member twice': [exchange({ response_body:
    `{"status":"counted","poll":"sommer-2026","seq":1,"seq":1,"receipt":"${RECEIPT}"}` }), '/response_body'],
  'an unknown member that was ignored': [exchange({ request_body: '{"voter":"v","choices":[],"x":1}' }), '/request_body'],
  'a duplicate member that was ignored': [exchange({ request_body: '{"voter":"v","voter":"w","choices":[]}' }), '/request_body'],
  'two ballots in one': [exchange({ request_body: '{"voter":"v","choices":[],"ranking":[]}' }), '/request_body'],
  'a request without media type': [exchange({ request_headers: {} }), '/request_headers/content-type'],
  'an unknown parameter that was ignored': [exchange({ target: '/v1/polls/sommer-2026/votes?x=1' }), '/target'],
  'an id that cannot be': [exchange({ target: '/v1/polls/Sommer/votes', response_body: JSON.stringify(
    { status: 'counted', poll: 'sommer', seq: 1, receipt: RECEIPT }) }), '/target'],
  'a plain text error': [refused('poll_not_found', { response_headers: { 'request-id': 'r', 'content-type': 'text/plain' } }),
    '/response_headers/content-type'],
  'an unknown code': [refused('poll_not_found', { response_body:
    '{"type":"/problems/x","title":"T","status":404,"detail":"D","code":"x"}' }), '/response_body/code'],
  'a code with another status': [refused('poll_not_found', { status: 409 }, { status: 409 }), '/response_body/code'],
  'a type of another code': [refused('poll_not_found', {}, { type: '/problems/not_found' }), '/response_body/type'],
  'a refusal that names no place': [refused('option_unknown'), '/response_body/errors'],
  'a good body called unknown': [refused('json_unknown_member', {}, { errors: [{ pointer: '/voter' }] }), '/response_body/code'],
  'a good body called no JSON': [refused('not_json'), '/response_body/code'],
  'no Retry-After': [refused('overloaded'), '/response_headers/retry-after'],
  'no Allow': [refused('method_not_allowed', { method: 'PATCH' }), '/response_headers/allow'],
  'no Connection: close': [refused('length_required'), '/response_headers/connection'],
  'a raw request without problem': [{ ...exchange({ raw: true }), status: 400 }, '/response_headers/content-type'],
  'a secret route': [get('/v1/secret', {}), '/target'],
  'a secret method': [exchange({ method: 'PATCH' }), '/method'],
  'a method in lower case': [exchange({ method: 'post' }), '/method'],
  'metrics for everybody': [{ ...get('/metrics', 'x', { 'content-type': 'text/plain' }), listener: 'public' }, '/status'],
  'a 404 that the route does not have': [refused('poll_not_found', { method: 'GET', target: '/livez', request_body: null }), '/status'],
  'a wrong rank': [ranking({ a: option(1, 2), b: option(1, 2), c: option(2, 0) }), '/response_body/options/c/rank'],
  'a split that does not add up': [ranking({ a: { rank: 1, score: 3, ballots: 3, online: 1, paper: 1 } }), '/response_body/options/a/score'],
  'totals that do not add up': [ranking({}, { ballots: 4, online: 2, paper: 1, blank: 0, invalid: 0 }), '/response_body/totals/ballots'],
  'an ETag of another version': [(() => {
    const stale = ranking({});
    stale.response_headers.etag = 'W/"e1-6"';
    return stale;
  })(), '/response_headers/etag'],
  'a ranking without Vary': [without('vary', ranking({})), '/response_headers/vary'],
  'a ranking longer than asked for': [{ ...ranking({ a: option(1, 2), b: option(2, 1) }),
    target: '/v1/polls/sommer-2026/ranking?top=1' }, '/response_body/options'],
  'a 304 with a body': [{ ...ranking({}), status: 304 }, '/response_body'],
  'a HEAD with a body': [{ ...ranking({}), method: 'HEAD' }, '/response_body'],
  'a poll of another type': [putPoll({ ...POLL, ballot: { type: 'lottery' } }), '/request_body/ballot'],
  'a poll with an index': [putPoll(POLL, { response_body: JSON.stringify(
    { ...POLL_ANSWER, options: [{ id: 'a', cost: 0, index: 0 }] }) }), '/response_body/options/0'],
  'a poll without defaults': [putPoll(POLL, { response_body: JSON.stringify({ ...POLL_ANSWER, revote: undefined }) }), '/response_body'],
  'a poll with a weak ETag': [putPoll(POLL, { response_headers: {
    'request-id': 'r', ...JSON_TYPE, etag: 'W/"e1-17"', location: '/v1/polls/sommer-2026' } }), '/response_headers/etag'],
  'a ballot that is not told': [get('/v1/polls/p/votes/me',
    { status: 'counted', poll: 'p', seq: 4, receipt: RECEIPT, channel: 'online' }), '/response_body'],
  'a receipt that tells the ballot': [get(`/v1/receipts/${RECEIPT}`,
    { status: 'counted', poll: 'p', seq: 4, choices: ['a'] }), '/response_body'],
  'a batch that lost a line': [batch('{"voter":"v","choices":[]}\n{"voter":"w","choices":[]}', { counted: 1 }), '/response_body'],
  'a batch that took a bad line': [batch('{"voter":"v","choices":[],"x":1}', { counted: 1 }), '/response_body/rejected'],
  'a batch that blamed the wrong line': [batch('{"voter":"v","choices":[],"x":1}\n{"voter":"w","choices":[]}', {
    counted: 1, rejected: 1, items: [rejected(2, 'option_unknown')] }), '/request_body'],
  'a batch that hides a rejection': [batch('{"voter":"v"}', { rejected: 1 }), '/response_body/truncated'],
  'a batch item without code': [batch('{"voter":"v"}', { rejected: 1, items: [{ line: 1, status: 422 }] }), '/response_body/items/0'],
  'a recount that contradicts itself': [{ ...get('/v1/admin/verify', { ok: true, position: 1, records: 1,
    polls: [{ poll: 'p', ok: false, ballots: 1 }] }), method: 'POST' }, '/response_body/ok'],
  'a header name in capitals': [{ ...exchange(), response_headers: { 'Request-Id': 'r' } }, '/response_headers/Request-Id'],
  'no exchange': [{}, '/status'],
};

for (const [name, given] of Object.entries(GOOD)) {
  test(`fits: ${name}`, () => assert.deepEqual(checkExchange(api, given), []));
}

for (const [name, [given, pointer]] of Object.entries(BAD)) {
  test(`is found: ${name}`, () => {
    const findings = checkExchange(api, given);
    assert.ok(findings.some((finding) => finding.pointer === pointer),
      `nothing at ${pointer}, but ${JSON.stringify(findings)}`);
  });
}
