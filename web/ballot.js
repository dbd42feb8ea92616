// <tally-ballot>: one poll's ballot, from the choice to the receipt. Set `poll` and `own` (the ballot
// in force, or null) before it is put into a page, so that it is drawn at once and nothing moves. A vote is queued before it is sent (voter.js), so whatever happens to the
// connection, the server or the tab, it is sent with the same identity until it is answered.

import { number, t, time, titleOf } from './texts.js';
import { Problem } from './service.js';
import { forgetVote, getOwnBallot, pending, queueVote, sendVote, voter, withdraw } from './voter.js';
import { announce, button, make } from './page.js';

const SEARCH_FROM = 8; // options

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

const FIELDS = { choose: chooseField, points: pointsField, rank: rankField, updown: updownField, survey: surveyField };

const ordered = (options, own, seed) => {
  const offered = options.filter((option) => !option.withdrawn);
  return own ? offered : shuffled(offered, seed);
};

function searchBox(items) {
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

class TallyBallot extends HTMLElement {
  connectedCallback() {
    if (this.begun) return;
    this.begun = true;
    this.online = () => { if (pending(this.poll.id)) this.send(); };
    addEventListener('online', this.online);
    this.message = make('div', {});
    this.place = make('div', {});
    this.append(this.message, this.place);
    this.start();
  }

  disconnectedCallback() {
    removeEventListener('online', this.online);
    clearTimeout(this.retry);
    this.gone = true;
  }

  start() {
    const closedText = this.closedText();
    if (pending(this.poll.id)) this.send();
    else if (this.own) this.drawOwn();
    else if (closedText) this.say(closedText);
    else this.drawForm();
  }

  // Why nobody can vote now; '' if one can.
  closedText() {
    const { poll } = this;
    if (!poll.channels.includes('online')) return t('paperOnly');
    if (poll.state === 'paused') return t('paused');
    if (poll.state === 'closed' || poll.state === 'final') return t('closed');
    if (!poll.accepting) return poll.opens && new Date(poll.opens) > new Date() ? t('notYet', { time: time(poll.opens) }) : t('closed');
    if (poll.ballots_per_voter > 1 || poll.ballots_per || !(poll.ballot.type in FIELDS)) return t('notHere');
    return '';
  }

  // A message above the ballot, also said aloud; with a receipt and buttons if there are any.
  say(text, { warn = false, receipt = null, buttons = [], focus = false } = {}) {
    const box = make('div', { class: warn ? 'note warn' : 'note', tabindex: '-1' }, make('p', {}, text),
      receipt ? make('div', {}, make('p', {}, t('receipt'), ': ', make('code', { class: 'receipt' }, receipt)),
        make('p', {}, t('keepReceipt'), ' ', make('a', { href: `#/receipt/${receipt}` }, t('checkReceipt')))) : null,
      buttons.length > 0 ? make('p', { class: 'row' }, ...buttons) : null);
    this.message.replaceChildren(box);
    announce(text);
    if (focus) box.focus();
  }

  drawForm() {
    const { poll } = this;
    const field = FIELDS[poll.ballot.type](poll.ballot, ordered(poll.options ?? [], this.own, voter), this.own, voter);
    const error = make('p', { class: 'note warn', hidden: true });
    const submit = (event) => {
      event.preventDefault();
      const result = field.read();
      error.hidden = !result.error;
      if (result.error) {
        error.textContent = result.error;
        announce(result.error);
        result.focus?.focus();
        return;
      }
      if (pending(poll.id)) return; // a second click
      queueVote(poll.id, result.body);
      this.send();
    };
    this.place.replaceChildren(make('form', { onsubmit: submit, novalidate: true },
      field.items.length >= SEARCH_FROM ? searchBox(field.items) : null, field.element, error,
      make('p', {}, make('button', { type: 'submit', class: 'main' }, this.own ? t('change') : t('vote')))));
  }

  async send() {
    const { poll } = this;
    if (this.sending) return;
    this.sending = true;
    clearTimeout(this.retry);
    this.place.replaceChildren();
    this.say(t('sending'));
    try {
      const answer = await sendVote(poll.id);
      this.own = await getOwnBallot(poll.id).catch(() => null);
      if (!this.gone) this.drawOwn(answer);
      this.dispatchEvent(new Event('counted'));
    } catch (problem) {
      if (!this.gone) this.drawTrouble(problem);
    } finally {
      this.sending = false;
    }
  }

  drawOwn(answer) {
    const { poll } = this;
    const text = answer ? t(answer.status) : `${t('youVoted')} ${this.closedText()}`;
    const open = this.closedText() === '';
    const buttons = [];
    if (open && poll.revote === 'replace') buttons.push(button(t('change'), () => this.changeBallot()));
    if (open && poll.withdraw) buttons.push(button(t('withdraw'), () => this.askWithdraw()));
    this.place.replaceChildren();
    this.say(text, { receipt: answer?.receipt ?? this.own?.receipt, buttons, focus: Boolean(answer) });
  }

  changeBallot() {
    this.message.replaceChildren();
    this.drawForm();
    this.place.querySelector('input, button').focus();
  }

  askWithdraw() {
    this.say(t('withdraw'), {
      warn: true, focus: true,
      buttons: [button(t('withdrawSure'), () => this.withdrawNow()), button(t('keep'), () => this.drawOwn())],
    });
  }

  async withdrawNow() {
    try {
      await withdraw(this.poll.id);
      this.own = null;
      this.dispatchEvent(new Event('counted'));
      this.drawForm();
      this.say(t('withdrawn'), { focus: true });
    } catch (problem) {
      const text = problem instanceof Problem ? t('failed', { detail: problem.message }) : t('unreachable');
      this.say(text, { warn: true, focus: true, buttons: [button(t('again'), () => this.withdrawNow()), button(t('keep'), () => this.drawOwn())] });
    }
  }

  drawTrouble(problem) {
    const { poll } = this;
    const waiting = !(problem instanceof Problem) || problem.status === 429 || problem.status >= 500;
    if (waiting) {
      const known = problem instanceof Problem;
      const seconds = known ? problem.retrySeconds : 2;
      this.say(known ? t('overloaded', { seconds: number(seconds) }) : t('offline'), {
        warn: true,
        buttons: [button(t('sendNow'), () => this.send()), button(t('forget'), () => { clearTimeout(this.retry); forgetVote(poll.id); this.message.replaceChildren(); this.start(); })],
      });
      this.retry = setTimeout(() => this.send(), seconds * 1000);
      return;
    }
    const texts = { already_voted: t('alreadyVoted'), poll_not_open: t('closed') };
    const text = texts[problem.code] ?? (problem.status === 401 ? t('needsToken')
      : problem.status === 403 ? t('notEntitled') : t('failed', { detail: problem.message }));
    if (problem.code !== 'already_voted' && problem.code !== 'poll_not_open') this.drawForm();
    this.say(text, { warn: true, focus: true });
  }
}

customElements.define('tally-ballot', TallyBallot);
