// The citizens' page: the polls, one poll with its ballot and its ranking, receipts, own ideas.
// Addresses: #/ , #/poll/<id> , #/receipt/<receipt> , #/ideas/<project>

import { currentLanguage, setLanguage, t, time, titleOf } from './texts.js';
import { Problem, getPoll, getPolls, getRanking, getReceipt } from './service.js';
import { firstSlot } from './voter.js';
import { announce, button, labelled, make } from './page.js';
import './ballot.js';
import { TallyRanking } from './ranking.js';
import { SeenCurve } from './seen.js';

customElements.define('tally-ranking', TallyRanking);

const POLL_PAGES_MAX = 10; // looked through for those of a project

const main = document.getElementById('main');
let visit = 0;

function top(home) {
  const next = currentLanguage() === 'de' ? 'en' : 'de';
  return make('div', { class: 'top' },
    home ? make('span') : make('a', { href: '#/' }, t('allPolls')),
    button(t('language'), () => { setLanguage(next); show(); }, { lang: next }));
}

function receiptForm(value = '') {
  const input = make('input', { type: 'text', id: 'receipt', autocomplete: 'off', spellcheck: 'false', value });
  const go = (event) => {
    event.preventDefault();
    const address = `#/receipt/${encodeURIComponent(input.value.trim())}`;
    if (input.value.trim() === '') input.focus();
    else if (location.hash === address) show();
    else location.hash = address;
  };
  return make('section', {}, make('h2', {}, t('checkReceipt')),
    make('form', { onsubmit: go }, labelled(t('receipt'), input), make('button', { type: 'submit' }, t('check'))));
}

async function pollsView() {
  const list = make('ul', { class: 'plain polls' });
  const more = make('p', {});
  const load = async (cursor) => {
    const page = await getPolls(cursor);
    const first = list.children.length;
    for (const poll of page.polls) {
      list.append(make('li', {}, make('a', { href: `#/poll/${poll.id}` }, titleOf(poll)),
        make('span', { class: 'soft' }, t(`state_${poll.state}`))));
    }
    more.replaceChildren();
    if (page.next) more.append(button(t('more'), () => load(page.next)));
    if (cursor) list.children[first]?.querySelector('a').focus();
  };
  await load();
  return [top(true), make('h1', {}, t('polls')),
    list.children.length === 0 ? make('p', {}, t('noPolls')) : list, more, receiptForm()];
}

async function pollView(id) {
  const poll = await getPoll(id);
  const ballot = document.createElement('tally-ballot');
  const ranking = document.createElement('tally-ranking');
  // Everything at once, so that nothing moves once it is there. Without an own ballot the vote itself
  // will tell what is wrong; without a ranking the element goes on asking.
  const [first, ranked] = await Promise.all([firstSlot(poll), getRanking(id, Boolean(poll.selection)).catch(() => null)]);
  ranking.first = ranked;
  Object.assign(ballot, { poll, which: first.slot, own: first.own });
  ballot.addEventListener('counted', () => ranking.refresh());
  ranking.definition = poll;
  ranking.curve = new SeenCurve(poll);
  return [top(false), make('h1', {}, titleOf(poll)),
    poll.closes && poll.state === 'open' ? make('p', { class: 'soft' }, t('openUntil', { time: time(poll.closes) })) : null,
    ballot, ranking, make('p', {}, make('a', { href: `#/ideas/${poll.project}` }, t('ideasLink'))), receiptForm()];
}

// Few come for this, so its code comes with them.
async function ideasView(project) {
  const polls = [];
  for (let cursor, at = 0; at < POLL_PAGES_MAX; at += 1) {
    const page = await getPolls(cursor);
    polls.push(...page.polls.filter((poll) => poll.project === project));
    cursor = page.next;
    if (!cursor) break;
  }
  const { ideasParts } = await import('./ideas.js');
  return [top(false), ...ideasParts(project, polls)];
}

async function receiptView(receipt) {
  const parts = [top(false), make('h1', {}, t('checkReceipt'))];
  try {
    const found = await getReceipt(receipt);
    const counts = found.status === 'counted';
    parts.push(make('div', { class: counts ? 'note' : 'note warn' }, make('p', {}, t(`receipt_${found.status}`))));
    announce(t(`receipt_${found.status}`));
    const poll = await getPoll(found.poll);
    parts[2].append(make('p', {}, make('a', { href: `#/poll/${found.poll}` }, t('inPoll', { title: titleOf(poll) }))));
  } catch (problem) {
    if (!(problem instanceof Problem) || ![404, 410, 422].includes(problem.status)) throw problem;
    const text = t(problem.status === 410 ? 'receiptEpoch' : 'receiptUnknown');
    parts.push(make('div', { class: 'note warn' }, make('p', {}, text)));
    announce(text);
  }
  return [...parts, receiptForm(receipt)];
}

function troubleView(problem) {
  const missing = problem instanceof Problem && problem.status === 404;
  const text = missing ? t('notFound') : problem instanceof Problem ? t('failed', { detail: problem.message }) : t('unreachable');
  announce(text);
  return [top(missing ? false : true), make('h1', {}, 'tallyd'), make('div', { class: 'note warn' }, make('p', {}, text),
    button(t('again'), show))];
}

function choose() {
  const [, kind, id] = /^#\/(poll|receipt|ideas)\/(.+)$/.exec(location.hash) ?? [];
  if (kind === 'poll') return pollView(decodeURIComponent(id));
  if (kind === 'receipt') return receiptView(decodeURIComponent(id));
  if (kind === 'ideas') return ideasView(decodeURIComponent(id));
  return pollsView();
}

async function show() {
  const mine = (visit += 1);
  const moved = mine > 1;
  document.documentElement.lang = currentLanguage();
  let parts;
  try {
    parts = await choose();
  } catch (problem) {
    parts = troubleView(problem);
  }
  if (mine !== visit) return; // the visitor has gone on meanwhile
  main.replaceChildren(...parts.filter((part) => part !== null));
  const heading = main.querySelector('h1');
  document.title = heading.textContent;
  if (moved) {
    scrollTo(0, 0);
    main.focus({ preventScroll: true });
  }
}

addEventListener('hashchange', show);
show();
