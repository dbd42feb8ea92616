// How the counts of a poll grew: a drawing of the leading ideas and the same figures as a table. From
// the poll's history, which the private listener has. Loaded when somebody opens it.

import { currentLanguage, number, t, titleOf } from './texts.js';
import { make } from './page.js';
import { explain, perform } from './desk.js';
import { pollPath } from './service.js';
import { keyOf, questionsOf } from './paper_cells.js';

const STEPS_S = [3600, 60, 1]; // finer while there are few
const STEPS_ENOUGH = 12;
const POINTS_MAX = 200;
const LINES_MAX = 5; // ideas in one drawing
const [HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [300, 56, 12, 12, 28];
// As wide as there is room, so that its letters are as large as the page's.
const room = () => Math.min(700, Math.max(280, document.documentElement.clientWidth - 32));

// [{at, totals, scores: Map(option id -> score)}] of one question, from lines that name what changed.
function points(lines, question) {
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

function shape(name, attributes, ...children) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

// Round numbers from 0 to at least `most`: at most five of them.
function ticks(least, most) {
  const span = Math.max(1, most - least);
  const power = 10 ** Math.floor(Math.log10(span / 4));
  const step = Math.max(1, [1, 2, 5, 10].map((times) => times * power).find((size) => span / size <= 4));
  const found = [];
  for (let value = Math.floor(least / step) * step; value < most + step; value += step) found.push(value);
  return found;
}

function moment(at, span) {
  const parts = span > 2 * 86400000 ? { day: 'numeric', month: 'short' } : span > 10 * 60000 ? { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' } : { hour: '2-digit', minute: '2-digit', second: '2-digit' };
  return new Intl.DateTimeFormat(currentLanguage(), parts).format(at);
}

function drawing(shown, leaders, label) {
  const wide = room();
  const [first, last] = [shown[0].at.getTime(), shown.at(-1).at.getTime()];
  const span = Math.max(1, last - first);
  const values = shown.flatMap(({ scores }) => leaders.map(({ id }) => scores.get(id)));
  const marks = ticks(Math.min(0, ...values), Math.max(1, ...values));
  const [low, high] = [marks[0], marks.at(-1)];
  const x = (at) => LEFT + (at.getTime() - first) / span * (wide - LEFT - RIGHT);
  const y = (value) => HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - TOP - BOTTOM);
  const parts = marks.flatMap((value) => [shape('line', { class: 'grid', x1: LEFT, x2: wide - RIGHT, y1: y(value), y2: y(value) }), shape('text', { x: LEFT - 8, y: y(value) + 5, 'text-anchor': 'end' }, number(value))]);
  parts.push(shape('text', { x: LEFT, y: HEIGHT - 6 }, moment(shown[0].at, span)), shape('text', { x: wide - RIGHT, y: HEIGHT - 6, 'text-anchor': 'end' }, moment(shown.at(-1).at, span)));
  // Counts stay what they are until the next step.
  for (const [index, { id }] of leaders.entries()) {
    const way = shown.map(({ at, scores }, step) => `${step === 0 ? `M${x(at).toFixed(1)} ${y(scores.get(id)).toFixed(1)}` : `H${x(at).toFixed(1)}V${y(scores.get(id)).toFixed(1)}`}`).join('');
    parts.push(shape('path', { class: `line line${index}`, 'data-id': id, d: way }));
  }
  return shape('svg', { class: 'curve', viewBox: `0 0 ${wide} ${HEIGHT}`, role: 'img', 'aria-label': label }, ...parts);
}

function legend(leaders, question) {
  return make('ul', { class: 'plain legend' }, ...leaders.map((option, index) => make('li', {},
    shape('svg', { class: 'curve key', viewBox: '0 0 40 10', 'aria-hidden': 'true' }, shape('path', { class: `line line${index}`, d: 'M0 5H40' })),
    make('span', { 'data-id': keyOf(question, option) }, titleOf(option)))));
}

function twin(shown, leaders, caption) {
  const span = shown.at(-1).at - shown[0].at;
  return make('details', {}, make('summary', {}, t('curveTable')), make('div', { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': caption }, make('table', { class: 'curve-table' }, make('caption', {}, caption),
    make('thead', {}, make('tr', {}, make('th', { scope: 'col' }, t('curveAt')), make('th', { scope: 'col' }, t('curveBallots')), ...leaders.map((option) => make('th', { scope: 'col' }, titleOf(option))))),
    make('tbody', {}, ...shown.map(({ at, ballots, scores }) => make('tr', {}, make('th', { scope: 'row' }, moment(at, span)), make('td', {}, number(ballots)), ...leaders.map(({ id }) => make('td', {}, number(scores.get(id))))))))));
}

function questionParts(lines, question) {
  const all = points(lines, question);
  const { scores } = all.at(-1);
  const leaders = [...question.options].sort((a, b) => scores.get(b.id) - scores.get(a.id) || (a.id < b.id ? -1 : 1)).slice(0, LINES_MAX);
  const shown = thinned(all);
  const caption = question.options.length > leaders.length ? t('curveLeading', { n: number(leaders.length), all: number(question.options.length) }) : t('curve');
  const said = leaders.map((option) => `${titleOf(option)} ${number(scores.get(option.id))}`).join(', ');
  return [question.id === '' ? null : make('h3', {}, question.title), make('p', { class: 'soft' }, caption),
    drawing(shown, leaders, t('curveSays', { from: moment(shown[0].at, Infinity), to: moment(shown.at(-1).at, Infinity), leaders: said })), legend(leaders, question), twin(shown, leaders, question.id === '' ? caption : `${question.title}: ${caption}`)];
}

// The parts of the curve of a poll, drawn from what the server has now.
export async function curveParts(poll) {
  try {
    const lines = await history(poll);
    if (lines.every(({ totals }) => totals.ballots === 0)) return [make('p', {}, t('curveNone'))];
    return questionsOf(poll).flatMap((question) => questionParts(lines, question)).filter((part) => part !== null);
  } catch (problem) {
    return [make('p', { class: 'note warn' }, problem.status === 403 && poll.visibility !== 'live' ? t('curveHidden') : explain(problem))];
  }
}
