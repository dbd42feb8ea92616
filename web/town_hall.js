// The town hall's page: the polls with their states, and setting up a new one with a preview.
// Every act carries the actor's name; a state is changed by a second, named click.

import { currentLanguage, setLanguage, t, titleOf } from './texts.js';
import { Problem, ask, setToken } from './service.js';
import { announce, button, labelled, make } from './page.js';

const main = document.getElementById('main');
const NEXT = { draft: ['open'], open: ['paused', 'closed'], paused: ['open', 'closed'], closed: ['final'], final: [] };
const ACTS = { open: 'toOpen', paused: 'toPaused', closed: 'toClosed', final: 'toFinal' };

const actor = make('input', { type: 'text', id: 'actor', autocomplete: 'username', value: sessionStorage.getItem('tallyd.actor') ?? '', oninput: () => sessionStorage.setItem('tallyd.actor', actor.value.trim()) });
const message = make('div', {});

function say(text, warn) {
  message.replaceChildren(make('p', { class: warn ? 'note warn' : 'note' }, text));
  announce(text);
}

const reason = (problem) => (problem instanceof Problem ? t('failed', { detail: problem.message }) : t('unreachable'));

// Resolves to whether it was done; says why not.
async function act(path, options) {
  if (actor.value.trim() === '') {
    say(t('actorNeeded'), true);
    actor.focus();
    return false;
  }
  try {
    await ask(path, { ...options, language: currentLanguage(), headers: { ...options.headers, 'Tallyd-Actor': actor.value.trim() } });
    return true;
  } catch (problem) {
    say(reason(problem), true);
    return false;
  }
}

function pollItem(poll, redraw) {
  const place = make('div', { class: 'row' });
  const offer = () => place.replaceChildren(...NEXT[poll.state].map((to) => button(t(ACTS[to]), () => confirm(to))));
  const confirm = (to) => {
    const sure = button(t('sure', { act: t(ACTS[to]) }), async () => {
      if (!await act(`/v1/polls/${poll.id}/transitions`, { method: 'POST', body: { to } })) return;
      say(t('nowState', { title: titleOf(poll), state: t(`state_${to}`) }), false);
      await redraw();
    }, { class: 'main' });
    place.replaceChildren(sure, button(t('cancel'), () => { offer(); place.querySelector('button').focus(); }));
    sure.focus();
  };
  offer();
  return make('li', { class: 'option' }, make('div', {}, make('strong', {}, titleOf(poll)), ' ', make('span', { class: 'soft' }, `${poll.id} · ${t(`state_${poll.state}`)}`)), place);
}

async function pollList() {
  const list = make('ul', { class: 'plain', id: 'polls' });
  const more = make('div', {});
  const load = async (cursor) => {
    const { body } = await ask(`/v1/polls${cursor ? `?cursor=${encodeURIComponent(cursor)}` : ''}`);
    list.append(...body.polls.map((poll) => pollItem(poll, fill)));
    more.replaceChildren();
    if (body.next) more.append(button(t('more'), () => load(body.next)));
  };
  const fill = async () => { list.replaceChildren(); await load(); };
  await fill();
  return { element: make('div', {}, list, more), fill };
}

const slug = (text, taken) => {
  const plain = text.toLowerCase().replace(/ä/g, 'ae').replace(/ö/g, 'oe').replace(/ü/g, 'ue').replace(/ß/g, 'ss')
    .normalize('NFD').replace(/[^a-z0-9]+/g, '-').replace(/^-+|-+$/g, '').slice(0, 55) || 'option';
  let id = plain;
  for (let n = 2; taken.has(id); n += 1) id = `${plain}-${n}`;
  taken.add(id);
  return id;
};

function newPoll(list) {
  const field = (id, name = 'input') => make(name, { ...(name === 'input' ? { type: 'text' } : { rows: '5' }), id, autocomplete: 'off' });
  const id = field('poll-id');
  const project = field('poll-project');
  const de = field('poll-de');
  const en = field('poll-en');
  const ideas = field('poll-ideas', 'textarea');
  const max = make('input', { type: 'number', id: 'poll-max', min: '1', value: '1' });
  const preview = make('div', {});
  const read = () => {
    const missing = [[id, 'pollId'], [project, 'project'], [de, 'titleDe'], [ideas, 'ideas']].filter(([input]) => input.value.trim() === '');
    if (missing.length > 0) {
      say(t('incomplete', { fields: missing.map(([, key]) => t(key)).join(', ') }), true);
      missing[0][0].focus();
      return null;
    }
    const taken = new Set();
    const options = ideas.value.split('\n').map((line) => line.trim()).filter((line) => line !== '').map((line) => ({ id: slug(line, taken), title: { de: line } }));
    const title = { de: de.value.trim(), ...(en.value.trim() === '' ? {} : { en: en.value.trim() }) };
    return { title, project: project.value.trim(), ballot: { type: 'choose', min: 1, max: Number(max.value) }, options };
  };
  const show = (event) => {
    event.preventDefault();
    preview.replaceChildren();
    const poll = read();
    if (!poll) return;
    const heading = make('h3', { tabindex: '-1' }, t('preview'));
    preview.append(heading, make('p', {}, make('strong', {}, titleOf(poll))),
      make('p', { class: 'soft' }, poll.ballot.max === 1 ? t('chooseOne') : t('chooseUpTo', { max: poll.ballot.max, n: 0 })),
      make('ul', {}, ...poll.options.map((option) => make('li', {}, titleOf(option)))),
      button(t('create'), async () => {
        if (!await act(`/v1/polls/${encodeURIComponent(id.value.trim())}`, { method: 'PUT', body: poll, headers: { 'If-None-Match': '*' } })) return;
        say(t('created', { title: titleOf(poll) }), false);
        form.reset();
        preview.replaceChildren();
        await list.fill();
      }, { class: 'main' }));
    heading.focus();
  };
  const form = make('form', { onsubmit: show, novalidate: true }, labelled(t('pollId'), id), labelled(t('project'), project), labelled(t('titleDe'), de),
    labelled(t('titleEn'), en), labelled(t('ideas'), ideas), labelled(t('maxChoices'), max), make('button', { type: 'submit' }, t('preview')), preview);
  return make('section', {}, make('h2', {}, t('newPoll')), form);
}

async function show() {
  document.documentElement.lang = currentLanguage();
  document.title = `tallyd: ${t('townHall')}`;
  const next = currentLanguage() === 'de' ? 'en' : 'de';
  const token = make('input', { type: 'text', id: 'token', autocomplete: 'off', spellcheck: 'false' });
  const useToken = (event) => { event.preventDefault(); setToken(token.value.trim()); show(); };
  const head = [make('div', { class: 'top' }, make('h1', {}, t('townHall')), button(t('language'), () => { setLanguage(next); show(); }, { lang: next })),
    make('form', { onsubmit: useToken }, labelled(t('adminToken'), token), make('button', { type: 'submit' }, 'OK')), labelled(t('actor'), actor), message];
  try {
    const list = await pollList();
    main.replaceChildren(...head, make('h2', {}, t('polls')), list.element, newPoll(list));
  } catch (problem) {
    main.replaceChildren(...head);
    say(reason(problem), true);
  }
}

show();
