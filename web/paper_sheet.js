// The sheet on which one opening of a box is entered, by keyboard alone: totals field by field, or
// card by card. Every keystroke is in the draft before anything else happens.

import { number, t, titleOf } from './texts.js';
import { announce, labelled, make } from './page.js';
import { keepDraft } from './paper_drafts.js';
import { HEAD_CELLS, countCells, countsOf, isScored, sumOf, surveySum } from './paper_cells.js';
import { isSurvey, keyOf, questionsOf } from './questions.js';
import { readCard, readSurveyCard } from './paper_cards.js';

const UNDO_CARDS_MAX = 200;

// '50+27' is 77, '' is 0; null: no number. Scores of updown may be negative.
export function readCell(text) {
  const plain = text.replace(/\s/g, '');
  if (plain === '') return 0;
  if (!/^-?\d{1,15}(\+\d{1,15})*$/.test(plain)) return null;
  return plain.split('+').reduce((sum, part) => sum + Number(part), 0);
}

export class Sheet {
  constructor(poll, draft) {
    this.poll = poll;
    this.draft = draft;
    this.questions = questionsOf(poll);
    this.scored = this.questions.some(isScored);
    this.labels = new Map(countCells(poll).map(({ name, label }) => [name, label]));
    this.sums = new Map();
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
    const wide = (cells) => (this.scored && cells.length === 1 ? [...cells, ''] : cells);
    const head = HEAD_CELLS.map((name) => row(t(name), '', wide([this.cell(name, t(name))])));
    const parts = this.questions.map((question) => make('tbody', {}, this.questionRow(question), ...question.options.map((option, index) => {
      const names = ['b', ...(isScored(question) ? ['s'] : [])].map((kind) => `${kind}:${keyOf(question, option)}`);
      return row(titleOf(option), String(index + 1), wide(names.map((name) => this.cell(name, this.labels.get(name)))));
    })));
    return make('div', {}, make('p', { class: 'soft' }, t('totalsHint')), make('table', { class: 'sheet' },
      make('thead', {}, make('tr', {}, make('th', { scope: 'col' }, '#'), make('th', { scope: 'col' }, t('idea')), make('th', { scope: 'col' }, t('ballotsCell')),
        this.scored ? make('th', { scope: 'col' }, t('scoreCell')) : null)), make('tbody', {}, ...head), ...parts));
  }

  // The title of a survey's question above its ideas, and whether its counts add up.
  questionRow(question) {
    if (question.id === '') return null;
    const sum = make('span', { class: 'soft' });
    this.sums.set(question, sum);
    return make('tr', { class: 'question' }, make('th', { scope: 'rowgroup', colspan: this.scored ? '4' : '3' }, question.title, make('br'), sum));
  }

  cardLine() {
    const help = isSurvey(this.poll) ? [t('cardHelp_survey', { n: number(this.questions.length) }), ...this.questions.map(({ title, ballot }) => ` ${title}: ${t(`cardHelp_${ballot.type}`)}`)] : [t(`cardHelp_${this.poll.ballot.type}`)];
    this.lastCard = make('p', { class: 'last-card' });
    const input = make('input', { type: 'text', id: 'card', autocomplete: 'off', 'aria-describedby': 'card-help', onkeydown: (event) => {
      if (event.key !== 'Enter') return;
      event.preventDefault();
      if (input.value.trim() !== '' && this.takeCard(input.value)) input.value = '';
      else input.select();
    } });
    return make('details', { open: this.draft.cards.length > 0 }, make('summary', {}, t('cardByCard')),
      make('p', { id: 'card-help', class: 'soft' }, ...help, ' ', t('cardHelpMore')), labelled(t('card'), input), this.lastCard);
  }

  readCard(text) {
    return isSurvey(this.poll) ? readSurveyCard(text, this.questions) : readCard(text, this.poll.ballot, this.poll.options.length);
  }

  // Whether the line was a card (or took one back).
  takeCard(text) {
    const card = this.readCard(text);
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
      const undone = this.readCard(last);
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
    return card.marks.map(({ at, value, question = 0 }) => `${titleOf(this.questions[question].options[at - 1])}${isScored(this.questions[question]) ? ` (${number(value)})` : ''}`).join(', ');
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
    for (const { at, value, question = 0 } of card.marks ?? []) {
      const of = this.questions[question];
      const key = keyOf(of, of.options[at - 1]);
      add(`b:${key}`, by);
      if (isScored(of)) add(`s:${key}`, by * value);
    }
    this.keep();
    this.tellSum();
  }

  value(name) { return readCell(this.draft.cells[name] ?? '') ?? 0; }

  tellSum() {
    const value = (name) => this.value(name);
    const whole = isSurvey(this.poll) ? surveySum(this.poll, value) : sumOf(this.poll, this.questions[0], value);
    for (const [place, sum] of [[this.sum, whole], ...[...this.sums].map(([question, part]) => [part, sumOf(this.poll, question, value)])]) {
      place.textContent = sum.text;
      place.classList.toggle('warn', !sum.fits);
    }
  }

  // {body} for the server, or {fault, focus}.
  read() {
    for (const [name, input] of this.inputs) {
      if (readCell(this.draft.cells[name] ?? '') === null) return this.fault(t('noNumber', { text: input.value }), name);
    }
    if ((this.draft.cells.cards ?? '').trim() === '') return this.fault(t('cardsMissing'), 'cards');
    const { cells } = this.draft;
    const body = { box: this.draft.box, cards: this.value('cards'), invalid: this.value('invalid'), blank: this.value('blank'), counts: countsOf(this.poll, (name) => this.value(name)) };
    if ((cells.seal ?? '').trim() !== '') body.seal = cells.seal.trim();
    const opened = this.draft.kind === 'first' && cells.opened_at ? new Date(cells.opened_at) : null;
    if (opened && !Number.isNaN(opened.getTime())) body.opened_at = opened.toISOString();
    const names = this.draft.kind === 'first' ? (cells.counted_by ?? '').split(',').map((name) => name.trim()).filter((name) => name !== '') : [];
    if (names.length > 0) body.counted_by = names;
    return { body };
  }

  fault(text, name) {
    const input = this.inputs.get(name);
    input?.setAttribute('aria-invalid', 'true');
    return { fault: text, focus: input ?? null };
  }
}
