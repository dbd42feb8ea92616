// The town hall's page: polls and setting them up, the paper desk, ideas and options, audit logs.
// Addresses: #/ , #/paper/<poll> and on (paper_desk.js), #/ideas and #/idea/<idea> (moderation.js),
// #/options/<poll> (options_desk.js), #/audit/<poll or project>/<id> (audit_reader.js)

import { actor, explain, message, say, sayHeld, useToken } from './desk.js';
import { currentLanguage, setLanguage, t } from './texts.js';
import { Problem, Unreachable } from './service.js';
import { button, labelled, make } from './page.js';
import { pollList } from './polls_desk.js';
import { newPoll } from './poll_setup.js';
import { arrived, leavePaper, paperParts } from './paper_desk.js';
import { leaveModeration, moderationParts } from './moderation.js';
import { optionsParts } from './options_desk.js';
import { auditParts, leaveAudit } from './audit_reader.js';
import { TallyRanking } from './ranking.js';

customElements.define('tally-ranking', TallyRanking);

const main = document.getElementById('main');
const place = make('div', {});
let visit = 0;

async function hallParts() {
  const list = await pollList();
  return [make('h1', { tabindex: '-1' }, t('townHall')), make('p', {}, make('a', { class: 'button', href: '#/ideas' }, t('moderate'))), make('h2', {}, t('polls')), list.element, newPoll(list)];
}

function head() {
  const next = currentLanguage() === 'de' ? 'en' : 'de';
  const token = make('input', { type: 'text', id: 'token', autocomplete: 'off', spellcheck: 'false' });
  const use = (event) => { event.preventDefault(); useToken(token.value.trim()); show(); };
  return make('header', { class: 'unprinted' }, make('div', { class: 'top' }, labelled(t('actor'), actor), button(t('language'), () => { setLanguage(next); begin(); }, { lang: next })),
    make('details', {}, make('summary', {}, t('adminToken')), make('form', { onsubmit: use }, labelled(t('adminToken'), token), make('button', { type: 'submit' }, t('useToken')))));
}

function choose() {
  const words = location.hash.replace(/^#\/?/, '').split('/').map(decodeURIComponent);
  if (words[0] === 'paper' && words[1]) return paperParts(words.slice(1), show);
  if (words[0] === 'ideas' || words[0] === 'idea') return moderationParts(words, show);
  if (words[0] === 'options' && words[1]) return optionsParts(words.slice(1), show);
  if (words[0] === 'audit' && words[2]) return auditParts(words.slice(1));
  return hallParts();
}

// Draws the view of the address; keeps what was typed in the head.
async function show() {
  const mine = (visit += 1);
  leavePaper();
  leaveModeration();
  leaveAudit();
  let parts;
  let trouble = null;
  try {
    parts = await choose();
  } catch (problem) {
    trouble = problem;
    if (!(problem instanceof Problem) && !(problem instanceof Unreachable)) reportError(problem); // a fault of this page
    parts = [make('h1', { tabindex: '-1' }, t('townHall')), button(t('again'), show)];
  }
  if (mine !== visit || parts === null) return; // the clerk has gone on meanwhile
  getSelection().removeAllRanges(); // a double click on what was there
  place.replaceChildren(...parts.filter((part) => part !== null));
  const heading = place.querySelector('h1');
  document.title = `tallyd: ${heading.textContent}`;
  arrived();
  sayHeld();
  if (trouble) say(explain(trouble), true);
  if (mine > 1) heading.focus();
}

function begin() {
  document.documentElement.lang = currentLanguage();
  main.replaceChildren(head(), message, place);
  show();
}

addEventListener('hashchange', show);
begin();
