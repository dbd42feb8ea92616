// The sheet on which one opening of a box is entered, by keyboard alone: totals field by field, or
// card by card. Every keystroke is in the draft before anything else happens.

import { number, t, titleOf } from './texts.js';
import { announce, labelled, make } from './page.js';
import { keepDraft } from './paper_drafts.js';
import { namedRange, readCard } from './paper_cards.js';

const UNDO_CARDS_MAX = 200;
const HEAD_CELLS = ['cards', 'invalid', 'blank'];

// '50+27' is 77, '' is 0; null: no number. Scores of updown may be negative.
export function readCell(text) {
  const plain = text.replace(/\s/g, '');
  if (plain === '') return 0;
  if (!/^-?\d{1,15}(\+\d{1,15})*$/.test(plain)) return null;
  return plain.split('+').reduce((sum, part) => sum + Number(part), 0);
}

// What a cell is called, in difference views and faults; null: not a cell of the sheet.
export function cellTitle(poll, name) {
  if (HEAD_CELLS.includes(name)) return t(name);
  const option = poll.options.find(({ id }) => id === name.slice(2));
  return option ? titleOf(option) : name;
}

export class Sheet {
  constructor(poll, draft) {
    this.poll = poll;
    this.draft = draft;
    this.scored = poll.ballot.type !== 'choose';
    this.inputs = new Map();
    this.notKept = make('p', { class: 'note warn', hidden: true }, t('notKept'));
    this.sum = make('p', { id: 'sum', class: 'sum' });
    this.element = make('div', {}, this.notKept, this.head(), this.cardLine(), this.table(), this.sum);
    this.tellSum();
  }

  text(name, label, attributes = {}) {
    const input = make('input', { type: 'text', id: `head-${name}`, autocomplete: 'off', value: this.draft.cells[name] ?? '', ...attributes,
      oninput: () => { this.draft.cells[name] = input.value; this.keep(); } });
    return labelled(label, input);
  }

  head() {
    const { draft, poll } = this;
    const box = poll.boxes.find(({ id }) => id === draft.box);
    const parts = [make('p', {}, `${t('box')}: `, make('strong', {}, box?.place ?? draft.box))];
    if (draft.kind === 'first') {
      parts.push(this.text('opened_at', t('openedAt'), { type: 'datetime-local' }), this.text('counted_by', t('countedBy')));
    }
    parts.push(this.text('seal', t('seal')));
    return make('div', {}, ...parts);
  }

  // A cell keeps what was typed; leaving it shows the sum of what was added up.
  cell(name, label) {
    const input = make('input', {
      type: 'text', inputmode: 'numeric', autocomplete: 'off', class: 'cell', 'aria-label': label, 'data-cell': name, value: this.draft.cells[name] ?? '',
      oninput: () => this.set(name, input.value),
      onfocus: () => input.select(),
      onblur: () => {
        const value = readCell(input.value);
        if (value !== null && input.value.includes('+')) { input.value = String(value); this.set(name, input.value); }
      },
      onkeydown: (event) => {
        const step = { Enter: 1, ArrowDown: 1, ArrowUp: -1 }[event.key];
        if (!step || event.ctrlKey || event.altKey) return;
        event.preventDefault();
        this.step(name, event.shiftKey ? -step : step);
      },
    });
    this.inputs.set(name, input);
    return input;
  }

  step(name, by) {
    const names = [...this.inputs.keys()];
    const next = this.inputs.get(names[names.indexOf(name) + by]);
    if (next) next.focus();
    else if (by > 0) this.element.closest('form')?.querySelector('button[type=submit]')?.focus();
  }

  set(name, text) {
    this.draft.cells[name] = text;
    this.inputs.get(name).removeAttribute('aria-invalid');
    this.keep();
    this.tellSum();
  }

  keep() {
    this.notKept.hidden = keepDraft(this.draft);
  }

  table() {
    const row = (title, at, cells) => make('tr', {}, make('td', {}, at), make('th', { scope: 'row' }, title), ...cells.map((cell) => make('td', {}, cell)));
    const wide = (cell) => (this.scored ? [cell, ''] : [cell]);
    const rows = HEAD_CELLS.map((name) => row(t(name), '', wide(this.cell(name, t(name)))));
    this.poll.options.forEach((option, index) => {
      const title = titleOf(option);
      const cells = [this.cell(`b:${option.id}`, t('ballotsFor', { title }))];
      if (this.scored) cells.push(this.cell(`s:${option.id}`, t('scoreFor', { title })));
      rows.push(row(title, String(index + 1), cells));
    });
    return make('div', {}, make('p', { class: 'soft' }, t('totalsHint')), make('table', { class: 'sheet' },
      make('thead', {}, make('tr', {}, make('th', { scope: 'col' }, '#'), make('th', { scope: 'col' }, t('idea')), make('th', { scope: 'col' }, t('ballotsCell')),
        this.scored ? make('th', { scope: 'col' }, t('scoreCell')) : null)), make('tbody', {}, ...rows)));
  }

  cardLine() {
    const { type } = this.poll.ballot;
    this.lastCard = make('p', { class: 'last-card' });
    const input = make('input', { type: 'text', id: 'card', autocomplete: 'off', 'aria-describedby': 'card-help', onkeydown: (event) => {
      if (event.key !== 'Enter') return;
      event.preventDefault();
      if (input.value.trim() !== '' && this.takeCard(input.value)) input.value = '';
      else input.select();
    } });
    return make('details', { open: this.draft.cards.length > 0 }, make('summary', {}, t('cardByCard')),
      make('p', { id: 'card-help', class: 'soft' }, t(`cardHelp_${type}`), ' ', t('cardHelpMore')), labelled(t('card'), input), this.lastCard);
  }

  // Whether the line was a card (or took one back).
  takeCard(text) {
    const card = readCard(text, this.poll.ballot, this.poll.options.length);
    const tell = (words, warn) => {
      this.lastCard.textContent = words;
      this.lastCard.classList.toggle('warn', warn);
      announce(words);
    };
    if (card.fault) { tell(card.fault, true); return false; }
    const { cards } = this.draft;
    if (card.kind === 'undo') {
      const last = cards.pop();
      if (last === undefined) { tell(t('nothingToUndo'), true); return true; }
      const undone = readCard(last, this.poll.ballot, this.poll.options.length);
      this.count(undone, -1);
      tell(t('cardUndone', { what: this.describe(undone) }), false);
      return true;
    }
    cards.push(text.trim());
    if (cards.length > UNDO_CARDS_MAX) cards.shift();
    this.count(card, 1);
    tell(t('cardTaken', { n: number(this.value('cards')), what: this.describe(card) }), false);
    return true;
  }

  describe(card) {
    if (card.kind === 'invalid') return t('cardInvalid');
    if (card.kind === 'blank') return t('cardBlank');
    return card.marks.map(({ at, value }) => `${titleOf(this.poll.options[at - 1])}${this.scored ? ` (${number(value)})` : ''}`).join(', ');
  }

  count(card, by) {
    const add = (name, value) => {
      const text = String(this.value(name) + value);
      this.draft.cells[name] = text;
      this.inputs.get(name).value = text;
    };
    add('cards', by);
    if (card.kind === 'invalid') add('invalid', by);
    if (card.kind === 'blank') add('blank', by);
    for (const { at, value } of card.marks ?? []) {
      const { id } = this.poll.options[at - 1];
      add(`b:${id}`, by);
      if (this.scored) add(`s:${id}`, by * value);
    }
    this.keep();
    this.tellSum();
  }

  value(name) { return readCell(this.draft.cells[name] ?? '') ?? 0; }

  tellSum() {
    const valid = this.value('cards') - this.value('invalid') - this.value('blank');
    const named = this.poll.options.reduce((sum, { id }) => sum + this.value(`b:${id}`), 0);
    const { least, most } = namedRange(this.poll.ballot, this.poll.options.length, valid);
    const key = valid < 0 ? 'negative' : named >= least && named <= most ? (least === most ? 'ok' : 'range') : least === most ? (named < least ? 'missing' : 'over') : 'range';
    this.sum.textContent = t(`sum_${key}`, { valid: number(valid), named: number(named), n: number(Math.abs(least - named)), least: number(least), most: number(most) });
    this.sum.classList.toggle('warn', key === 'negative' || named < least || named > most);
  }

  // {body} for the server, or {fault, focus}.
  read() {
    for (const [name, input] of this.inputs) {
      if (readCell(this.draft.cells[name] ?? '') === null) return this.fault(t('noNumber', { text: input.value }), name);
    }
    if ((this.draft.cells.cards ?? '').trim() === '') return this.fault(t('cardsMissing'), 'cards');
    const { cells } = this.draft;
    const body = { box: this.draft.box, cards: this.value('cards'), invalid: this.value('invalid'), blank: this.value('blank'), counts: {} };
    if ((cells.seal ?? '').trim() !== '') body.seal = cells.seal.trim();
    const opened = this.draft.kind === 'first' && cells.opened_at ? new Date(cells.opened_at) : null;
    if (opened && !Number.isNaN(opened.getTime())) body.opened_at = opened.toISOString();
    const names = this.draft.kind === 'first' ? (cells.counted_by ?? '').split(',').map((name) => name.trim()).filter((name) => name !== '') : [];
    if (names.length > 0) body.counted_by = names;
    for (const { id } of this.poll.options) {
      const ballots = this.value(`b:${id}`);
      const score = this.value(`s:${id}`);
      if (ballots !== 0 || score !== 0) body.counts[id] = this.scored ? { ballots, score } : ballots;
    }
    return { body };
  }

  fault(text, name) {
    const input = this.inputs.get(name);
    input?.setAttribute('aria-invalid', 'true');
    return { fault: text, focus: input ?? null };
  }

  // The cell that a refusal's JSON Pointer means.
  cellAt(pointer) {
    const [, member, id] = pointer.split('/').map((part) => part.replace(/~1/g, '/').replace(/~0/g, '~'));
    return member === 'counts' ? `b:${id}` : member;
  }
}
