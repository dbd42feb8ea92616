// The curve of a poll from its history, which the private listener has. Loaded when somebody opens it.

import { t } from './texts.js';
import { make } from './page.js';
import { explain, perform } from './desk.js';
import { pollPath } from './service.js';
import { questionsOf } from './questions.js';
import { Curve } from './curve.js';

const STEPS_S = [3600, 60, 1]; // finer while there are few
const STEPS_ENOUGH = 12;
const POINTS_MAX = 200;

// [{at, ballots, scores: Map(option id -> score)}] of one question, from lines that name what changed.
function pointsOf(lines, question) {
  const scores = new Map(question.options.map(({ id }) => [id, 0]));
  return lines.map((line) => {
    const changed = question.id === '' ? line.options : line.questions?.[question.id]?.options;
    for (const [id, { score }] of Object.entries(changed ?? {})) scores.set(id, score);
    return { at: new Date(line.at), ballots: line.totals.ballots, scores: new Map(scores) };
  });
}

// At most POINTS_MAX of them, the last one always.
function thinned(all) {
  const every = Math.ceil(all.length / POINTS_MAX);
  return all.filter((_, at) => (all.length - 1 - at) % every === 0);
}

async function history(poll) {
  let lines = [];
  for (const step of STEPS_S) {
    // A year of hours is less than a page.
    lines = (await perform(`${pollPath(poll.id)}/export/history.ndjson?step=${step}&limit=10000`, {})).body;
    if (lines.length >= STEPS_ENOUGH) break;
  }
  return lines;
}

// The parts of the curve of a poll, drawn from what the server has now.
export async function curveParts(poll) {
  try {
    const lines = await history(poll);
    if (lines.every(({ totals }) => totals.ballots === 0)) return [make('p', {}, t('curveNone'))];
    return questionsOf(poll).flatMap((question) => {
      const curve = new Curve(question);
      curve.show(thinned(pointsOf(lines, question)));
      return curve.parts;
    });
  } catch (problem) {
    return [make('p', { class: 'note warn' }, problem.status === 403 && poll.visibility !== 'live' ? t('curveHidden') : explain(problem))];
  }
}
