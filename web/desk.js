// Who acts at the town hall, and what became of it. With a token the actor is the token's; without
// one it is the name in the field, and no act is sent without it.

import './texts_town_hall.js';
import { currentLanguage, t } from './texts.js';
import { Problem, ask, hasToken, setToken } from './service.js';
import { announce, button, make } from './page.js';

setToken(sessionStorage.getItem('tallyd.token'));
export function useToken(text) {
  setToken(text);
  if (text) sessionStorage.setItem('tallyd.token', text);
  else sessionStorage.removeItem('tallyd.token');
}

export const actor = make('input', {
  type: 'text', id: 'actor', autocomplete: 'username', spellcheck: 'false', value: sessionStorage.getItem('tallyd.actor') ?? '',
  oninput: () => sessionStorage.setItem('tallyd.actor', actorName()),
});
export const actorName = () => actor.value.trim();

export const message = make('div', {});
export function say(text, warn = false) {
  message.replaceChildren(make('p', { class: warn ? 'note warn' : 'note' }, text));
  announce(text);
}
export const quiet = () => message.replaceChildren();

// Said once the next view is there.
let held = null;
export const sayThere = (text, warn = false) => { held = { text, warn }; };
export function sayHeld() {
  if (held) say(held.text, held.warn);
  held = null;
}

// Whether there is somebody to act; says so if not.
export function somebodyActs() {
  if (hasToken() || actorName() !== '') return true;
  say(t('actorNeeded'), true);
  actor.focus();
  return false;
}

// The place and the rule of each fault, behind what the server says of the whole.
export function explain(problem) {
  if (!(problem instanceof Problem)) return t('unreachable');
  const faults = problem.errors.map((fault) => `${fault.pointer || '/'} ${fault.detail ?? fault.code}`);
  return t('failed', { detail: [problem.message, ...faults].join(' · ') });
}

// An act in the name of the actor. Throws as ask() does.
export const perform = (path, options) => ask(path, {
  ...options, language: currentLanguage(),
  headers: { ...options.headers, ...(hasToken() ? {} : { 'Tallyd-Actor': actorName() }) },
});

// Resolves to whether it was done; says why not.
export async function act(path, options) {
  if (!somebodyActs()) return false;
  try {
    await perform(path, options);
    return true;
  } catch (problem) {
    say(explain(problem), true);
    return false;
  }
}

// A button that asks back before it acts: the second click is another, named one.
export function askedTwice(text, sureText, onsure, attributes = {}) {
  const place = make('span', { class: 'row' });
  const offer = () => place.replaceChildren(button(text, ask2, attributes));
  const ask2 = () => {
    const sure = button(sureText, async () => { await onsure(); if (place.isConnected) offer(); }, { class: 'main' });
    place.replaceChildren(sure, button(t('cancel'), () => { offer(); place.firstChild.focus(); }));
    sure.focus();
  };
  offer();
  return place;
}

// An id of lower-case letters, digits and hyphens from a text; the next free one if it is taken.
export function idFrom(text, taken, otherwise) {
  const plain = text.toLowerCase().replace(/ä/g, 'ae').replace(/ö/g, 'oe').replace(/ü/g, 'ue').replace(/ß/g, 'ss')
    .normalize('NFD').replace(/\p{M}/gu, '').replace(/[^a-z0-9]+/g, '-').replace(/^-+|-+$/g, '').slice(0, 50).replace(/-+$/, '') || otherwise;
  let id = plain;
  for (let n = 2; taken.has(id); n += 1) id = `${plain}-${n}`;
  taken.add(id);
  return id;
}
