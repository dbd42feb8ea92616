// The form of a ballot, one kind of field for each type: for voting, and for trying out a poll before
// it is made.

import { number, t, titleOf } from './texts.js';
import { announce, button, make } from './page.js';

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

// A field is {element, read()}; read() gives {body} or {error, focus}. `own` is the body of the
// ballot in force, or null.

function chooseField(rules, options, own) {
  const single = rules.max === 1;
  const name = uniqueName();
  const hint = make('p', { id: `${name}-hint` });
  const chosen = () => [...element.querySelectorAll('input:checked')].map((input) => input.value);
  const tell = () => {
    const values = { min: number(rules.min), max: number(rules.max), n: number(chosen().length) };
    hint.textContent = single ? t('chooseOne') : rules.min > 1 ? t('chooseBetween', values) : t('chooseUpTo', values);
  };
  const items = options.map((option) => make('li', { class: 'option', 'data-id': option.id },
    make('label', {}, make('input', {
      type: single ? 'radio' : 'checkbox', name: single ? name : null, value: option.id, onchange: tell,
      checked: own?.choices?.includes(option.id) ?? false,
    }), make('span', {}, titleOf(option)))));
  const element = make('div', { role: 'group', 'aria-labelledby': `${name}-hint` }, hint, make('ul', { class: 'plain' }, ...items));
  tell();
  return {
    element,
    items,
    read() {
      const choices = chosen();
      const focus = element.querySelector('input');
      if (choices.length > rules.max) return { error: t('tooMany', { max: number(rules.max) }), focus };
      if (choices.length < rules.min) return { error: single ? t('chooseOne') : t('tooFew', { min: number(rules.min) }), focus };
      return { body: { choices } };
    },
  };
}

function pointsField(rules, options, own) {
  const hint = make('p', { role: 'status' });
  const inputs = new Map();
  const perOption = rules.max_per_option ?? rules.total;
  const valid = (input) => /^\d+$/.test(input.value || '0') && Number(input.value || 0) <= perOption;
  const sum = () => [...inputs.values()].reduce((total, input) => total + (valid(input) ? Number(input.value || 0) : 0), 0);
  const tell = () => {
    const left = rules.total - sum();
    hint.textContent = `${left < 0 ? t('tooManyPoints', { n: number(-left) }) : t('pointsLeft', { n: number(left), total: number(rules.total) })} ${t('pointsPer', { max: number(perOption) })}`;
  };
  const items = options.map((option) => {
    const id = uniqueName();
    const input = make('input', {
      type: 'number', id, min: '0', max: String(perOption), step: '1', inputmode: 'numeric', oninput: tell,
      'aria-label': t('points', { title: titleOf(option) }), value: own?.points?.[option.id] ?? '',
    });
    inputs.set(option.id, input);
    return make('li', { class: 'option', 'data-id': option.id }, make('div', { class: 'row' },
      make('span', { class: 'wide' }, titleOf(option)), input));
  });
  tell();
  return {
    element: make('div', {}, hint, make('ul', { class: 'plain' }, ...items)),
    items,
    read() {
      const wrong = [...inputs.values()].find((input) => !valid(input));
      if (wrong) return { error: t('tooManyPer', { max: number(perOption) }), focus: wrong };
      const first = inputs.values().next().value;
      if (sum() > rules.total) return { error: t('tooManyPoints', { n: number(sum() - rules.total) }), focus: first };
      if (sum() === 0) return { error: t('noPoints'), focus: first };
      const points = {};
      for (const [id, input] of inputs) if (Number(input.value) > 0) points[id] = Number(input.value);
      return { body: { points } };
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
  const adders = new Map();
  const act = (id, kind) => list.querySelector(`[data-id="${CSS.escape(id)}"] [data-act=${kind}]`);
  const swap = (at, to, kind) => {
    if (to < 0 || to >= order.length) return;
    [order[at], order[to]] = [order[to], order[at]];
    draw();
    act(order[to], kind).focus();
    announce(t('moved', { title: titles.get(order[to]), n: number(to + 1) }));
  };
  const remove = (id) => {
    order.splice(order.indexOf(id), 1);
    draw();
    adders.get(id).focus();
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
  const items = options.map((option) => {
    const adder = button(t('add'), () => add(option.id), { 'aria-label': t('addNamed', { title: titleOf(option) }) });
    adders.set(option.id, adder);
    return make('li', { class: 'option', 'data-id': option.id }, make('div', { class: 'row' }, make('span', { class: 'wide' }, titleOf(option)), adder));
  });
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
    for (const item of items) item.classList.toggle('taken', order.includes(item.dataset.id));
    for (const item of items) item.dataset.taken = order.includes(item.dataset.id) ? '1' : '';
    for (const item of items) item.hidden = item.dataset.taken === '1' || item.dataset.missed === '1';
  }
  draw();
  return {
    element: make('div', {}, make('p', {}, t('rankUpTo', { max: number(max) })), make('h2', {}, t('yourOrder')), empty, list,
      make('h2', {}, t('offered')), make('ul', { class: 'plain' }, ...items)),
    items,
    read: () => (order.length === 0 ? { error: t('noRank'), focus: adders.values().next().value } : { body: { ranking: [...order] } }),
  };
}

function updownField(rules, options, own) {
  const names = new Map();
  const items = options.map((option) => {
    const name = uniqueName();
    names.set(option.id, name);
    const mine = String(own?.votes?.[option.id] ?? 0);
    const radio = (value, text) => make('label', {}, make('input', { type: 'radio', name, value, checked: mine === value }), text);
    return make('li', { class: 'option', 'data-id': option.id }, make('fieldset', {}, make('legend', {}, titleOf(option)),
      make('div', { class: 'row' }, radio('1', t('for')), radio('0', t('neutral')), radio('-1', t('against')))));
  });
  const element = make('ul', { class: 'plain' }, ...items);
  return {
    element,
    items,
    read() {
      const votes = {};
      for (const [id, name] of names) {
        const value = Number(element.querySelector(`input[name=${name}]:checked`).value);
        if (value !== 0) votes[id] = value;
      }
      return Object.keys(votes).length === 0 ? { error: t('noUpdown'), focus: element.querySelector('input') } : { body: { votes } };
    },
  };
}

function surveyField(rules, ignored, own, seed) {
  const fields = rules.questions.map((question) => {
    const answer = own?.answers?.[question.id] ?? null;
    return [question, FIELDS[question.ballot.type](question.ballot, ordered(question.options, answer, seed), answer)];
  });
  return {
    element: make('div', {}, ...fields.map(([question, field]) => make('fieldset', {}, make('legend', {}, titleOf(question)), field.element))),
    items: [],
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

export function searchBox(items) {
  const count = make('span', { class: 'soft', role: 'status' });
  const id = uniqueName();
  const search = make('input', {
    type: 'search', id, oninput: () => {
      const wanted = search.value.trim().toLocaleLowerCase();
      let found = 0;
      for (const item of items) {
        // What is chosen stays in sight.
        const missed = !item.textContent.toLocaleLowerCase().includes(wanted) && !item.querySelector('input[type=checkbox]:checked, input[type=radio]:checked:not([value="0"])');
        item.dataset.missed = missed ? '1' : '';
        item.hidden = missed || item.dataset.taken === '1';
        if (!missed) found += 1;
      }
      count.textContent = t('found', { n: found });
    },
  });
  return make('div', {}, make('label', { for: id }, t('search')), search, count);
}
