// The curve of the citizens' page: what the page itself has seen of a ranking since it was opened. The
// public listener has no history, so nothing is asked for; the drawing is loaded when it is wanted.

import { clock, t } from './texts.js';
import { make } from './page.js';
import { questionsOf } from './questions.js';

const POINTS_MAX = 200;
const KEPT_MAX = 40; // ideas of a point, over all questions
const KEPT_LEAST = 5; // of each question: as many as are drawn
const FIRST_STEP_MS = 1000;
const GAP_MS = 5000; // a shorter break is none
const BEAT_MS = 10000;
const SLEPT_MS = 90000; // a page in the background may beat once a minute
const DRAW_EVERY_MS = 2000;

// What was seen, bounded: however many versions come, one is kept for each step of time, the newest of
// it, and the steps grow. A version costs nothing but to be remembered until the next; of the one
// that is kept only the leading ideas are.
export class Seen {
  constructor(questions, now = Date.now()) {
    this.ids = questions.map(({ id }) => id);
    this.keep = Math.max(KEPT_LEAST, Math.floor(KEPT_MAX / this.ids.length));
    Object.assign(this, { points: [], step: FIRST_STEP_MS, alive: now, lost: null });
  }

  take(ranking, now = Date.now()) {
    this.beat(now);
    this.back(now);
    // What is hidden from the beginning begins when it is shown.
    if (this.points.length > 0 || ranking.options || ranking.questions) this.put(now, { ranking }, null);
  }

  // Whether the page was awake; if not it saw nothing since it last was.
  beat(now = Date.now()) {
    const awake = now - this.alive <= SLEPT_MS;
    if (!awake) this.lose(this.alive);
    this.alive = now;
    return awake;
  }

  lose(now = Date.now()) {
    this.lost ??= now;
  }

  back(now = Date.now()) {
    const from = this.lost;
    this.lost = null;
    if (from === null || now - from <= GAP_MS || this.points.length === 0) return;
    const { ranking, figures } = this.points.at(-1);
    this.put(now, { ranking, figures }, { from, to: now });
  }

  put(now, what, gap) {
    const last = this.points.at(-1);
    const at = Math.max(now, last?.at ?? now); // a clock may be set back
    const slot = this.points.length === 0 ? -1 : this.slotOf(at);
    if (last && gap === null && last.slot === slot) {
      Object.assign(last, { at, ranking: undefined, figures: undefined }, what);
      return;
    }
    if (last) this.settle(last);
    this.points.push({ at, slot, gap, ...what });
    if (this.points.length > POINTS_MAX) this.thin();
  }

  slotOf(at) {
    return Math.floor((at - this.points[0].at) / this.step);
  }

  // Steps of twice the length; a gap in one of them stays.
  thin() {
    this.step *= 2;
    const kept = [];
    for (const point of this.points) {
      const before = kept.at(-1);
      if (kept.length > 0) point.slot = this.slotOf(point.at);
      if (before?.slot === point.slot) {
        kept.pop();
        if (before.gap) point.gap = { from: before.gap.from, to: point.gap?.to ?? before.gap.to };
      }
      kept.push(point);
    }
    this.points = kept;
  }

  // Its figures instead of the whole ranking; of a hidden one there are none.
  settle(point) {
    point.figures ??= { ballots: point.ranking.totals?.ballots, scores: new Map(this.ids.map((id) => [id, this.leading(id === '' ? point.ranking.options : point.ranking.questions?.[id]?.options)])) };
    point.ranking = undefined;
  }

  leading(options) {
    const known = Object.entries(options ?? {}).filter(([, { score }]) => score !== null && score !== undefined);
    if (known.length > this.keep) known.sort(([a, { score: x }], [b, { score: y }]) => y - x || (a < b ? -1 : 1));
    return new Map(known.slice(0, this.keep).map(([id, { score }]) => [id, score]));
  }

  // [{at, gap, figures}] up to now: what counts still does, unless the page is cut off.
  upTo(now = Date.now()) {
    if (this.points.length === 0) return [];
    const last = this.points.at(-1);
    const { ranking } = last;
    this.settle(last);
    last.ranking = ranking; // may still be replaced
    const points = this.points.map(({ at, gap, figures }) => ({ at: new Date(at), gap, figures }));
    const cut = this.lost !== null && now - this.lost > GAP_MS;
    if (now > last.at) points.push({ at: new Date(now), gap: cut ? { from: this.lost, to: now } : null, figures: cut ? null : last.figures });
    return points;
  }
}

// Of the poll seen last, so that another language or a look at the list of polls does not begin anew.
let kept = null;

// Its `element` stands in the ranking, which tells it what comes.
export class SeenCurve {
  constructor(poll) {
    this.questions = questionsOf(poll);
    if (kept?.poll !== poll.id) kept = { poll: poll.id, seen: new Seen(this.questions) };
    this.seen = kept.seen;
    this.place = make('div', {});
    this.element = make('details', { id: 'curve', ontoggle: () => this.open() }, make('summary', {}, t('curveSeen')), this.place);
  }

  start() {
    this.beating ??= setInterval(() => {
      if (this.seen.beat() && !this.troubled) this.seen.back();
      this.drawSoon();
    }, BEAT_MS);
  }

  stop() {
    clearInterval(this.beating);
    clearTimeout(this.timer);
    this.beating = this.timer = null;
    this.seen.lose();
  }

  take(ranking) {
    this.seen.take(ranking);
    this.drawSoon();
  }

  trouble(there) {
    this.troubled = there;
    if (there) {
      this.seen.beat();
      this.seen.lose();
    } else if (this.seen.lost !== null) {
      this.seen.beat();
      this.seen.back();
    }
  }

  // The drawing stands still; what comes meanwhile is seen.
  pause(paused) {
    this.frozen = paused ? this.seen.upTo() : null;
    this.drawSoon();
  }

  async open() {
    if (!this.element.open) return;
    try {
      const { Curve } = await import('./curve.js');
      this.curves ??= this.questions.map((question) => new Curve(question, { live: true }));
      this.draw();
    } catch (problem) {
      if (!(problem instanceof TypeError)) throw problem;
      this.place.replaceChildren(make('p', { class: 'note warn' }, t('unreachable'))); // asked for again when it is opened again
    }
  }

  drawSoon() {
    if (!this.curves || !this.element.open || this.frozen) return;
    this.timer ??= setTimeout(() => {
      this.timer = null;
      if (this.element.open && !this.frozen) this.draw();
    }, DRAW_EVERY_MS);
  }

  draw() {
    const points = this.frozen ?? this.seen.upTo();
    const there = points.some(({ figures }) => figures && [...figures.scores.values()].some((scores) => scores.size > 0));
    if (!there) {
      this.place.replaceChildren(make('p', {}, t('curveNoFigures')));
      this.since = null;
      return;
    }
    for (const [at, curve] of this.curves.entries()) {
      curve.show(points.map(({ at: moment, gap, figures }) => ({ at: moment, gap, ballots: figures?.ballots, scores: figures?.scores.get(this.questions[at].id) ?? new Map() })));
    }
    if (!this.since) {
      this.since = make('p', {});
      this.place.replaceChildren(this.since, ...this.curves.flatMap(({ parts }) => parts));
    }
    const said = t('curveSince', { time: clock(points[0].at) });
    if (this.since.textContent !== said) this.since.textContent = said;
  }
}
