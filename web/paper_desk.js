// The paper desk of one poll: its boxes with their openings, drafts of this device, and the ways to
// enter, confirm and take back.
//
//   #/paper/<poll>                 boxes and openings
//   #/paper/<poll>/<batch>         one opening
//   #/paper/<poll>/<batch>/first   entering it, from a draft of this device
//   #/paper/<poll>/<batch>/second  entering it blindly again
//   #/paper/<poll>/<batch>/codes   entering its cards by their codes, from a draft of this device
//   #/paper/<poll>/+report         what went out and came back, box by box
//   #/paper/<poll>/+codes          making one-time codes

import { number, t, time, titleOf } from './texts.js';
import { Problem, ask, getPoll, getRanking, pollPath } from './service.js';
import { button, labelled, make } from './page.js';
import { act, actorName, askedTwice, idFrom, quiet, say } from './desk.js';
import { draftsOf, dropDraft, findDraft, keepDraft } from './paper_drafts.js';
import { batchParts, enteredBy, getBatch } from './paper_batch.js';
import { EntryView } from './paper_entry.js';
import { CodesView } from './paper_codes.js';
import { TableForm } from './paper_table.js';
import { codesParts, reportParts } from './paper_report.js';
import { isSurvey } from './questions.js';
import { readCell } from './paper_sheet.js';
import './ranking.js';

async function allBatches(poll) {
  const batches = [];
  for (let path = `${pollPath(poll)}/paper-batches`; path;) {
    const { body } = await ask(path);
    batches.push(...body.batches);
    path = body.next ? `${pollPath(poll)}/paper-batches?cursor=${encodeURIComponent(body.next)}` : null;
  }
  return batches;
}

// Why no paper can be entered now; null if it can.
function closedText(poll) {
  if (!poll.channels.includes('paper')) return t('onlineOnly');
  if (poll.state === 'final') return t('closedForPaper');
  if (poll.state === 'draft') return t('notCounting', { state: t('state_draft') });
  return null;
}

// rathaus-1, rathaus-2, ...: the next name that neither the server nor this device has.
function nextName(box, batches, drafts) {
  const taken = new Set([...batches.map(({ batch }) => batch), ...drafts.map(({ batch }) => batch)]);
  const stem = box.slice(0, 50).replace(/-+$/, '');
  let n = 1;
  while (taken.has(`${stem}-${n}`)) n += 1;
  return `${stem}-${n}`;
}

const localNow = () => {
  const now = new Date();
  return new Date(now.getTime() - now.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
};

const heading = (text) => [make('p', {}, make('a', { href: '#/' }, t('backToHall'))), make('h1', { tabindex: '-1' }, text)];

function draftList(poll, drafts, redraw) {
  if (drafts.length === 0) return null;
  return make('section', { id: 'drafts' }, make('h2', {}, t('drafts')), make('ul', { class: 'plain' }, ...drafts.map((draft) => {
    const cards = number(draft.kind === 'codes' ? draft.cards.length : readCell(draft.cells.cards ?? '') ?? 0);
    const words = t({ first: 'draftFirst', second: 'draftSecond', codes: 'draftCodes' }[draft.kind], { batch: draft.batch, n: cards, time: time(draft.changed) });
    return make('li', { class: 'option' }, make('div', {}, words), make('div', { class: 'row' },
      make('a', { class: 'button', href: `#/paper/${poll.id}/${draft.batch}/${draft.kind}` }, t('resume')),
      askedTwice(t('discard'), t('discardSure'), () => { dropDraft(draft); return redraw(); })));
  })));
}

function boxItem(poll, box, batches, drafts, closed) {
  const place = box.place ?? box.id;
  const begin = (kind, cells) => {
    const batch = nextName(box.id, batches, drafts);
    keepDraft({ poll: poll.id, batch, box: box.id, kind, cells, cards: [], sending: false });
    location.hash = `#/paper/${poll.id}/${batch}/${kind}`;
  };
  const open = closed ? [] : [button(t('openBox'), () => begin('first', { opened_at: localNow(), counted_by: actorName() }), { 'aria-label': t('openBoxNamed', { place }) }),
    // A card with a code is not for a day, nor for one of several ballots.
    ...(poll.ballots_per === 'day' || poll.ballots_per_voter > 1 ? [] : [button(t('openCodes'), () => begin('codes', {}), { 'aria-label': t('openCodesNamed', { place }) })])];
  const opened = ({ batch, status, opened_at: at, entered }) => make('li', { 'data-batch': batch },
    make('a', { href: `#/paper/${poll.id}/${batch}` }, batch), ' ', make('span', { class: `status ${status}` }, t(`status_${status}`)), ' ',
    make('span', { class: 'soft' }, [at ? time(at) : null, entered.by].filter(Boolean).join(' · ')));
  return make('li', { class: 'option', 'data-box': box.id }, make('div', { class: 'row' }, make('strong', { class: 'wide' }, place),
    ...open),
  batches.length > 0 ? make('ul', {}, ...batches.map(opened)) : make('p', { class: 'soft' }, t('noBatches')));
}

// An option without what became of it.
const asDefined = ({ withdrawn, fate, merged_into: into, ...option }) => option;

// Changes the poll's definition by `change`; everything else of it stays as it is. Resolves to
// whether the server took it.
async function changePoll(poll, change) {
  const { body, headers } = await ask(pollPath(poll.id));
  const { id, accepting, revision, ...definition } = body;
  definition.options = definition.options.map(asDefined);
  if (isSurvey(poll)) definition.ballot.questions = definition.ballot.questions.map((question) => ({ ...question, options: question.options.map(asDefined) }));
  definition.boxes ??= [];
  change(definition);
  return act(pollPath(poll.id), { method: 'PUT', body: definition, headers: { 'If-Match': headers.get('ETag') } });
}

// Boxes may be added at any time.
function addBoxForm(poll, redraw) {
  const place = make('input', { type: 'text', id: 'box-place', autocomplete: 'off', maxlength: '200' });
  const add = async (event) => {
    event.preventDefault();
    const text = place.value.trim();
    if (text === '') { place.focus(); return; }
    const added = await changePoll(poll, ({ boxes }) => boxes.push({ id: idFrom(text, new Set(boxes.map((box) => box.id)), 'box'), place: text }));
    if (!added) return;
    await redraw();
    say(t('boxAdded', { place: text }));
  };
  return make('form', { onsubmit: add }, labelled(t('boxPlace'), place), make('button', { type: 'submit' }, t('addBox')));
}

// A draft of the cards' codes, for a batch that was announced.
function codesDraft(poll, batch) {
  keepDraft({ poll: poll.id, batch: batch.batch, box: batch.box, kind: 'codes', announced: true, cells: { invalid: String(batch.invalid ?? 0), blank: String(batch.blank ?? 0) }, cards: [], sending: false });
  location.hash = `#/paper/${poll.id}/${batch.batch}/codes`;
}

// How the counts grew, asked for when it is opened, and again each time.
function curve(poll) {
  const place = make('div', {});
  const turn = async (event) => {
    if (!event.target.open || event.target !== part) return;
    const { curveParts } = await import('./curve_history.js');
    place.replaceChildren(...await curveParts(poll));
  };
  const part = make('details', { id: 'curve', ontoggle: turn }, make('summary', {}, t('curve')), place);
  return part;
}

async function boxesView(poll, redraw) {
  const paper = poll.state !== 'draft';
  const [batches, first] = await Promise.all([paper ? allBatches(poll.id) : [], getRanking(poll.id, false).catch(() => null)]);
  const drafts = draftsOf(poll.id);
  const closed = closedText(poll);
  const table = closed || poll.boxes.length === 0 ? null : new TableForm(poll, { batches: () => allBatches(poll.id), nextName: (box, all) => nextName(box, all, draftsOf(poll.id)), done: arriveAt(poll) });
  hold.leave = () => table?.leave();
  const ranking = document.createElement('tally-ranking');
  Object.assign(ranking, { definition: poll, first, heading: t('paperRanking'), links: [] });
  return [...heading(t('paperOf', { title: titleOf(poll) })), closed ? make('p', { class: 'note warn' }, closed) : null,
    draftList(poll, drafts, redraw), make('h2', {}, t('boxes')),
    poll.boxes.length === 0 ? make('p', {}, t('noBoxes')) : make('ul', { class: 'plain', id: 'boxes' }, ...poll.boxes.map((box) => boxItem(poll, box, batches.filter((batch) => batch.box === box.id), drafts, closed))),
    table?.element ?? null, poll.state === 'final' ? null : addBoxForm(poll, redraw),
    make('p', { class: 'row' }, make('a', { class: 'button', href: `#/paper/${poll.id}/+report` }, t('report')), poll.state === 'final' ? null : make('a', { class: 'button', href: `#/paper/${poll.id}/+codes` }, t('codesSheet'))), ranking, poll.state === 'draft' ? null : curve(poll)];
}

async function batchView(poll, name, redraw) {
  const back = make('p', { class: 'unprinted' }, make('a', { href: `#/paper/${poll.id}` }, t('backToBoxes')));
  try {
    const batch = await getBatch(poll.id, name);
    return [back, make('h1', { tabindex: '-1' }, t('batch', { batch: name })), ...batchParts(poll, batch, redraw),
      batch.status === 'announced' && !closedText(poll) ? make('p', { class: 'unprinted' }, button(t('codesEnter'), () => codesDraft(poll, batch), { class: 'main' })) : null];
  } catch (problem) {
    if (!(problem instanceof Problem) || problem.status !== 404) throw problem;
    return [back, make('h1', { tabindex: '-1' }, t('batch', { batch: name })), make('p', { class: 'note warn' }, t('gone'))];
  }
}

async function newSecond(poll, name) {
  const batch = await getBatch(poll.id, name);
  if (batch.status !== 'entered') return null;
  return { poll: poll.id, batch: name, box: batch.box, kind: 'second', cells: {}, cards: [], sending: false };
}

async function entryView(poll, name, kind) {
  const back = make('p', {}, make('a', { href: `#/paper/${poll.id}` }, t('backToBoxes')));
  const title = make('h1', { tabindex: '-1' }, t({ first: 'firstEntry', second: 'secondEntry', codes: 'codesEntry' }[kind], { batch: name }));
  if (kind === 'second') {
    const by = enteredBy(await getBatch(poll.id, name));
    // Said before the work, not after it; the server has the last word.
    if (by && by === actorName()) return [back, title, make('p', { class: 'note warn' }, t('samePerson', { actor: by })), button(t('again'), () => dispatchEvent(new HashChangeEvent('hashchange')))];
  }
  const draft = findDraft(poll.id, name, kind) ?? (kind === 'second' ? await newSecond(poll, name) : null);
  if (draft === null) return null;
  const batches = await allBatches(poll.id);
  const View = kind === 'codes' ? CodesView : EntryView;
  const entry = new View(poll, draft, { nextName: () => nextName(draft.box, batches, draftsOf(poll.id)), done: arriveAt(poll) });
  const table = kind === 'second' ? new TableForm(poll, { second: name, done: (batch, text) => { dropDraft(draft); arriveAt(poll)(batch, text); } }) : null;
  hold.leave = () => { entry.leave(); table?.leave(); };
  return [back, title, entry.element, table?.element ?? null];
}

// What is no opening.
async function moreView(poll, name, redraw) {
  const back = make('p', { class: 'unprinted' }, make('a', { href: `#/paper/${poll.id}` }, t('backToBoxes')));
  const report = name === '+report';
  return [back, make('h1', { tabindex: '-1' }, t(report ? 'report' : 'codesSheet')),
    ...(report ? await reportParts(poll, (change) => changePoll(poll, change), redraw) : codesParts(poll))];
}

// What is said after the way to another view, and what is to be left behind.
const hold = { text: '', leave: null };
// To a batch that is at the server now.
const arriveAt = (poll) => (batch, text) => {
  hold.text = text;
  location.hash = `#/paper/${poll.id}/${batch.batch}`;
};

// The parts of the page for an address behind #/paper/. Resolves to null if it leads elsewhere.
export async function paperParts(words, redraw) {
  const [id, name, kind] = words;
  const poll = await getPoll(id);
  if (name === undefined) return boxesView(poll, redraw);
  if (name.startsWith('+')) return moreView(poll, name, redraw);
  if (['first', 'second', 'codes'].includes(kind)) {
    const parts = await entryView(poll, name, kind);
    if (parts === null) location.replace(`#/paper/${poll.id}/${name}`);
    return parts;
  }
  return batchView(poll, name, redraw);
}

export function leavePaper() {
  hold.leave?.();
  hold.leave = null;
}

// Said once the new view is there.
export function arrived() {
  if (hold.text !== '') say(hold.text);
  else quiet();
  hold.text = '';
}
