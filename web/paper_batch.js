// One opening of a box as the server has it: its record to print, confirming it after a look, taking
// it back. And two entries side by side, cell by cell.

import { number, t, time, titleOf } from './texts.js';
import { Problem, pollPath } from './service.js';
import { button, labelled, make } from './page.js';
import { cardWords } from './paper_report.js';
import { act, actor, actorName, askedTwice, perform, say } from './desk.js';
import { HEAD_CELLS, cellAt, cellTitle, cellsOf, countCells, isScored } from './paper_cells.js';
import { keyOf, questionsOf } from './questions.js';

export const batchPath = (poll, batch) => `${pollPath(poll)}/paper-batches/${encodeURIComponent(batch)}`;
// As whoever acts: of a blind poll's batch only who entered it is shown the figures.
export const getBatch = async (poll, batch) => (await perform(batchPath(poll, batch), {})).body;

// Who has seen its figures first, and may not confirm them.
export const enteredBy = (batch) => (batch.cards_entered ?? batch.entered).by;

// [{name, title, first, second}] where they differ, in the order of the sheet. A seal that only one of them has is no difference, as for the server.
export function differences(poll, first, second) {
  const [a, b] = [cellsOf(poll, first), cellsOf(poll, second)];
  const found = [];
  if (first.seal !== undefined && second.seal !== undefined && first.seal !== second.seal) found.push({ name: 'seal', title: t('seal'), first: first.seal, second: second.seal });
  if (first.box !== second.box) found.push({ name: 'box', title: t('box'), first: first.box, second: second.box });
  const cells = [...HEAD_CELLS.map((name) => ({ name, title: t(name) })), ...countCells(poll)];
  for (const { name, title } of cells) {
    const [x, y] = [a.get(name) ?? 0, b.get(name) ?? 0];
    if (x !== y) found.push({ name, title, first: number(x), second: number(y) });
  }
  return found;
}

// The same where the figures of the first entry are hidden, from what the server says of each cell
// that differs: "the first entry has 77, the second has 76".
export function differencesTold(poll, faults) {
  return faults.map(({ pointer, detail }) => {
    const [, first, second] = /^the first entry has (.*), the second has (.*)$/s.exec(detail) ?? ['', '', ''];
    const name = cellAt(pointer);
    return { name, title: cellTitle(poll, name), first, second };
  });
}

export function differenceTable(cells, firstTitle, secondTitle) {
  return make('div', { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': t('figuresDiffer', { n: number(cells.length) }) }, make('table', { class: 'differences' },
    make('caption', {}, t('figuresDiffer', { n: number(cells.length) })),
    make('thead', {}, make('tr', {}, ...[t('cell'), firstTitle, secondTitle].map((text) => make('th', { scope: 'col' }, text)))),
    make('tbody', {}, ...cells.map((cell) => make('tr', { 'data-cell': cell.name }, make('th', { scope: 'row' }, cell.title), make('td', {}, cell.first), make('td', {}, cell.second))))));
}

// The server keeps the figures of a blind poll's batch from everybody but who entered it.
function figuresTable(poll, batch) {
  if (batch.figures_hidden) return make('p', { class: 'soft' }, t('figuresHidden'));
  const questions = questionsOf(poll);
  const cells = cellsOf(poll, batch);
  const scored = questions.some(isScored);
  const line = (title, at, ...values) => make('tr', {}, make('td', {}, at), make('th', { scope: 'row' }, title), ...values.map((value) => make('td', {}, value === '' ? '' : number(value))));
  const rest = scored ? [''] : [];
  const head = [['cards', batch.cards], ['invalid', batch.invalid], ['blank', batch.blank], ['valid', batch.cards - batch.invalid - batch.blank]]
    .map(([key, value]) => line(t(key), '', value, ...rest));
  const parts = questions.map((question) => make('tbody', {}, question.id === '' ? null : make('tr', { class: 'question' }, make('th', { scope: 'rowgroup', colspan: scored ? '4' : '3' }, question.title)),
    ...question.options.map((option, index) => {
      const key = keyOf(question, option);
      return line(titleOf(option), String(index + 1), cells.get(`b:${key}`) ?? 0, ...(isScored(question) ? [cells.get(`s:${key}`) ?? 0] : rest));
    })));
  return make('table', { class: 'sheet' }, make('thead', {}, make('tr', {}, make('th', { scope: 'col' }, '#'), make('th', { scope: 'col' }, t('idea')), make('th', { scope: 'col' }, t('ballotsCell')), scored ? make('th', { scope: 'col' }, t('scoreCell')) : null)),
    make('tbody', {}, ...head), ...parts);
}

// The cards that do not count, or whose voter came online afterwards.
function cardList(batch) {
  const items = batch.card_lines?.items ?? [];
  if (items.length === 0) return null;
  const words = ({ code, channel }) => t(code === 'already_voted' ? (channel === 'online' ? 'card_online' : 'card_paper') : `card_${code}`);
  return make('details', {}, make('summary', {}, t('cardsListed', { n: items.length })),
    make('ol', { class: 'plain' }, ...items.map((item) => make('li', {}, t('cardLine', { n: number(item.line), what: words(item) })))), batch.card_lines.truncated ? make('p', {}, '…') : null);
}

function facts(poll, batch) {
  const signed = (signature, more) => [t('byAt', { actor: signature.by ?? t('nobody'), time: time(signature.at) }), more].filter(Boolean).join(' · ');
  const box = poll.boxes.find(({ id }) => id === batch.box);
  const rows = [[t('ofPoll'), `${titleOf(poll)} (${poll.id})`], [t('box'), box?.place ? `${box.place} (${batch.box})` : batch.box], [t('state'), t(`status_${batch.status}`)]];
  if (batch.opened_at) rows.push([t('openedAt'), time(batch.opened_at)]);
  if (batch.counted_by.length > 0) rows.push([t('countedByNames'), batch.counted_by.join(', ')]);
  if (batch.seal) rows.push([t('seal'), batch.seal]);
  rows.push([t('enteredBy'), signed(batch.entered)]);
  if (batch.cards_entered) rows.push([t('cardsEnteredBy'), signed(batch.cards_entered)]);
  if (batch.card_lines) rows.push([t('codesTitle'), cardWords(batch.card_lines).join(', ')]);
  if (batch.confirmed) rows.push([t('confirmedBy'), signed(batch.confirmed, t(batch.confirmed.blind ? 'blindly' : 'notBlindly'))]);
  if (batch.voided) rows.push([t('voidedBy'), signed(batch.voided, `${t('reason')}: ${batch.voided.reason}`)]);
  return make('dl', {}, ...rows.flatMap(([name, value]) => [make('dt', {}, name), make('dd', {}, value)]));
}

function voidForm(poll, batch, redraw) {
  const reason = make('input', { type: 'text', id: 'reason', autocomplete: 'off', maxlength: '500' });
  const take = async () => {
    if (reason.value.trim() === '') { say(t('reasonNeeded'), true); reason.focus(); return; }
    if (!await act(`${batchPath(poll.id, batch.batch)}/void`, { method: 'POST', body: { reason: reason.value.trim() } })) return;
    await redraw();
    say(t('voidedNow', { batch: batch.batch }));
  };
  return make('section', { class: 'unprinted' }, make('h2', {}, t('takeBack')), labelled(t('reason'), reason), askedTwice(t('takeBack'), t('takeBackSure'), take));
}

// Waiting for the second person: whoever entered it sees the figures; for everyone else they are
// behind a button, also when the name in the field changes at the same desk.
function waiting(poll, batch, redraw) {
  const own = make('div', {}, figuresTable(poll, batch));
  const seen = make('div', {});
  const confirm = async () => {
    if (!await act(`${batchPath(poll.id, batch.batch)}/confirm`, { method: 'POST' })) return;
    await redraw();
    say(t('confirmedPlain', { batch: batch.batch }));
  };
  const show = () => {
    const table = make('div', { tabindex: '-1' }, figuresTable(poll, batch));
    seen.replaceChildren(table, make('div', { class: 'unprinted' }, make('p', { class: 'soft' }, t('confirmSeenWarn')), askedTwice(t('confirmSeen'), t('sure', { act: t('confirmSeen') }), confirm)));
    table.focus();
  };
  const second = make('p', { class: 'unprinted' }, make('a', { class: 'button main', href: `#/paper/${poll.id}/${batch.batch}/second` }, t('startSecond')));
  if (batch.figures_hidden) return make('div', {}, second, figuresTable(poll, batch));
  seen.append(make('p', { class: 'soft' }, t('showFiguresWarn')), button(t('showFigures'), show));
  const mine = () => enteredBy(batch) !== undefined && actorName() === enteredBy(batch);
  const turn = () => {
    if (own.wasThere && !own.isConnected) actor.removeEventListener('input', turn);
    own.wasThere = own.isConnected;
    own.hidden = !mine();
    seen.hidden = mine();
  };
  actor.addEventListener('input', turn);
  turn();
  return make('div', {}, second, own, seen);
}

// What the page shows of a batch. `redraw` draws it anew after an act.
export function batchParts(poll, batch, redraw) {
  const printer = make('p', { class: 'unprinted' }, button(t('print'), () => print()));
  const again = make('p', { class: 'unprinted' }, make('a', { href: `#/paper/${poll.id}` }, t('enterAnew')));
  return [
    make('p', { class: 'printed-only' }, make('strong', {}, t('protocol'))), facts(poll, batch),
    batch.status === 'entered' ? waiting(poll, batch, redraw) : batch.status === 'announced' ? make('p', { class: 'note' }, t('codesAnnounced', { n: batch.cards - batch.invalid - batch.blank })) : figuresTable(poll, batch), cardList(batch),
    make('p', { class: 'printed-only signatures' }, t('signatures'), ': ______________________  ______________________'),
    printer, batch.status === 'voided' ? again : voidForm(poll, batch, redraw),
  ];
}

// Sends an entry: {batch}, or {problem}.
export async function sendEntry(poll, draft, body) {
  const path = batchPath(poll.id, draft.batch);
  try {
    const answer = draft.kind === 'first' ? await perform(path, { method: 'PUT', body }) : await perform(`${path}/confirm`, { method: 'POST', body });
    return { batch: answer.body };
  } catch (problem) {
    return { problem };
  }
}

// Whether a problem leaves it open what became of the entry, so that it is to be sent again.
export const isUnknown = (problem) => !(problem instanceof Problem) || problem.status === 429 || problem.status >= 500;
