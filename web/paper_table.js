// Counts from a table, as a spreadsheet saves it (CSV): for a first entry or as the second one. The
// server reads it; what it refuses is said line by line, in words, with the line itself beside it.

import { number, t } from './texts.js';
import { announce, button, labelled, make } from './page.js';
import { explain, perform, somebodyActs } from './desk.js';
import { batchPath, differenceTable, differencesTold, isUnknown } from './paper_batch.js';

const RETRY_MS = 2000;
const BYTES_MAX = 1 << 20;

// What a fault means to somebody who sees a spreadsheet: by its code, and where one code is for
// several things by what the server says of it.
const BY_CODE = { box_unknown: 'tableBox', option_unknown: 'tableOption', question_unknown: 'tableQuestion', option_repeated: 'tableRepeated' };
const BY_DETAIL = [
  [/column (\d+) must be a number/, 'tableNumber'], [/none of the words/, 'tableWord'], [/said before/, 'tableTwice'], [/not a time/, 'tableTime'],
  [/no line says the box/, 'tableNoBox'], [/no line says how many cards/, 'tableNoCards'], [/question in their first column/, 'tableNeedsQuestion'],
  [/has no questions/, 'tableNoQuestions'], [/or no table/, 'tableUnreadable'], [/but 0 cards/, 'tableScoreAlone'],
];

function plainWords(fault) {
  const detail = fault.detail ?? '';
  if (BY_CODE[fault.code]) return t(BY_CODE[fault.code]);
  for (const [pattern, key] of BY_DETAIL) {
    const found = pattern.exec(detail);
    if (found) return t(key, { n: found[1] === undefined ? '' : number(Number(found[1])) });
  }
  return detail === '' ? fault.code : detail;
}

function decoded(bytes) {
  try { return new TextDecoder('utf-8', { fatal: true }).decode(bytes); } catch { return new TextDecoder('windows-1252').decode(bytes); }
}

// What stands behind one of these words, '' if no line begins with one.
function behind(lines, words) {
  for (const line of lines) {
    const [word, value = ''] = line.split(/[;,\t]/).map((cell) => cell.trim().replace(/^"|"$/g, ''));
    if (words.includes(word.toLowerCase())) return value;
  }
  return '';
}
const boxOf = (lines) => behind(lines, ['box', 'urne']);
const cardsOf = (lines) => Number(behind(lines, ['cards', 'karten']));

export class TableForm {
  // `second`: the batch whose second entry it is, or null. Else batches(): those that the poll has, and
  // nextName(box, batches): the name of a new one. done(batch, text): the table is at the server.
  constructor(poll, { second = null, batches, nextName, done }) {
    Object.assign(this, { poll, second, batches, nextName, done });
    this.file = make('input', { type: 'file', id: 'table', accept: '.csv,.txt,text/csv', 'aria-describedby': 'table-hint' });
    this.result = make('div', { tabindex: '-1' });
    this.element = make('details', { id: 'table-part' }, make('summary', {}, t('table')), make('p', { id: 'table-hint', class: 'soft' }, t('tableHint')),
      make('form', { onsubmit: (event) => { event.preventDefault(); this.take(); }, novalidate: true }, labelled(t('tableFile'), this.file),
        make('p', {}, make('button', { type: 'submit' }, t(second ? 'tableCompare' : 'tableSend')))), this.result);
  }

  leave() {
    this.left = true;
    clearTimeout(this.retry);
  }

  note(text, ...children) {
    this.result.replaceChildren(make('div', { class: 'note warn' }, make('p', {}, text), ...children));
    announce(text);
    this.result.focus();
  }

  async take() {
    if (this.busy || !somebodyActs()) return;
    const [file] = this.file.files;
    if (!file) { this.note(t('tableMissing')); this.file.focus(); return; }
    if (file.size > BYTES_MAX) { this.note(t('tableLarge')); return; }
    const bytes = await file.arrayBuffer();
    this.lines = decoded(bytes).replace(/^\uFEFF/, '').split(/\r\n|\r|\n/);
    this.body = new Blob([bytes], { type: 'text/csv' });
    if (this.second) {
      this.name = this.second;
      this.send();
    } else {
      await this.takeFirst();
    }
  }

  // A file is easily taken twice, also by two clerks: if an opening of the box has just these figures
  // already, it is asked whether this is another one.
  async takeFirst() {
    const box = this.poll.boxes.find(({ id }) => id === boxOf(this.lines))?.id ?? 'batch';
    this.busy = true;
    try {
      const all = await this.batches();
      this.name = this.nextName(box, all);
      const cards = cardsOf(this.lines);
      for (const { batch } of all.filter((one) => one.box === box && ['entered', 'counted'].includes(one.status) && (one.cards ?? cards) === cards)) {
        if (await this.isThere(batch)) {
          this.note(t('tableThere', { batch }), make('p', { class: 'row' }, make('a', { class: 'button', href: `#/paper/${this.poll.id}/${batch}` }, t('batch', { batch })), button(t('storeAs', { batch: this.name }), () => this.send())));
          return;
        }
      }
    } catch (problem) {
      this.note(explain(problem));
      return;
    } finally {
      this.busy = false;
    }
    this.send();
  }

  // The same figures under the name of a batch change nothing, others are refused.
  async isThere(batch) {
    try {
      return (await perform(batchPath(this.poll.id, batch), { method: 'PUT', body: this.body })).status === 200;
    } catch (problem) {
      if (problem.code === 'batch_exists' || problem.status === 422) return false;
      throw problem;
    }
  }

  async send() {
    if (this.busy || this.left) return;
    clearTimeout(this.retry);
    this.busy = true;
    const path = batchPath(this.poll.id, this.name);
    try {
      const { body } = this.second ? await perform(`${path}/confirm`, { method: 'POST', body: this.body }) : await perform(path, { method: 'PUT', body: this.body });
      if (!this.left) this.done(body, t(this.second ? 'confirmed' : body.status === 'counted' ? 'savedCounts' : 'saved', { batch: body.batch }));
    } catch (problem) {
      if (!this.left) this.meet(problem);
    } finally {
      this.busy = false;
    }
  }

  meet(problem) {
    if (isUnknown(problem)) {
      // The same table under the same name again is harmless.
      this.note(t('tableAway'), button(t('sendNow'), () => this.send()));
      this.retry = setTimeout(() => this.send(), problem.retrySeconds ? problem.retrySeconds * 1000 : RETRY_MS);
    } else if (problem.code === 'entries_differ') {
      this.note(t('differ'), make('p', {}, t('differHint')), differenceTable(differencesTold(this.poll, problem.errors), t('first'), t('second')));
    } else if (problem.code === 'batch_exists') {
      this.note(t('tableExists', { batch: this.name }));
    } else if (problem.status === 422) {
      this.drawFaults(problem);
    } else {
      this.note(explain(problem));
    }
  }

  drawFaults(problem) {
    if (problem.code === 'sum_mismatch' && problem.errors.every(({ pointer }) => !/^\/\d+$/.test(pointer ?? ''))) {
      this.note(t('tableSum'), make('p', { class: 'soft', lang: 'en' }, problem.errors.map(({ detail }) => detail).join(' · ') || problem.message));
      return;
    }
    const items = problem.errors.map((fault) => {
      const line = Number(/^\/(\d+)$/.exec(fault.pointer ?? '')?.[1] ?? 0);
      return make('li', {}, line > 0 ? make('strong', {}, t('tableLine', { n: number(line) }), ': ') : null, plainWords(fault),
        line > 0 ? make('div', {}, make('code', {}, this.lines[line - 1] ?? '')) : null);
    });
    this.note(items.length === 0 ? explain(problem) : t('tableRefused', { n: items.length }), make('ul', { class: 'faults' }, ...items));
  }
}
