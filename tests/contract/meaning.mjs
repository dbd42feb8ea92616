// What a schema cannot say: sums, ranks, and that header and body speak of the same thing.

import { lineFaults } from './openapi.mjs';

const MEANINGS = {
  castVote: checkVote,
  castVotes: checkBatch,
  getRanking: checkRanking,
  getPoll: checkPoll,
  putPoll: checkPoll,
  transitionPoll: checkPoll,
  verify: checkVerify,
};

// `answer` is the parsed body of a success that fits its schema.
export function checkMeaning(context, operationId, answer) {
  MEANINGS[operationId]?.(context, answer);
}

function checkVote({ report, headers, exchange }, { poll, receipt }) {
  const location = headers.location;
  if (location !== undefined && location !== `/v1/receipts/${receipt}`) {
    report('/response_headers/location', 'is not that of the receipt');
  }
  if (!exchange.target.startsWith(`/v1/polls/${poll}/`)) {
    report('/response_body/poll', `"${poll}" is not the poll of ${exchange.target}`);
  }
}

function checkPoll({ report, headers }, { revision, options }) {
  if (headers.etag !== undefined && !new RegExp(`\\b${revision}"$`).test(headers.etag)) {
    report('/response_headers/etag', `${headers.etag} is not revision ${revision}`);
  }
  if (new Set(options.map(({ id }) => id)).size !== options.length) {
    report('/response_body/options', 'an id is there twice');
  }
}

function checkRanking(context, answer) {
  const { report, headers } = context;
  const { version, totals, options, questions } = answer;
  if (headers.etag !== `W/"${version}"`) {
    report('/response_headers/etag', `${headers.etag} is not version ${version}`);
  }
  if (totals.ballots !== totals.online + totals.paper) {
    report('/response_body/totals/ballots', 'is not online + paper');
  }
  if (questions === undefined) {
    checkRanks(context, '/response_body/options', options);
    return;
  }
  for (const [id, question] of Object.entries(questions)) {
    checkRanks(context, `/response_body/questions/${id}/options`, question.options);
  }
}

// Of all options, or of those of one question.
function checkRanks({ report, exchange }, place, options) {
  for (const [id, { score, online, paper }] of Object.entries(options)) {
    if (score !== online + paper) report(`${place}/${id}/score`, 'is not online + paper');
  }
  const query = new URLSearchParams(exchange.target.split('?')[1]);
  if (query.get('form') === 'live') {
    for (const [id, option] of Object.entries(options)) {
      if ('rank' in option) report(`${place}/${id}/rank`, 'is in a live form');
    }
    return;
  }
  // A cut ranking lacks only options at its end, so the ranks of the rest can be derived from it too.
  const sorted = Object.entries(options).sort(([, a], [, b]) => b.score - a.score);
  let rank = 0;
  sorted.forEach(([id, option], i) => {
    if (i === 0 || option.score !== sorted[i - 1][1].score) rank = i + 1;
    if (option.rank !== rank) report(`${place}/${id}/rank`, `is ${option.rank}, not ${rank}`);
  });
  const top = query.get('top');
  if (top !== null && sorted.length > Number(top)) {
    report(place, `${sorted.length} options with top=${top}`);
  }
}

function checkBatch(context, answer) {
  const { api, exchange, report } = context;
  const text = exchange.request_body;
  const { items, rejected, truncated } = answer;
  const results = new URLSearchParams(exchange.target.split('?')[1]).get('results') ?? 'errors';
  const refused = items.filter(({ status }) => status >= 400);
  if (results === 'errors' && refused.length !== items.length) {
    report('/response_body/items', 'lists accepted lines with results=errors');
  }
  if (results === 'none' && items.length > 0) report('/response_body/items', 'is not empty with results=none');
  if (results === 'errors' && items.length > 1000) report('/response_body/items', 'lists more than 1,000 lines');
  const hidden = refused.length < rejected;
  if ((results === 'errors' && truncated !== hidden) || (results === 'all' && hidden && !truncated)) {
    report('/response_body/truncated', `is ${truncated}, but ${refused.length} of ${rejected} are listed`);
  }
  items.forEach(({ status, code }, i) => {
    if (status >= 400 && api.problemStatuses[code] !== status) {
      report(`/response_body/items/${i}/code`, `"${code}" does not belong to ${status}`);
    }
  });
  if (context.bodyUnknown) return;

  // A line of nothing but blanks may be skipped or refused.
  const lines = (text ?? '').split('\n').map((line) => line.replace(/\r$/, '')).filter((line) => line !== '');
  const least = lines.filter((line) => line.trim() !== '').length;
  const decided = answer.counted + answer.duplicate + answer.replaced + rejected;
  if (decided < least || decided > lines.length) {
    report('/response_body', `speaks of ${decided} lines, the request has ${least}`);
  }
  checkLines(context, answer, new Set(refused.map(({ line }) => line)), results !== 'none');
}

function checkLines({ api, exchange, report }, { rejected, truncated }, refused, listed) {
  const schema = ['paths', '/v1/polls/{poll}/votes/batch', 'post', 'requestBody', 'content',
    'application/x-ndjson', 'x-line-schema'];
  const faults = lineFaults(api, schema, exchange.request_body ?? '');
  if (faults.size > rejected) {
    report('/response_body/rejected', `is ${rejected}, but ${faults.size} lines break the schema`);
  }
  if (!listed || truncated) return;
  for (const [line, fault] of faults) {
    if (!refused.has(line)) report('/request_body', `accepted, but ${fault}`);
  }
}

function checkVerify({ report }, { ok, polls }) {
  if (ok && polls.some((poll) => !poll.ok)) report('/response_body/ok', 'is true, but not for every poll');
}
