// Cards that bear codes, entered line by line: the code (typed or from a scanner), Enter, what is on
// the card, Enter. Every line is in the draft before anything else happens; the batch is sent as a
// whole and answered until it is, like an entry by totals.

import { number, t, titleOf } from './texts.js';
import { announce, button, labelled, make } from './page.js';
import { explain, perform, somebodyActs } from './desk.js';
import { dropDraft, keepDraft } from './paper_drafts.js';
import { isScored } from './paper_cells.js';
import { isSurvey, questionsOf } from './questions.js';
import { batchPath, isUnknown } from './paper_batch.js';
import { readCard, readSurveyCard } from './paper_cards.js';

const RETRY_MS = 2000;
const SHOWN_MAX = 30; // lines
const CARDS_MAX = 3000; // of a batch, as the server says

// What a card says, as the ballot of a vote.
function ballotOf(question, marks) {
  const id = ({ at }) => question.options[at - 1].id;
  const pairs = () => Object.fromEntries(marks.map((mark) => [id(mark), mark.value]));
  return { choose: () => ({ choices: marks.map(id) }), rank: () => ({ ranking: marks.map(id) }), points: () => ({ points: pairs() }), updown: () => ({ votes: pairs() }) }[question.ballot.type]();
}
function bodyOf(poll, questions, marks) {
  if (!isSurvey(poll)) return ballotOf(questions[0], marks);
  const answers = questions.map((question, at) => [question, marks.filter((mark) => mark.question === at)]).filter(([, own]) => own.length > 0);
  return { answers: Object.fromEntries(answers.map(([question, own]) => [question.id, ballotOf(question, own)])) };
}

export class CodesView {
  // done(batch, text): the cards are at the server. nextName(): another name for the batch.
  constructor(poll, draft, { done, nextName }) {
    Object.assign(this, { poll, draft, done, nextName, questions: questionsOf(poll) });
    this.element = make('div', {});
    this.draw();
    if (draft.sending) this.send();
  }

  leave() {
    this.left = true;
    clearTimeout(this.retry);
  }

  keep() { this.notKept.hidden = keepDraft(this.draft); }

  text(name, label, attributes = {}) {
    const input = make('input', { type: 'text', id: `codes-${name}`, autocomplete: 'off', value: this.draft.cells[name] ?? '', ...attributes,
      oninput: () => {
        if (this.draft.sending) input.value = this.draft.cells[name] ?? '';
        else { this.draft.cells[name] = input.value; this.keep(); }
      } });
    return labelled(label, input);
  }

  draw() {
    const { poll, draft } = this;
    const box = poll.boxes.find(({ id }) => id === draft.box);
    const types = this.questions.map(({ title, ballot }) => `${title === '' ? '' : `${title}: `}${t(`cardHelp_${ballot.type}`)}`);
    this.notKept = make('p', { class: 'note warn', hidden: true }, t('notKept'));
    this.code = make('input', { type: 'text', id: 'code', autocomplete: 'off', spellcheck: 'false', 'aria-describedby': 'code-help', onkeydown: (event) => this.onEnter(event, () => this.takeCode()) });
    this.marks = make('input', { type: 'text', id: 'marks', autocomplete: 'off', 'aria-describedby': 'marks-help', onkeydown: (event) => this.onEnter(event, () => this.takeCard()) });
    this.last = make('p', { class: 'last-card' });
    this.trouble = make('div', { tabindex: '-1' });
    this.sum = make('p', { id: 'sum', class: 'sum' });
    this.list = make('ol', { class: 'plain', id: 'card-lines', 'aria-label': t('codesLines') });
    this.more = make('p', { class: 'soft' });
    this.save = make('button', { type: 'submit', class: 'main', 'aria-describedby': 'sum' }, t('saveFirst'));
    this.element.replaceChildren(make('form', { onsubmit: (event) => { event.preventDefault(); this.submit(); }, novalidate: true }, this.notKept,
      make('p', {}, `${t('box')}: `, make('strong', {}, box?.place ?? draft.box)), draft.announced ? null : this.text('seal', t('seal')),
      make('p', { id: 'code-help', class: 'soft' }, t('codeHelp')), labelled(t('code'), this.code),
      make('p', { id: 'marks-help', class: 'soft' }, isSurvey(poll) ? `${t('cardHelp_survey', { n: number(this.questions.length) })} ` : '', types.join(' '), ' ', t('cardHelpMore')), labelled(t('marks'), this.marks),
      this.last, this.sum, this.trouble, this.list, this.more, make('p', {}, this.save)));
    this.drawLines();
  }

  onEnter(event, act) {
    if (event.key !== 'Enter') return;
    event.preventDefault();
    if (!this.draft.sending) act();
  }

  tell(words, warn = false) {
    this.last.textContent = words;
    this.last.classList.toggle('warn', warn);
    announce(words);
  }

  takeCode() {
    const code = this.code.value.trim();
    const kind = { x: 'invalid', 0: 'blank', z: 'undo' }[code.toLowerCase()];
    if (kind) { this.code.value = ''; this.count(kind); return; }
    if (code === '') return;
    const at = this.draft.cards.findIndex((card) => card.card === code);
    if (at >= 0) { this.tell(t('codeTwice', { code, n: number(at + 1) }), true); this.code.select(); return; }
    this.marks.focus();
  }

  // A card that has no line, or the last one taken back.
  count(kind) {
    const { draft } = this;
    if (kind === 'undo') {
      const card = draft.cards.pop();
      this.tell(card ? t('cardUndone', { what: card.card }) : t('nothingToUndo'), !card);
    } else {
      draft.cells[kind] = String(this.extra(kind) + 1);
      this.tell(t(kind === 'invalid' ? 'codesInvalid' : 'codesBlank', { n: number(this.extra(kind)) }));
    }
    this.keep();
    this.drawLines();
  }

  extra(kind) { return Number(this.draft.cells[kind] ?? 0); }

  read(text) { return isSurvey(this.poll) ? readSurveyCard(text, this.questions) : readCard(text, this.poll.ballot, this.poll.options.length); }

  takeCard() {
    const code = this.code.value.trim();
    if (code === '') { this.tell(t('codeMissing'), true); this.code.focus(); return; }
    if (this.draft.cards.some(({ card }) => card === code)) { this.takeCode(); this.code.focus(); return; }
    const card = this.read(this.marks.value);
    if (card.fault) { this.tell(card.fault, true); this.marks.select(); return; }
    if (card.kind === 'card' && this.draft.cards.length >= CARDS_MAX) { this.tell(t('codesFull', { max: number(CARDS_MAX) }), true); return; }
    this.code.value = '';
    this.marks.value = '';
    this.code.focus();
    if (card.kind !== 'card') { this.count(card.kind); return; }
    this.draft.cards.push({ card: code, ...bodyOf(this.poll, this.questions, card.marks), words: this.describe(card) });
    this.tell(t('codeTaken', { n: number(this.draft.cards.length), code, what: this.describe(card) }));
    this.keep();
    this.drawLines();
  }

  describe({ marks }) {
    return marks.map(({ at, value, question = 0 }) => `${titleOf(this.questions[question].options[at - 1])}${isScored(this.questions[question]) ? ` (${number(value)})` : ''}`).join(', ');
  }

  // The newest first; faulty ones always.
  drawLines(faults = new Map()) {
    const { cards } = this.draft;
    const shown = cards.map((card, at) => ({ ...card, at })).reverse().filter(({ at }) => faults.has(at) || at >= cards.length - SHOWN_MAX);
    this.list.replaceChildren(...shown.map(({ card, words, at }) => make('li', { class: faults.has(at) ? 'warn' : null },
      `${number(at + 1)}. `, make('code', {}, card), ` ${words} `, faults.has(at) ? make('strong', {}, faults.get(at)) : null, ' ',
      button('✕', () => this.remove(at), { 'aria-label': t('codeRemove', { code: card }) }))));
    this.more.textContent = cards.length > shown.length ? t('codesMore', { n: cards.length - shown.length }) : '';
    const cells = { lines: number(cards.length), invalid: number(this.extra('invalid')), blank: number(this.extra('blank')), cards: number(cards.length + this.extra('invalid') + this.extra('blank')) };
    this.sum.textContent = t('codesSum', cells);
  }

  remove(at) {
    if (this.draft.sending) return; // what was sent without an answer stays as it is
    const [card] = this.draft.cards.splice(at, 1);
    this.tell(t('cardUndone', { what: card.card }));
    this.keep();
    this.drawLines();
    this.code.focus();
  }

  note(text, ...children) {
    this.trouble.replaceChildren(make('div', { class: 'note warn' }, make('p', {}, text), ...children));
    announce(text);
    this.trouble.focus();
  }

  submit() {
    if (this.draft.sending || !somebodyActs()) return; // a second click
    if (this.code.value.trim() !== '' || this.marks.value.trim() !== '') { this.note(t('codesUnfinished')); this.marks.focus(); return; }
    if (this.draft.cards.length === 0) { this.note(t('codesNone')); this.code.focus(); return; }
    this.draft.sending = true;
    this.keep();
    this.send();
  }

  target() {
    const { draft } = this;
    const query = new URLSearchParams(draft.announced ? {} : { box: draft.box, invalid: String(this.extra('invalid')), blank: String(this.extra('blank')), ...((draft.cells.seal ?? '').trim() === '' ? {} : { seal: draft.cells.seal.trim() }) });
    return `${batchPath(this.poll.id, draft.batch)}/cards${draft.announced ? '' : `?${query}`}`;
  }

  async send() {
    if (this.busy || this.left) return;
    clearTimeout(this.retry);
    if (!somebodyActs()) { this.draft.sending = false; this.keep(); return; }
    this.busy = true;
    const lines = this.draft.cards.map(({ words, ...card }) => `${JSON.stringify(card)}\n`);
    try {
      const { body } = await perform(this.target(), { method: 'POST', body: new Blob(lines, { type: 'application/x-ndjson' }) });
      dropDraft(this.draft);
      if (!this.left) this.done(body, t(body.status === 'counted' ? 'savedCounts' : 'saved', { batch: body.batch }));
    } catch (problem) {
      if (!this.left) this.meet(problem);
    } finally {
      this.busy = false;
    }
  }

  meet(problem) {
    if (isUnknown(problem)) {
      const edit = () => { clearTimeout(this.retry); this.draft.sending = false; this.keep(); this.trouble.replaceChildren(); this.code.focus(); };
      this.note(t(problem.status === undefined ? 'away' : 'awayBusy'), make('p', { class: 'row' }, button(t('sendNow'), () => this.send()), button(t('editAgain'), edit)));
      this.retry = setTimeout(() => this.send(), problem.retrySeconds ? problem.retrySeconds * 1000 : RETRY_MS);
      return;
    }
    this.draft.sending = false;
    this.keep();
    if (problem.code === 'batch_exists' && !this.draft.announced) {
      const next = this.nextName();
      const rename = () => {
        dropDraft(this.draft);
        keepDraft({ ...this.draft, batch: next, sending: true });
        location.hash = `#/paper/${this.poll.id}/${next}/codes`;
      };
      this.note(t('exists', { batch: this.draft.batch }), make('p', { class: 'row' }, button(t('storeAs', { batch: next }), rename)));
      return;
    }
    const faults = new Map(problem.errors.map(({ pointer, code, detail }) => [Number(/^\/(\d+)/.exec(pointer ?? '')?.[1] ?? -1), detail ?? code]).filter(([at]) => at >= 0));
    this.drawLines(faults);
    this.note(problem.code === 'sum_mismatch' ? t('codesSumMismatch', { detail: explain(problem) }) : explain(problem));
  }
}
