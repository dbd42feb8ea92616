// Holds recorded HTTP exchanges to docs/openapi.yaml.
//
// An exchange is {"method","target","request_headers","request_body","status","response_headers",
// "response_body"}; header names of the response are lower-case, bodies are text or null. Optional:
// "listener" ("public" or "private"), and "raw": true for a deliberately malformed request, of which
// only the answer is checked. Findings are {pointer, message}; the pointer begins with the part of
// the exchange it speaks of, e.g. /response_body/options/a/rank.

import { checkMeaning } from './meaning.mjs';
import { lineFaults, METHODS } from './openapi.mjs';
import { DuplicateMember, parseStrict } from './strict_json.mjs';

// What may be answered before it is known which operation a request is for.
const TRANSPORT = [400, 408, 411, 413, 414, 417, 429, 431, 500, 503, 505];
// Codes that blame the form of the body: the body must really have that fault.
const FORM_CODES = ['not_json', 'json_duplicate_member', 'json_unknown_member', 'member_missing'];
// Codes that blame a place in the body: they must say which.
const PLACE_CODES = ['json_unknown_member', 'member_missing', 'member_invalid', 'option_unknown',
  'option_withdrawn', 'option_repeated', 'too_many_choices', 'too_few_choices', 'points_exceeded',
  'wrong_ballot_type'];

const mediaType = (headers) => (headers['content-type'] ?? '').split(';')[0].trim().toLowerCase();
const lowerCased = (headers) =>
  Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]));
const isText = (value) => value === null || value === undefined || typeof value === 'string';

export function checkExchange(api, exchange) {
  const findings = [];
  const report = (pointer, message) => findings.push({ pointer, message });
  if (!isExchange(exchange, report)) return findings;

  const context = {
    api,
    exchange,
    report,
    headers: exchange.response_headers,
    body: exchange.response_body ?? '',
    // A compressed body was not recorded as what it says.
    bodyHidden: !['', 'identity'].includes(exchange.response_headers?.['content-encoding'] ?? ''),
    requestHeaders: lowerCased(exchange.request_headers),
    problem: undefined,
  };
  checkAnswer(context);
  if (!exchange.raw) checkOperation(context);
  return findings;
}

function isExchange(exchange, report) {
  const before = [];
  const want = (fits, pointer, message) => fits || before.push([pointer, message]);
  want(typeof exchange.method === 'string' || exchange.raw, '/method', 'is not a string');
  want(typeof exchange.target === 'string' || exchange.raw, '/target', 'is not a string');
  want(Number.isInteger(exchange.status), '/status', 'is not an integer');
  want(isText(exchange.request_body), '/request_body', 'is neither a string nor null');
  want(isText(exchange.response_body), '/response_body', 'is neither a string nor null');
  want(exchange.response_headers && typeof exchange.response_headers === 'object',
    '/response_headers', 'is not an object');
  for (const name of Object.keys(exchange.response_headers ?? {})) {
    want(name === name.toLowerCase(), `/response_headers/${name}`, 'is not in lower case');
  }
  for (const [pointer, message] of before) report(pointer, message);
  return before.length === 0;
}

// What every answer must be, whatever was asked.
function checkAnswer(context) {
  const { api, exchange, report, headers, body } = context;
  const { status } = exchange;
  if (!headers['request-id']) report('/response_headers/request-id', 'is missing');
  if (status < 400) return;

  if (status === 405 && !headers.allow) report('/response_headers/allow', 'is missing on a 405');
  if ((status === 429 || status === 503) && !/^[0-9]+$/.test(headers['retry-after'] ?? '')) {
    report('/response_headers/retry-after', `is missing, or no number of seconds, on a ${status}`);
  }
  if (mediaType(headers) !== 'application/problem+json') {
    report('/response_headers/content-type', `"${headers['content-type'] ?? ''}" on an error`);
    return;
  }
  if (exchange.method === 'HEAD' || context.bodyHidden) return;
  let problem;
  try {
    problem = parseStrict(body);
  } catch (error) {
    report('/response_body', `is not JSON: ${error.message}`);
    return;
  }
  const faults = api.check(['components', 'schemas', 'Problem'], problem);
  for (const { pointer, message } of faults) report(`/response_body${pointer}`, message);
  if (faults.length > 0) return;

  context.problem = problem;
  if (problem.status !== status) report('/response_body/status', `${problem.status} in a ${status}`);
  if (api.problemStatuses[problem.code] !== status) {
    report('/response_body/code', `"${problem.code}" does not belong to ${status}`);
  }
  if (problem.type !== `/problems/${problem.code}`) {
    report('/response_body/type', `"${problem.type}" is not that of "${problem.code}"`);
  }
  if (problem.code === 'length_required' && (headers.connection ?? '').toLowerCase() !== 'close') {
    report('/response_headers/connection', 'is not "close" on length_required');
  }
}

function checkOperation(context) {
  const { api, exchange, report } = context;
  const { method, target, status } = exchange;
  const [pathname, query = ''] = target.split(/\?(.*)/s, 2);
  const route = api.findRoute(pathname);
  if (!route) {
    if (![404, 405, 501, ...TRANSPORT].includes(status)) {
      report('/target', `no route is documented for ${pathname}, but it answered ${status}`);
    }
    return;
  }
  if (method === 'OPTIONS') {
    checkOptions(context);
    return;
  }
  const known = method === 'HEAD' ? 'get' : method.toLowerCase();
  const operation = METHODS.includes(known) && method === method.toUpperCase()
    ? api.operation(route.template, known) : undefined;
  if (!operation) {
    if (![404, 405, 501, ...TRANSPORT].includes(status)) {
      report('/method', `${method} is not documented for ${route.template}, but it answered ${status}`);
    }
    return;
  }

  if (isElsewhere(context, operation)) return;
  checkResponse(context, operation);
  const answer = checkResponseBody(context, operation);
  const faults = requestFaults(context, operation, route, query);
  judgeRequest(context, faults);
  if (answer !== undefined) checkMeaning(context, operation.value.operationId, answer);
}

function checkOptions({ exchange, report, headers, body }) {
  if (exchange.status >= 400) return;
  if (exchange.status !== 204) report('/status', `OPTIONS answered ${exchange.status}, not 204`);
  if (!headers.allow && !headers['access-control-allow-methods']) {
    report('/response_headers/allow', 'is missing, and so is access-control-allow-methods');
  }
  if (body !== '') report('/response_body', 'is not empty');
}

// True if the operation lives on the other listener and this answer says so.
function isElsewhere({ exchange, report, problem }, operation) {
  if (operation.listeners.length > 1) return false;
  const refused = ['not_found', 'method_not_allowed'].includes(problem?.code) ||
    (exchange.method === 'HEAD' && [404, 405].includes(exchange.status));
  if (exchange.listener === undefined) return refused;
  if (operation.listeners.includes(exchange.listener)) return false;
  if (!refused && !TRANSPORT.includes(exchange.status)) {
    report('/status', `${exchange.status} on the ${exchange.listener} listener, where it must not be served`);
  }
  return true;
}

function documented({ api, exchange }, operation) {
  const path = [...operation.path, 'responses', String(exchange.status)];
  return operation.value.responses[exchange.status] ? api.resolve(path) : undefined;
}

function checkResponse(context, operation) {
  const { api, exchange, report, headers } = context;
  const response = documented(context, operation);
  if (!response) {
    report('/status', `${exchange.status} is not documented for ${operation.value.operationId}`);
    return;
  }
  for (const name of Object.keys(response.value.headers ?? {})) {
    const header = api.resolve([...response.path, 'headers', name]);
    const value = headers[name.toLowerCase()];
    if (value === undefined) {
      // A missing Request-Id has been reported already: it is due on every answer.
      if (header.value.required && name !== 'Request-Id') {
        report(`/response_headers/${name.toLowerCase()}`, 'is missing');
      }
      continue;
    }
    for (const { message } of api.check([...header.path, 'schema'], value)) {
      report(`/response_headers/${name.toLowerCase()}`, `"${value}" ${message}`);
    }
  }
}

// Returns the parsed JSON of a success, for further checks.
function checkResponseBody(context, operation) {
  const { api, exchange, report, headers, body } = context;
  const response = documented(context, operation);
  if (!response || exchange.status >= 400) return undefined;
  const content = response.value.content ?? {};
  if (exchange.method === 'HEAD' || Object.keys(content).length === 0) {
    if (body !== '') report('/response_body', 'is not empty');
    if (exchange.method !== 'HEAD') return undefined;
  }
  const type = mediaType(headers);
  if (Object.keys(content).length > 0 && !content[type]) {
    report('/response_headers/content-type', `"${type}" is not documented for this answer`);
    return undefined;
  }
  if (exchange.method === 'HEAD' || context.bodyHidden) return undefined;
  const path = [...response.path, 'content', type];
  if (type === 'application/json' || type === 'application/merge-patch+json') {
    try {
      const value = parseStrict(body);
      const faults = api.check([...path, 'schema'], value);
      for (const { pointer, message } of faults) report(`/response_body${pointer}`, message);
      return faults.length === 0 ? value : undefined;
    } catch (error) {
      report('/response_body', `is not JSON: ${error.message}`);
      return undefined;
    }
  }
  for (const { message } of api.check([...path, 'schema'], body)) report('/response_body', message);
  if (content[type]['x-line-schema']) {
    for (const fault of lineFaults(api, [...path, 'x-line-schema'], body).values()) {
      report('/response_body', fault);
    }
  }
  return undefined;
}

// Everything about the request that the document does not allow: [{pointer, message, form}].
function requestFaults(context, operation, route, query) {
  const faults = [];
  parameterFaults(context, operation, route, query, faults);
  bodyFaults(context, operation, faults);
  return faults;
}

function parameterFaults({ api, requestHeaders }, operation, route, query, faults) {
  const given = { path: route.params, query: {}, header: requestHeaders };
  const known = new Set();
  for (const [name, value] of new URLSearchParams(query)) given.query[name] = value;
  for (const { path, value: parameter } of operation.parameters) {
    const { name } = parameter;
    if (parameter.in === 'query') known.add(name);
    let value = given[parameter.in][parameter.in === 'header' ? name.toLowerCase() : name];
    if (value === undefined) continue;
    const { value: schema } = api.resolve([...path, 'schema']);
    if (schema.type === 'integer' && /^-?[0-9]+$/.test(value)) value = Number(value);
    for (const { message } of api.check([...path, 'schema'], value)) {
      faults.push({ pointer: '/target', message: `${parameter.in} parameter ${name}: ${message}` });
    }
  }
  for (const name of Object.keys(given.query)) {
    if (!known.has(name)) faults.push({ pointer: '/target', message: `unknown query parameter ${name}` });
  }
}

function bodyFaults(context, operation, faults) {
  const { api, exchange, requestHeaders } = context;
  const push = (pointer, message, form) => faults.push({ pointer: `/request_body${pointer}`, message, form });
  const text = exchange.request_body;
  if (!operation.value.requestBody) {
    if (text) push('', 'a body where none is documented');
    return;
  }
  const type = mediaType(requestHeaders);
  const { content, required } = operation.value.requestBody;
  if (!text && !required && !requestHeaders['content-type']) return;
  if (!content[type]) {
    faults.push({ pointer: '/request_headers/content-type', message: `"${type}" is not documented` });
    return;
  }
  // A compressed body that was not recorded as text cannot be judged.
  context.bodyUnknown = (text === null || text === undefined) && requestHeaders['content-encoding'] === 'gzip';
  // Lines are judged one by one elsewhere, tables not at all.
  context.bodyUnjudged = type !== 'application/json';
  if (context.bodyUnknown || context.bodyUnjudged) return;
  try {
    for (const { pointer, message } of api.check(
      [...operation.path, 'requestBody', 'content', type, 'schema'], parseStrict(text ?? ''))) {
      push(pointer, message, 'schema');
    }
  } catch (error) {
    push('', error.message, error instanceof DuplicateMember ? 'json_duplicate_member' : 'not_json');
  }
}

function judgeRequest(context, faults) {
  const { exchange, report, problem } = context;
  if (exchange.status < 400) {
    for (const { pointer, message } of faults) report(pointer, `accepted with ${exchange.status}, but: ${message}`);
    return;
  }
  if (!problem) return;
  if (PLACE_CODES.includes(problem.code) && !problem.errors) {
    report('/response_body/errors', `is missing on "${problem.code}"`);
  }
  if (!FORM_CODES.includes(problem.code) || context.bodyUnknown || context.bodyUnjudged) return;
  const form = { json_unknown_member: 'schema', member_missing: 'schema' }[problem.code] ?? problem.code;
  // Several faults in one body: the server may name any of them.
  if (!faults.some((fault) => fault.form !== undefined)) {
    report('/response_body/code', `"${problem.code}" (${form}), but the request body is as documented`);
  }
}
