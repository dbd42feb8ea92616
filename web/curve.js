// How the counts of a question grew: a drawing of the leading ideas and the same figures as a table.
// Where its points are from is not its business. Loaded when somebody opens a curve.

import './texts_curve.js';
import { currentLanguage, number, t, titleOf } from './texts.js';
import { make } from './page.js';
import { keyOf } from './questions.js';

const LINES_MAX = 5; // ideas in one drawing
const [HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [300, 56, 12, 12, 28];
const GAP_PX_LEAST = 3;
// As wide as there is room, so that its letters are as large as the page's.
const room = () => Math.min(700, Math.max(280, document.documentElement.clientWidth - 32));
const figure = (value) => (value === undefined || value === null ? '–' : number(value));

function shape(name, attributes, ...children) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

// Round numbers from at most `least` to at least `most`: a handful of them.
function ticks(least, most) {
  const span = Math.max(1, most - least);
  const power = 10 ** Math.floor(Math.log10(span / 4));
  const step = Math.max(1, [1, 2, 5, 10].map((times) => times * power).find((size) => span / size <= 4));
  const found = [];
  for (let value = Math.floor(least / step) * step; value < most + step; value += step) found.push(value);
  return found;
}

function momentParts(span, live) {
  if (span > 2 * 86400000) return { day: 'numeric', month: 'short' };
  if (span > (live ? 12 * 3600000 : 10 * 60000)) return { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' };
  return { hour: '2-digit', minute: '2-digit', second: '2-digit' };
}

// The way of one idea. Counts stay what they are until the next point; where there is no figure, and
// over a gap, there is no line.
function wayOf(points, id, x, y) {
  let down = false;
  let way = '';
  for (const { at, gap, scores } of points) {
    const value = scores.get(id);
    const known = value !== undefined && value !== null;
    if (down && (gap || !known)) {
      way += `H${x(gap ? gap.from : at)}`;
      down = false;
    }
    if (known) way += down ? `H${x(at)}V${y(value)}` : `M${x(at)} ${y(value)}h0`;
    down = known;
  }
  return way;
}

// `parts` are to be put into a page; show() may be called again and again: what somebody reads or has
// the focus in stays where it is. `live`: the points are of this visit, with times to the second.
export class Curve {
  constructor(question, { live = false } = {}) {
    Object.assign(this, { question, live, titles: new Map(question.options.map((option) => [option.id, titleOf(option)])), slots: [], rows: new Map() });
    const { options, title } = question;
    const caption = options.length > LINES_MAX ? t('curveLeading', { n: number(LINES_MAX), all: number(options.length) }) : t('curveAll');
    this.caption = question.id === '' ? caption : `${title}: ${caption}`;
    this.svg = shape('svg', { class: 'curve', role: 'img' });
    this.legend = make('ul', { class: 'plain legend' });
    this.notes = ['curveGaps', 'curveDash'].map((key) => make('p', { class: 'soft', hidden: true }, t(key)));
    this.head = make('tr', {});
    this.body = make('tbody', {});
    this.parts = [...(question.id === '' ? [] : [make('h3', {}, title)]), make('p', { class: 'soft' }, caption), this.svg, this.legend, ...this.notes, this.twin()];
  }

  twin() {
    this.table = make('details', { ontoggle: () => this.fillTable() }, make('summary', {}, t('curveTable')),
      make('div', { class: 'scroll curve-scroll', tabindex: '0', role: 'group', 'aria-label': this.caption }, make('table', { class: 'curve-table' }, make('caption', {}, this.caption), make('thead', {}, this.head), this.body)));
    return this.table;
  }

  // points: [{at: Date, ballots, scores: Map(option id -> score), gap: null or {from, to}}], at least one.
  show(points) {
    this.points = points;
    const last = points.findLast(({ scores }) => scores.size > 0)?.scores ?? new Map();
    this.choose([...last.keys()].sort((a, b) => last.get(b) - last.get(a) || (a < b ? -1 : 1)).filter((id) => this.titles.has(id)).slice(0, LINES_MAX));
    this.span = points.at(-1).at - points[0].at;
    this.draw(last);
    this.notes[0].hidden = points.every(({ gap }) => !gap);
    this.notes[1].hidden = points.every(({ gap, scores }) => (gap && scores.size === 0) || this.leaders.every((id) => scores.has(id)));
    this.fillTable();
  }

  // An idea keeps its line and its column as long as it is among the leaders.
  choose(leaders) {
    this.leaders = leaders;
    const before = this.slots.join();
    const free = leaders.filter((id) => !this.slots.includes(id));
    this.slots = this.slots.map((id) => (leaders.includes(id) ? id : free.shift())).filter((id) => id !== undefined);
    this.slots.push(...free);
    if (this.slots.join() === before && this.head.children.length > 0) return;
    this.legend.replaceChildren(...this.slots.map((id, index) => make('li', {},
      shape('svg', { class: 'curve key', viewBox: '0 0 40 10', 'aria-hidden': 'true' }, shape('path', { class: `line line${index}`, d: 'M0 5H40' })),
      make('span', { 'data-id': keyOf(this.question, { id }) }, this.titles.get(id)))));
    this.head.replaceChildren(...[t(this.live ? 'curveAsOf' : 'curveAt'), t('curveBallots'), ...this.slots.map((id) => this.titles.get(id))].map((text) => make('th', { scope: 'col' }, text)));
    this.rows.clear();
  }

  moment(at) {
    return new Intl.DateTimeFormat(currentLanguage(), momentParts(this.span, this.live)).format(at);
  }

  draw(last) {
    const { points } = this;
    const wide = room();
    const first = points[0].at.getTime();
    const values = points.flatMap(({ scores }) => this.slots.map((id) => scores.get(id) ?? 0));
    const marks = ticks(Math.min(0, ...values), Math.max(1, ...values));
    const [low, high] = [marks[0], marks.at(-1)];
    const x = (at) => (LEFT + (at - first) / Math.max(1, this.span) * (wide - LEFT - RIGHT)).toFixed(1);
    const y = (value) => (HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - TOP - BOTTOM)).toFixed(1);
    const gaps = points.flatMap(({ gap }) => (gap ? [shape('rect', { class: 'gap', x: x(gap.from), y: TOP, width: Math.max(GAP_PX_LEAST, x(gap.to) - x(gap.from)), height: HEIGHT - TOP - BOTTOM })] : []));
    const grid = marks.flatMap((value) => [shape('line', { class: 'grid', x1: LEFT, x2: wide - RIGHT, y1: y(value), y2: y(value) }), shape('text', { x: LEFT - 8, y: Number(y(value)) + 5, 'text-anchor': 'end' }, number(value))]);
    const times = [shape('text', { x: LEFT, y: HEIGHT - 6 }, this.moment(points[0].at)), shape('text', { x: wide - RIGHT, y: HEIGHT - 6, 'text-anchor': 'end' }, this.moment(points.at(-1).at))];
    const lines = this.slots.map((id, index) => shape('path', { class: `line line${index}`, 'data-id': id, d: wayOf(points, id, x, y) }));
    this.svg.setAttribute('viewBox', `0 0 ${wide} ${HEIGHT}`);
    this.svg.setAttribute('aria-label', t('curveSays', { ...this.ends(), leaders: this.leaders.map((id) => `${this.titles.get(id)} ${number(last.get(id))}`).join(', ') }));
    this.svg.replaceChildren(...gaps, ...grid, ...times, ...lines);
  }

  // From when to when, by the day where it is the history of a poll.
  ends() {
    const say = (at) => (this.live ? this.moment(at) : new Intl.DateTimeFormat(currentLanguage(), momentParts(Infinity)).format(at));
    return { from: say(this.points[0].at), to: say(this.points.at(-1).at) };
  }

  // Only while somebody looks at it. A row keeps its element.
  fillTable() {
    if (!this.table.open || !this.points) return;
    const rows = this.points.flatMap(({ at, gap, ballots, scores }, index) => {
      const key = index === this.points.length - 1 ? 'last' : at.getTime();
      const lost = gap ? [this.row(`gap ${gap.from}`, [this.moment(gap.to), t('curveLost', { from: this.moment(gap.from), to: this.moment(gap.to) })], this.slots.length + 1)] : [];
      if (gap && scores.size === 0) return lost;
      return [...lost, this.row(key, [this.moment(at), figure(ballots), ...this.slots.map((id) => figure(scores.get(id)))])];
    });
    const wanted = new Set(rows);
    for (const [key, row] of this.rows) if (!wanted.has(row)) this.rows.delete(key);
    for (const row of [...this.body.children]) if (!wanted.has(row)) row.remove();
    rows.forEach((row, index) => { if (this.body.children[index] !== row) this.body.insertBefore(row, this.body.children[index] ?? null); });
  }

  // `wide`: the second cell is as wide as so many.
  row(key, texts, wide) {
    if (!this.rows.has(key)) {
      this.rows.set(key, make('tr', { class: wide && 'lost' }, make('th', { scope: 'row' }), ...texts.slice(1).map(() => make('td', { colspan: wide }))));
    }
    const row = this.rows.get(key);
    texts.forEach((text, index) => { if (row.children[index].textContent !== text) row.children[index].textContent = text; });
    return row;
  }
}
