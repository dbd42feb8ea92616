// The paper desk of one poll: its boxes with their openings, drafts of this device, and the ways to
// enter, confirm and take back.
//
//   #/paper/<poll>                 boxes and openings
//   #/paper/<poll>/<batch>         one opening
//   #/paper/<poll>/<batch>/first   entering it, from a draft of this device
//   #/paper/<poll>/<batch>/second  entering it blindly again

import { number, t, time, titleOf } from './texts.js';
import { Problem, ask, getPoll, getRanking, pollPath } from './service.js';
import { button, labelled, make } from './page.js';
import { act, actorName, askedTwice, idFrom, quiet, say } from './desk.js';
import { draftsOf, dropDraft, findDraft, keepDraft } from './paper_drafts.js';
import { batchParts, getBatch } from './paper_batch.js';
import { EntryView } from './paper_entry.js';
import { isSurvey } from './paper_cells.js';
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
    const cards = number(readCell(draft.cells.cards ?? '') ?? 0);
    const words = t(draft.kind === 'first' ? 'draftFirst' : 'draftSecond', { batch: draft.batch, n: cards, time: time(draft.changed) });
    return make('li', { class: 'option' }, make('div', {}, words), make('div', { class: 'row' },
      make('a', { class: 'button', href: `#/paper/${poll.id}/${draft.batch}/${draft.kind}` }, t('resume')),
      askedTwice(t('discard'), t('discardSure'), () => { dropDraft(draft); return redraw(); })));
  })));
}

function boxItem(poll, box, batches, drafts, closed) {
  const place = box.place ?? box.id;
  const begin = () => {
    const batch = nextName(box.id, batches, drafts);
    keepDraft({ poll: poll.id, batch, box: box.id, kind: 'first', cells: { opened_at: localNow(), counted_by: actorName() }, cards: [], sending: false });
    location.hash = `#/paper/${poll.id}/${batch}/first`;
  };
  const opened = ({ batch, status, opened_at: at, entered }) => make('li', { 'data-batch': batch },
    make('a', { href: `#/paper/${poll.id}/${batch}` }, batch), ' ', make('span', { class: `status ${status}` }, t(`status_${status}`)), ' ',
    make('span', { class: 'soft' }, [at ? time(at) : null, entered.by].filter(Boolean).join(' · ')));
  return make('li', { class: 'option', 'data-box': box.id }, make('div', { class: 'row' }, make('strong', { class: 'wide' }, place),
    closed ? null : button(t('openBox'), begin, { 'aria-label': t('openBoxNamed', { place }) })),
  batches.length > 0 ? make('ul', {}, ...batches.map(opened)) : make('p', { class: 'soft' }, t('noBatches')));
}

// An option without what became of it.
const asDefined = ({ withdrawn, fate, merged_into: into, ...option }) => option;

// Boxes may be added at any time; everything else of the poll stays as it is.
function addBoxForm(poll, redraw) {
  const place = make('input', { type: 'text', id: 'box-place', autocomplete: 'off', maxlength: '200' });
  const add = async (event) => {
    event.preventDefault();
    const text = place.value.trim();
    if (text === '') { place.focus(); return; }
    const { body, headers } = await ask(pollPath(poll.id));
    const { id, accepting, revision, ...definition } = body;
    definition.options = definition.options.map(asDefined);
    if (isSurvey(poll)) definition.ballot.questions = definition.ballot.questions.map((question) => ({ ...question, options: question.options.map(asDefined) }));
    definition.boxes = [...body.boxes, { id: idFrom(text, new Set(body.boxes.map((box) => box.id)), 'box'), place: text }];
    if (!await act(pollPath(poll.id), { method: 'PUT', body: definition, headers: { 'If-Match': headers.get('ETag') } })) return;
    await redraw();
    say(t('boxAdded', { place: text }));
  };
  return make('form', { onsubmit: add }, labelled(t('boxPlace'), place), make('button', { type: 'submit' }, t('addBox')));
}

async function boxesView(poll, redraw) {
  const paper = poll.state !== 'draft';
  const [batches, first] = await Promise.all([paper ? allBatches(poll.id) : [], getRanking(poll.id, false).catch(() => null)]);
  const drafts = draftsOf(poll.id);
  const closed = closedText(poll);
  const ranking = document.createElement('tally-ranking');
  Object.assign(ranking, { definition: poll, first, heading: t('paperRanking'), links: [] });
  return [...heading(t('paperOf', { title: titleOf(poll) })), closed ? make('p', { class: 'note warn' }, closed) : null,
    draftList(poll, drafts, redraw), make('h2', {}, t('boxes')),
    poll.boxes.length === 0 ? make('p', {}, t('noBoxes')) : make('ul', { class: 'plain', id: 'boxes' }, ...poll.boxes.map((box) => boxItem(poll, box, batches.filter((batch) => batch.box === box.id), drafts, closed))),
    poll.state === 'final' ? null : addBoxForm(poll, redraw), ranking];
}

async function batchView(poll, name, redraw) {
  const back = make('p', { class: 'unprinted' }, make('a', { href: `#/paper/${poll.id}` }, t('backToBoxes')));
  try {
    const batch = await getBatch(poll.id, name);
    return [back, make('h1', { tabindex: '-1' }, t('batch', { batch: name })), ...batchParts(poll, batch, redraw)];
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

async function entryView(poll, name, kind, hold) {
  const back = make('p', {}, make('a', { href: `#/paper/${poll.id}` }, t('backToBoxes')));
  const title = make('h1', { tabindex: '-1' }, t(kind === 'first' ? 'firstEntry' : 'secondEntry', { batch: name }));
  if (kind === 'second') {
    const { entered } = await getBatch(poll.id, name);
    // Said before the work, not after it; the server has the last word.
    if (entered.by && entered.by === actorName()) return [back, title, make('p', { class: 'note warn' }, t('samePerson', { actor: entered.by })), button(t('again'), () => dispatchEvent(new HashChangeEvent('hashchange')))];
  }
  const draft = findDraft(poll.id, name, kind) ?? (kind === 'second' ? await newSecond(poll, name) : null);
  if (draft === null) return null;
  const batches = await allBatches(poll.id);
  const entry = new EntryView(poll, draft, {
    nextName: () => nextName(draft.box, batches, draftsOf(poll.id)),
    done: (batch, text) => {
      hold.text = text;
      location.hash = `#/paper/${poll.id}/${batch.batch}`;
    },
  });
  hold.leave = () => entry.leave();
  return [back, title, entry.element];
}

// What is said after the way to another view, and what is to be left behind.
const hold = { text: '', leave: null };

// The parts of the page for an address behind #/paper/. Resolves to null if it leads elsewhere.
export async function paperParts(words, redraw) {
  const [id, name, kind] = words;
  const poll = await getPoll(id);
  if (name === undefined) return boxesView(poll, redraw);
  if (kind === 'first' || kind === 'second') {
    const parts = await entryView(poll, name, kind, hold);
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
