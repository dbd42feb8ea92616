// The form of a ballot, one kind of field for each type: for voting, and for trying out a poll before
// it is made.

import { number, t, titleOf } from './texts.js';
import { announce, button, make } from './page.js';
import { LongList } from './long_list.js';

export const SEARCH_FROM = 8; // options

// The same order for the same visitor, another one for another: no idea gains by standing first.
function shuffled(options, seed) {
  const weight = (text) => {
    let hash = 2166136261;
    for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 16777619);
    // FNV alone leaves the ends of similar texts close to each other.
    hash = Math.imul(hash ^ (hash >>> 15), 2246822519);
    return (hash ^ (hash >>> 13)) >>> 0;
  };
  return options.map((option) => [weight(`${seed}/${option.id}`), option])
    .sort((a, b) => a[0] - b[0]).map(([, option]) => option);
}

let nextName = 0;
const uniqueName = () => `f${(nextName += 1)}`;

// A field is {element, list, read()}; read() gives {body} or {error, focus}. `own` is the body of the
// ballot in force, or null. What was chosen is kept beside the rows, of which a long list has only
// those in sight.

// The options as a list; row(option): the inside of one.
class OptionList {
  constructor(options, row) {
    this.options = new Map(options.map((option) => [option.id, option]));
    this.words = new Map(options.map((option) => [option.id, titleOf(option).toLocaleLowerCase()]));
    this.element = make('ul', { class: 'plain' });
    this.rows = new LongList(this.element, (id) => make('li', { class: 'option' }, row(this.options.get(id))));
    this.stays = () => false; // whatever the search is for
    this.leaves = () => false;
    this.search('');
  }

  get size() { return this.options.size; }

  // Shows what has the text in it, and what is chosen; returns how many.
  search(text) {
    this.wanted = text;
    const found = [...this.options.keys()].filter((id) => !this.leaves(id) && (this.words.get(id).includes(text) || this.stays(id)));
    this.rows.show(found);
    return found.length;
  }

  again() { this.search(this.wanted); }

  first() { return this.element.querySelector('input, button'); }
}

function chooseField(rules, options, own) {
  const single = rules.max === 1;
  const name = uniqueName();
  const chosen = new Set(options.map(({ id }) => id).filter((id) => own?.choices?.includes(id)));
  const inputs = new Map();
  const hint = make('p', { id: `${name}-hint` });
  const tell = () => {
    const values = { min: number(rules.min), max: number(rules.max), n: number(chosen.size) };
    hint.textContent = single ? t('chooseOne') : rules.min > 1 ? t('chooseBetween', values) : t('chooseUpTo', values);
  };
  const turn = (id, on) => {
    if (single) {
      // One out of the document is in no group with this one.
      for (const other of chosen) if (other !== id && inputs.has(other)) inputs.get(other).checked = false;
      chosen.clear();
    }
    if (on) chosen.add(id);
    else chosen.delete(id);
    tell();
  };
  const list = new OptionList(options, (option) => {
    const input = make('input', { type: single ? 'radio' : 'checkbox', name: single ? name : null, value: option.id, onchange: () => turn(option.id, input.checked), checked: chosen.has(option.id) });
    inputs.set(option.id, input);
    return make('label', {}, input, make('span', {}, titleOf(option)));
  });
  list.stays = (id) => chosen.has(id);
  if (single) list.rows.pinned = () => chosen;
  tell();
  return {
    element: make('div', { role: 'group', 'aria-labelledby': `${name}-hint` }, hint, list.element),
    list,
    read() {
      const focus = list.first();
      if (chosen.size > rules.max) return { error: t('tooMany', { max: number(rules.max) }), focus };
      if (chosen.size < rules.min) return { error: single ? t('chooseOne') : t('tooFew', { min: number(rules.min) }), focus };
      return { body: { choices: options.map(({ id }) => id).filter((id) => chosen.has(id)) } };
    },
  };
}

function pointsField(rules, options, own) {
  const hint = make('p', { role: 'status' });
  const given = new Map(options.map(({ id }) => [id, own?.points?.[id]]).filter(([, value]) => value !== undefined).map(([id, value]) => [id, String(value)]));
  const inputs = new Map();
  const perOption = rules.max_per_option ?? rules.total;
  const valid = (text) => /^\d+$/.test(text) && Number(text) <= perOption;
  const sum = () => [...given.values()].reduce((total, text) => total + (valid(text) ? Number(text) : 0), 0);
  const tell = () => {
    const left = rules.total - sum();
    hint.textContent = `${left < 0 ? t('tooManyPoints', { n: number(-left) }) : t('pointsLeft', { n: number(left), total: number(rules.total) })} ${t('pointsPer', { max: number(perOption) })}`;
  };
  const list = new OptionList(options, (option) => {
    const input = make('input', {
      type: 'number', id: uniqueName(), min: '0', max: String(perOption), step: '1', inputmode: 'numeric', 'aria-label': t('points', { title: titleOf(option) }), value: given.get(option.id) ?? '',
      oninput: () => {
        // What is no number has an empty value, and is said when the vote is to be sent.
        if (input.value === '' && !input.validity.badInput) given.delete(option.id);
        else given.set(option.id, input.value);
        tell();
      },
    });
    inputs.set(option.id, input);
    return make('div', { class: 'row' }, make('span', { class: 'wide' }, titleOf(option)), input);
  });
  list.stays = (id) => given.has(id);
  tell();
  return {
    element: make('div', {}, hint, list.element),
    list,
    read() {
      const wrong = [...given].find(([, text]) => !valid(text));
      if (wrong) return { error: t('tooManyPer', { max: number(perOption) }), focus: inputs.get(wrong[0]) };
      const focus = list.first();
      if (sum() > rules.total) return { error: t('tooManyPoints', { n: number(sum() - rules.total) }), focus };
      if (sum() === 0) return { error: t('noPoints'), focus };
      return { body: { points: Object.fromEntries([...given].map(([id, text]) => [id, Number(text)]).filter(([, value]) => value > 0)) } };
    },
  };
}

// Buttons, not dragging: the same for mouse, touch, keyboard and screen reader.
function rankField(rules, options, own) {
  const titles = new Map(options.map((option) => [option.id, titleOf(option)]));
  const order = (own?.ranking ?? []).filter((id) => titles.has(id));
  const max = Math.min(rules.max, options.length);
  const list = make('ol', { 'aria-label': t('yourOrder') });
  const empty = make('p', { class: 'soft' }, t('emptyOrder'));
  const act = (id, kind) => list.querySelector(`[data-id="${CSS.escape(id)}"] [data-act=${kind}]`);
  const swap = (at, to, kind) => {
    if (to < 0 || to >= order.length) return;
    [order[at], order[to]] = [order[to], order[at]];
    draw();
    act(order[to], kind).focus();
    announce(t('moved', { title: titles.get(order[to]), n: number(to + 1) }));
  };
  let back = []; // the last one that was taken out, for the focus
  const remove = (id) => {
    order.splice(order.indexOf(id), 1);
    back = [id];
    draw();
    const row = offered.rows.row(id);
    (row.isConnected ? row.querySelector('button') : offered.first())?.focus();
    announce(t('removed', { title: titles.get(id) }));
  };
  const add = (id) => {
    if (order.includes(id)) return;
    if (order.length >= max) { announce(t('tooMany', { max: number(max) })); return; }
    order.push(id);
    draw();
    act(id, 'up').focus();
    announce(t('moved', { title: titles.get(id), n: number(order.length) }));
  };
  const offered = new OptionList(options, (option) => make('div', { class: 'row' }, make('span', { class: 'wide' }, titleOf(option)),
    button(t('add'), () => add(option.id), { 'aria-label': t('addNamed', { title: titleOf(option) }) })));
  offered.leaves = (id) => order.includes(id);
  offered.rows.pinned = () => back;
  function draw() {
    list.replaceChildren(...order.map((id, at) => {
      const title = titles.get(id);
      const sign = (text, kind, key, onclick, off) => button(text, onclick,
        { 'data-act': kind, 'aria-label': t(key, { title }), 'aria-disabled': off ? 'true' : null });
      return make('li', { 'data-id': id }, make('div', { class: 'row' }, make('span', { class: 'wide' }, title),
        sign('↑', 'up', 'up', () => swap(at, at - 1, 'up'), at === 0),
        sign('↓', 'down', 'down', () => swap(at, at + 1, 'down'), at === order.length - 1),
        sign('✕', 'remove', 'remove', () => remove(id), false)));
    }));
    empty.hidden = order.length > 0;
    offered.again();
  }
  draw();
  return {
    element: make('div', {}, make('p', {}, t('rankUpTo', { max: number(max) })), make('h2', {}, t('yourOrder')), empty, list,
      make('h2', {}, t('offered')), offered.element),
    list: offered,
    read: () => (order.length === 0 ? { error: t('noRank'), focus: offered.first() } : { body: { ranking: [...order] } }),
  };
}

function updownField(rules, options, own) {
  const votes = new Map(options.map(({ id }) => [id, own?.votes?.[id] ?? 0]).filter(([, value]) => value !== 0));
  const list = new OptionList(options, (option) => {
    const name = uniqueName();
    const turn = (value) => { if (value === 0) votes.delete(option.id); else votes.set(option.id, value); };
    const radio = (value, text) => make('label', {}, make('input', { type: 'radio', name, value: String(value), checked: (votes.get(option.id) ?? 0) === value, onchange: () => turn(value) }), text);
    return make('fieldset', {}, make('legend', {}, titleOf(option)), make('div', { class: 'row' }, radio(1, t('for')), radio(0, t('neutral')), radio(-1, t('against'))));
  });
  list.stays = (id) => votes.has(id);
  return {
    element: list.element,
    list,
    // To the answer that the first idea has, so that the arrows go on from there.
    read: () => (votes.size === 0 ? { error: t('noUpdown'), focus: list.element.querySelector('input:checked') } : { body: { votes: Object.fromEntries(votes) } }),
  };
}

function surveyField(rules, ignored, own, seed) {
  const fields = rules.questions.map((question) => {
    const answer = own?.answers?.[question.id] ?? null;
    return [question, FIELDS[question.ballot.type](question.ballot, ordered(question.options, answer, seed), answer)];
  });
  return {
    element: make('div', {}, ...fields.map(([question, field]) => make('fieldset', {}, make('legend', {}, titleOf(question)),
      field.list.size >= SEARCH_FROM ? searchBox(field.list) : null, field.element))),
    list: null,
    read() {
      const answers = {};
      for (const [question, field] of fields) {
        const result = field.read();
        if (result.error) return { error: `${titleOf(question)}: ${result.error}`, focus: result.focus };
        answers[question.id] = result.body;
      }
      return { body: { answers } };
    },
  };
}

export const FIELDS = { choose: chooseField, points: pointsField, rank: rankField, updown: updownField, survey: surveyField };

export const ordered = (options, own, seed) => {
  const offered = options.filter((option) => !option.withdrawn);
  return own ? offered : shuffled(offered, seed);
};

export function searchBox(list) {
  const count = make('span', { class: 'soft', role: 'status' });
  const id = uniqueName();
  const search = make('input', { type: 'search', id, oninput: () => { count.textContent = t('found', { n: list.search(search.value.trim().toLocaleLowerCase()) }); } });
  return make('div', {}, make('label', { for: id }, t('search')), search, count);
}
