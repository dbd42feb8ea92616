// <tally-ranking>: the live ranking as a list with bars. Set `definition` (the poll) and `first` (an
// answer of getRanking, or null) before it is put into a page; `heading`, `links`, `limit` (rows) and
// `root` (where to draw) if they are to be others, `curve` (of seen.js) if there is to be one. Shows at most one version each 250 ms, never an older one; says the leader
// aloud at most every 15 s.

import { clock, number, percent, t, titleOf } from './texts.js';
import { followRanking } from './service.js';
import { announce, button, make } from './page.js';
import { LongList } from './long_list.js';

const DRAW_EVERY_MS = 250;
const ANNOUNCE_EVERY_MS = 15000;
const SEARCH_FROM = 20; // rows

const shown = (value) => (value === null || value === undefined ? '–' : number(value));

// Ballots that somebody took out of the count. A figure that is hidden says nothing, not even that there are some.
function notCounted(totals) {
  const words = [['quarantined', 'held'], ['voided', 'takenOut']].filter(([member]) => totals?.[member] > 0).map(([member, key]) => t(key, { n: totals[member] }));
  return words.length === 0 ? '' : t('notCounted', { what: words.join(', ') });
}

// The live form has no rank: one plus the number of options with a higher score.
function ranked(options) {
  const rows = Object.entries(options ?? {}).map(([id, row]) => ({ id, ...row }));
  const known = rows.map((row) => row.score).filter((score) => score !== null && score !== undefined).sort((a, b) => b - a);
  const rankOf = new Map(known.map((score, index) => [score, index + 1]).reverse());
  for (const row of rows) {
    if (row.rank === undefined && rankOf.has(row.score)) row.rank = rankOf.get(row.score);
  }
  return rows.sort((a, b) => (a.rank ?? Infinity) - (b.rank ?? Infinity) || (a.id < b.id ? -1 : 1));
}

// One list that keeps its elements from version to version.
class Bars {
  constructor(title, options) {
    this.titles = new Map(options.map((option) => [option.id, titleOf(option)]));
    this.items = new Map();
    this.element = make('ol', { class: 'plain bars', 'aria-label': title });
    this.list = new LongList(this.element, (id) => this.item(id).element, (row, id) => this.fill(this.item(id), id));
  }

  item(id) {
    if (!this.items.has(id)) {
      const parts = { figure: make('span', { class: 'figure' }), detail: make('span', { class: 'soft' }), online: make('span'), paper: make('span') };
      parts.element = make('li', {},
        make('div', { class: 'head' }, make('span', {}, this.titles.get(id) ?? id), parts.figure),
        make('div', { class: 'bar', 'aria-hidden': 'true' }, parts.online, parts.paper), parts.detail);
      this.items.set(id, parts);
    }
    return this.items.get(id);
  }

  draw(options, picked, limit) {
    const rows = ranked(options);
    this.limit = limit;
    // What separates the last that gets built from those below, where the score alone decides.
    const least = rows.filter((row) => picked.built?.has(row.id)).at(-1)?.score;
    this.version = { rows, least, largest: Math.max(1, ...rows.map((row) => Math.abs(row.score ?? 0))), ...picked };
    this.places = new Map(rows.map(({ id }, at) => [id, at]));
    this.show();
    return rows;
  }

  // Only those that are searched for, each at the rank it has. Returns how many.
  search(text) {
    this.wanted = text;
    return this.version ? this.show() : 0;
  }

  show() {
    const ids = this.version.rows.slice(0, this.limit).map(({ id }) => id);
    const found = this.wanted ? ids.filter((id) => (this.titles.get(id) ?? id).toLocaleLowerCase().includes(this.wanted)) : ids;
    this.list.show(found);
    return found.length;
  }

  fill(parts, id) {
    const { rows, largest, built } = this.version;
    const index = this.places.get(id);
    const row = rows[index];
    const width = (value) => `${Math.min(100, Math.abs(value ?? 0) / largest * 100)}%`;
    parts.figure.textContent = shown(row.score);
    parts.online.style.width = width(row.online ?? row.score);
    parts.paper.style.width = width(row.paper);
    parts.detail.textContent = this.words(row).filter((word) => word !== '').join(' · ');
    const cut = built && !built.has(row.id) && index > 0 && built.has(rows[index - 1].id);
    parts.element.classList.toggle('cut', Boolean(cut));
  }

  words(row) {
    const { built, builtWord, byScore, least, reasons } = this.version;
    const words = [row.rank === undefined ? '' : t('place', { n: number(row.rank) })];
    if (row.suppressed) words.push(t('suppressed'));
    else words.push(t('split', { online: shown(row.online), paper: shown(row.paper) }));
    if (built?.has(row.id)) words.push(builtWord);
    else if (byScore && least !== undefined && least > row.score) words.push(`${t('belowCut', { n: least - row.score })} (${percent(Math.max(0, row.score) / least)})`);
    else if (reasons?.get(row.id) in REASONS) words.push(t(REASONS[reasons.get(row.id)]));
    return words;
  }
}

// Why something is not built, where the score alone does not say it.
const REASONS = { too_expensive: 'reasonMoney', after_end: 'reasonEnd', below_threshold: 'reasonThreshold', withdrawn: 'reasonWithdrawn' };

// The ids that ?explain=selection says get built.
function builtOf(selection) {
  if (!selection) return null;
  return new Set(selection.options.filter((option) => option.selected).map(({ option }) => option));
}

export class TallyRanking extends HTMLElement {
  connectedCallback() {
    if (this.feed) return;
    const poll = this.definition;
    this.figures = make('p', { class: 'soft' });
    this.trouble = make('p', { class: 'note warn', hidden: true }, t('noRanking'));
    // What of the figures may be seen, and when.
    this.rule = make('p', { class: 'rule', hidden: true });
    this.pauseButton = button(t('pause'), () => this.togglePause(), { 'aria-pressed': 'false' });
    this.lists = new Map();
    const lists = [];
    this.shownParts = make('div', {});
    for (const part of poll.ballot.type === 'survey' ? poll.ballot.questions : [{ id: '', title: t('ranking'), options: poll.options }]) {
      const bars = new Bars(titleOf(part), part.options);
      this.lists.set(part.id, bars);
      if (part.id !== '') lists.push(make('h3', {}, titleOf(part)));
      lists.push(bars.element);
    }
    const most = Math.max(...[...this.lists.values()].map(({ titles }) => titles.size));
    this.shownParts.append(...(most >= SEARCH_FROM && !this.limit ? [this.searchBox()] : []), ...(this.curve ? [this.curve.element] : []), ...lists, make('p', { class: 'soft' }, t('legend'), ' ', this.links ? null : make('a', { href: `/table/${poll.id}` }, t('asTable'))));
    (this.root ?? this).append(make('div', { class: 'top' }, make('h2', {}, this.heading ?? t('ranking')), this.pauseButton), this.figures,
      this.trouble, this.rule, this.shownParts, ...(this.links?.length > 0 ? [make('p', { class: 'soft' }, ...this.links)] : []));
    this.feed = followRanking(poll.id, {
      explain: Boolean(poll.selection),
      first: this.first,
      onRanking: (ranking) => { this.newest = ranking; this.curve?.take(ranking); this.drawSoon(); },
      onTrouble: (there) => { this.trouble.hidden = !there; this.curve?.trouble(there); },
    });
    if (this.curve) this.showCurve();
  }

  disconnectedCallback() {
    this.feed?.stop();
    this.feed = null;
    this.curve?.stop();
    this.resized?.disconnect();
    clearTimeout(this.timer);
  }

  // After a vote: whoever voted sees it counted at once.
  refresh() {
    this.feed?.refresh();
  }

  togglePause() {
    this.paused = !this.paused;
    this.pauseButton.setAttribute('aria-pressed', String(this.paused));
    this.curve?.pause(this.paused);
    if (!this.paused) this.drawSoon();
  }

  // It stands above the lists: as it unfolds, other rows of theirs are in the window.
  showCurve() {
    this.curve.start();
    this.resized = new ResizeObserver(() => { for (const { list } of this.lists.values()) if (list.long) list.moved(); });
    this.resized.observe(this.curve.element);
  }

  drawSoon() {
    if (this.timer || this.paused) return;
    if (this.drawn === undefined) {
      this.draw();
      return;
    }
    const wait = Math.max(0, (this.drawn ?? -Infinity) + DRAW_EVERY_MS - performance.now());
    this.timer = setTimeout(() => {
      this.timer = null;
      if (!this.paused && this.newest) this.draw();
    }, wait);
  }

  draw() {
    this.drawn = performance.now();
    const ranking = this.newest;
    this.dataset.version = ranking.version;
    const { totals } = ranking;
    this.figures.textContent = [
      totals?.ballots === undefined || totals.ballots === null ? '' : t('ballots', { n: totals.ballots }),
      totals?.online === undefined || totals.online === null ? '' : t('split', { online: number(totals.online), paper: number(totals.paper) }),
      notCounted(totals),
      t('asOf', { time: clock(ranking.as_of) }),
    ].filter((text) => text !== '').join(' · ');
    const hidden = ranking.options === undefined && ranking.questions === undefined;
    this.sayRule(ranking, hidden);
    if (hidden) return;
    let rows = [];
    for (const [id, bars] of this.lists) {
      const options = id === '' ? ranking.options : ranking.questions?.[id]?.options;
      const picked = { built: id === '' ? builtOf(ranking.selection) : null, reasons: id === '' && ranking.selection ? new Map(ranking.selection.options.map(({ option, reason }) => [option, reason])) : null, builtWord: t(ranking.selection?.provisional ? 'wouldBeBuilt' : 'built'), byScore: ranking.selection?.rule === 'top' };
      rows = bars.draw(options, picked, this.limit ?? Infinity);
    }
    if (this.lists.size === 1) this.sayLeader(rows);
  }

  searchBox() {
    const count = make('span', { class: 'soft', role: 'status' });
    const search = make('input', { type: 'search', id: 'ranking-search', oninput: () => {
      const wanted = search.value.trim().toLocaleLowerCase();
      const found = [...this.lists.values()].reduce((sum, bars) => sum + bars.search(wanted), 0);
      count.textContent = wanted === '' ? '' : t('found', { n: found });
    } });
    return make('div', {}, make('label', { for: search.id }, t('searchRanking')), search, count);
  }

  sayRule(ranking, hidden) {
    const { visibility, coarse } = this.definition;
    const text = hidden ? t(ranking.visible_from === 'final' ? 'sealedFinal' : 'sealedClosed')
      : visibility === 'coarse' && ranking.state !== 'final' ? t('coarse', { k: number(coarse.k) }) : '';
    if (this.shownParts.hidden && !hidden) announce(t('unsealed'));
    this.shownParts.hidden = hidden;
    this.rule.textContent = text;
    this.rule.hidden = text === '';
  }

  sayLeader(rows) {
    const [first, second] = rows;
    if (!first || !first.score || first.score === second?.score || first.id === this.leader) return;
    const now = performance.now();
    if (this.said !== undefined && now - this.said < ANNOUNCE_EVERY_MS) return;
    // The first picture is read by whoever wants to; only changes are news.
    if (this.leader !== undefined) {
      this.said = now;
      announce(t('leads', { title: this.lists.get('').titles.get(first.id) ?? first.id }));
    }
    this.leader = first.id;
  }
}
