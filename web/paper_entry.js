// Entering one opening of a box, first or second: the sheet, sending it until the server has
// answered, and what is to be done when two entries differ. Sending the same again is harmless, so a
// lost answer, a reload and a double click all end in one entry.

import { t } from './texts.js';
import { announce, button, make } from './page.js';
import { explain, somebodyActs } from './desk.js';
import { dropDraft, findDraft, keepDraft } from './paper_drafts.js';
import { cellAt } from './paper_cells.js';
import { Sheet } from './paper_sheet.js';
import { differenceTable, differences, differencesTold, getBatch, isUnknown, sendEntry } from './paper_batch.js';

const RETRY_MS = 2000;

export class EntryView {
  // done(text): the entry is at the server, what to say about it.
  constructor(poll, draft, { done, nextName }) {
    this.poll = poll;
    this.draft = draft;
    this.done = done;
    this.nextName = nextName;
    this.element = make('div', {});
    this.online = () => { if (this.draft.sending) this.send(); };
    addEventListener('online', this.online);
    if (draft.sending) this.send();
    else this.drawSheet();
  }

  // The page goes on to something else; the draft stays.
  leave() {
    this.left = true;
    clearTimeout(this.retry);
    removeEventListener('online', this.online);
  }

  drawSheet(marked = []) {
    clearTimeout(this.retry);
    this.draft.sending = false;
    keepDraft(this.draft);
    this.sheet = new Sheet(this.poll, this.draft);
    this.trouble = make('p', { class: 'note warn', hidden: true });
    const second = this.draft.kind === 'second';
    this.element.replaceChildren(make('form', { onsubmit: (event) => { event.preventDefault(); this.submit(); }, novalidate: true },
      second ? make('p', { class: 'note' }, t('secondHint')) : null, this.sheet.element, this.trouble,
      make('p', {}, make('button', { type: 'submit', class: 'main', 'aria-describedby': 'sum' }, t(second ? 'saveSecond' : 'saveFirst')))));
    for (const name of marked) this.sheet.inputs.get(name)?.setAttribute('aria-invalid', 'true');
    this.sheet.inputs.get(marked[0])?.focus();
  }

  tell(text, input) {
    this.trouble.textContent = text;
    this.trouble.hidden = false;
    announce(text);
    input?.setAttribute('aria-invalid', 'true');
    (input ?? this.element.querySelector('button[type=submit]')).focus();
  }

  submit() {
    if (this.draft.sending || !somebodyActs()) return; // a second click
    const entry = this.sheet.read();
    this.trouble.hidden = true;
    if (entry.fault) { this.tell(entry.fault, entry.focus); return; }
    this.draft.sending = true;
    this.draft.body = entry.body;
    keepDraft(this.draft);
    this.send();
  }

  note(text, warn, ...children) {
    this.element.replaceChildren(make('div', { class: warn ? 'note warn' : 'note' }, make('p', {}, text), ...children));
    announce(text);
  }

  async send() {
    if (this.busy || this.left) return;
    clearTimeout(this.retry);
    if (!somebodyActs()) { this.drawSheet(); return; }
    this.busy = true;
    if (!this.waits) this.note(t('savingPaper'), false);
    const { batch, problem } = await sendEntry(this.poll, this.draft, this.draft.body);
    this.busy = false;
    if (batch) {
      this.draft.sending = false;
      // Another tab may have begun a new draft of the name; only what was sent is done.
      if (JSON.stringify(findDraft(this.poll.id, this.draft.batch, this.draft.kind)?.body) === JSON.stringify(this.draft.body)) dropDraft(this.draft);
      const words = this.draft.kind === 'second' ? 'confirmed' : batch.status === 'counted' ? 'savedCounts' : 'saved';
      if (!this.left) this.done(batch, t(words, { batch: batch.batch }));
      return;
    }
    if (!this.left) this.meet(problem);
  }

  meet(problem) {
    if (isUnknown(problem)) {
      const text = t(problem.status === undefined ? 'away' : 'awayBusy');
      if (!this.waits) {
        this.note(text, true, make('p', { class: 'row' }, button(t('sendNow'), () => this.send()), button(t('editAgain'), () => { this.waits = false; this.drawSheet(); })));
      }
      this.waits = true;
      this.retry = setTimeout(() => this.send(), problem.retrySeconds ? problem.retrySeconds * 1000 : RETRY_MS);
      return;
    }
    this.waits = false;
    if (problem.code === 'entries_differ') this.drawDifference(problem.errors);
    else if (problem.code === 'batch_exists') this.drawExisting();
    else this.drawRefusal(problem);
  }

  drawRefusal(problem) {
    const { body } = this.draft;
    this.drawSheet();
    const cells = problem.errors.map((fault) => this.sheet.inputs.get(cellAt(fault.pointer))).filter(Boolean);
    for (const cell of cells) cell.setAttribute('aria-invalid', 'true');
    this.tell(problem.code === 'sum_mismatch' ? t('sumMismatch', { sum: this.sheet.sum.textContent }) : explain(problem), cells[0]);
    this.draft.body = body;
  }

  // Both entries side by side; `first` is what the server has.
  async withStored(draw) {
    this.draft.sending = false;
    keepDraft(this.draft);
    try {
      const first = await getBatch(this.poll.id, this.draft.batch);
      if (!this.left) draw(first);
    } catch (problem) {
      this.note(explain(problem), true, button(t('again'), () => this.withStored(draw)));
    }
  }

  drawDifference(faults) {
    this.withStored((first) => {
      const cells = first.figures_hidden ? differencesTold(this.poll, faults) : differences(this.poll, first, this.draft.body);
      this.note(t('differ'), true, make('p', {}, t('differHint')), differenceTable(cells, t('first'), t('second')),
        make('p', { class: 'row' }, button(t('correctSecond'), () => this.drawSheet(cells.map((cell) => cell.name)), { class: 'main' }),
          make('a', { class: 'button', href: `#/paper/${this.poll.id}/${this.draft.batch}` }, t('takeFirstBack'))));
      this.element.querySelector('button').focus();
    });
  }

  drawExisting() {
    const next = this.nextName();
    this.withStored((stored) => {
      const discard = () => { dropDraft(this.draft); this.done(stored, ''); };
      const rename = () => {
        dropDraft(this.draft);
        keepDraft({ ...this.draft, batch: next, sending: true });
        location.hash = `#/paper/${this.poll.id}/${next}/first`;
      };
      this.note(t('exists', { batch: this.draft.batch }), true, make('p', {}, t('existsHint')),
        stored.figures_hidden ? make('p', { class: 'soft' }, t('figuresHidden')) : differenceTable(differences(this.poll, stored, this.draft.body), t('storedEntry'), t('ownEntry')),
        make('p', { class: 'row' }, button(t('sameOpening'), discard), button(t('storeAs', { batch: next }), rename)));
      this.element.querySelector('button').focus();
    });
  }
}
