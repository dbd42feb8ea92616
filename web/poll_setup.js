// Setting up a poll of any type, with a preview that can be tried out before anything is made. What
// is typed stays in the form until the server has taken it.

import { number, t, time, titleOf } from './texts.js';
import { button, labelled, make } from './page.js';
import { act, idFrom, say } from './desk.js';
import { FIELDS } from './ballot_fields.js';

const TYPES = ['choose', 'points', 'rank', 'updown'];
let nextName = 0;

const text = (id, attributes = {}) => make('input', { type: 'text', id, autocomplete: 'off', ...attributes });
const amount = (id, value, attributes = {}) => make('input', { type: 'number', id, min: '1', step: '1', value, ...attributes });
const select = (id, choices, onchange) => make('select', { id, onchange }, ...choices.map(([value, words]) => make('option', { value }, words)));
const tick = (id, words, checked = false) => {
  const input = make('input', { type: 'checkbox', id, checked });
  return [make('p', {}, make('label', { class: 'tick' }, input, words)), input];
};
const lines = (area) => area.value.split('\n').map((line) => line.trim()).filter((line) => line !== '');
const titled = (de, en) => ({ ...(de === '' ? {} : { de }), ...(en === '' ? {} : { en }) });

// 'Deutsch | English | 12000': the last parts may be missing.
function optionsOf(area) {
  const taken = new Set();
  return lines(area).map((line) => {
    const [de, en = '', cost = ''] = line.split('|').map((part) => part.trim());
    const digits = cost.replace(/[\s.']/g, '');
    const option = { id: idFrom(de || en, taken, 'option'), title: titled(de, en) };
    return { ...option, ...(digits === '' ? {} : { cost: Number(digits) }) };
  });
}

// The rules of one ballot (a poll's, or a question's) and its ideas.
class BallotPart {
  constructor(name, types) {
    this.name = name;
    this.ideas = make('textarea', { id: `${name}-ideas`, rows: '6', autocomplete: 'off', 'aria-describedby': `${name}-ideas-hint` });
    this.rules = make('div', {});
    this.type = select(`${name}-type`, types.map((type) => [type, t(`type_${type}`)]), () => this.drawRules());
    this.drawRules();
    this.ideasPart = make('div', {}, labelled(t('ideas'), this.ideas), make('p', { id: `${name}-ideas-hint`, class: 'soft' }, t('ideasHint')));
    this.element = make('div', {}, labelled(t('ballotType'), this.type), this.rules, this.ideasPart);
  }

  drawRules() {
    const { name } = this;
    const parts = {
      choose: [['min', 'minChoices', 1, '0'], ['max', 'maxChoices', 1]],
      points: [['total', 'pointsTotal', 10], ['max_per_option', 'pointsEach', 5]],
      rank: [['max', 'rankMax', 3]],
      updown: [],
      survey: [],
    }[this.type.value];
    this.numbers = new Map(parts.map(([member, , value, min]) => [member, amount(`${name}-${member}`, value, min === undefined ? {} : { min })]));
    this.scoring = this.type.value === 'rank' ? select(`${name}-scoring`, [['borda', t('scoring_borda')], ['borda_ballot', t('scoring_borda_ballot')]]) : null;
    this.rules.replaceChildren(...parts.map(([member, words]) => labelled(t(words), this.numbers.get(member))),
      ...(this.scoring ? [labelled(t('scoring'), this.scoring)] : []));
    this.onType?.();
  }

  read() {
    const ballot = { type: this.type.value };
    for (const [member, input] of this.numbers) ballot[member] = Number(input.value);
    if (this.scoring) ballot.scoring = this.scoring.value;
    return { ballot, options: optionsOf(this.ideas) };
  }
}

class Question {
  constructor(at, onremove) {
    this.name = `question-${at}-${(nextName += 1)}`;
    this.de = text(`${this.name}-de`);
    this.en = text(`${this.name}-en`);
    this.part = new BallotPart(this.name, TYPES);
    this.element = make('fieldset', { class: 'option' }, make('legend', {}, t('question')), labelled(t('titleDe'), this.de), labelled(t('titleEn'), this.en),
      this.part.element, button(t('removeQuestion'), () => onremove(this)));
  }

  read(taken) {
    const title = titled(this.de.value.trim(), this.en.value.trim());
    const { ballot, options } = this.part.read();
    return { id: idFrom(this.de.value || this.en.value, taken, 'question'), title, ballot, options };
  }
}

class SetUp {
  constructor(list) {
    this.list = list;
    this.de = text('poll-de', { oninput: () => this.suggest() });
    this.en = text('poll-en', { oninput: () => this.suggest() });
    this.id = text('poll-id', { spellcheck: 'false', oninput: () => { this.named = this.id.value !== ''; } });
    this.project = text('poll-project', { spellcheck: 'false' });
    this.part = new BallotPart('poll', [...TYPES, 'survey']);
    this.part.onType = () => this.drawQuestions();
    this.questions = [];
    this.questionList = make('div', {});
    this.questionPart = make('div', { hidden: true }, this.questionList, button(t('addQuestion'), () => this.addQuestion(true)));
    this.preview = make('div', {});
    this.form = make('form', { onsubmit: (event) => { event.preventDefault(); this.show(); }, novalidate: true },
      labelled(t('titleDe'), this.de), labelled(t('titleEn'), this.en), labelled(t('pollId'), this.id), labelled(t('project'), this.project),
      this.part.element, this.questionPart, this.paperPart(), this.windowPart(), this.votingPart(), this.selectionPart(),
      make('p', {}, make('button', { type: 'submit', class: 'main' }, t('preview'))), this.preview);
    this.element = make('section', {}, make('h2', {}, t('newPoll')), this.form);
  }

  // An id from the title, until one was typed.
  suggest() {
    if (!this.named) this.id.value = this.de.value + this.en.value === '' ? '' : idFrom(this.de.value || this.en.value, new Set(), 'poll');
  }

  drawQuestions() {
    const survey = this.part.type.value === 'survey';
    this.questionPart.hidden = !survey;
    this.part.ideasPart.hidden = survey;
    if (survey && this.questions.length === 0) this.addQuestion(false);
  }

  addQuestion(focus) {
    const question = new Question(this.questions.length + 1, (gone) => {
      this.questions.splice(this.questions.indexOf(gone), 1);
      gone.element.remove();
      this.questionPart.querySelector(':scope > button').focus();
    });
    this.questions.push(question);
    this.questionList.append(question.element);
    if (focus) question.de.focus();
  }

  folded(words, ...parts) {
    return make('details', {}, make('summary', {}, words), ...parts);
  }

  paperPart() {
    this.boxes = make('textarea', { id: 'poll-boxes', rows: '3', autocomplete: 'off' });
    let online; let paper; let confirm;
    [online, this.online] = tick('poll-online', t('voteOnline'), true);
    [paper, this.paper] = tick('poll-paper', t('votePaper'), true);
    [confirm, this.confirm] = tick('poll-confirm', t('paperConfirm'), true);
    return this.folded(t('setUpPaper'), online, paper, confirm, labelled(t('boxesLines'), this.boxes));
  }

  windowPart() {
    this.opens = make('input', { type: 'datetime-local', id: 'poll-opens' });
    this.closes = make('input', { type: 'datetime-local', id: 'poll-closes' });
    return this.folded(t('setUpWindow'), labelled(t('opens'), this.opens), labelled(t('closes'), this.closes));
  }

  votingPart() {
    this.ballots = amount('poll-ballots', 1);
    let day; let revote; let withdraw;
    [day, this.perDay] = tick('poll-day', t('ballotsPerDay'));
    [revote, this.revote] = tick('poll-revote', t('mayChange'));
    [withdraw, this.withdraw] = tick('poll-withdraw', t('mayWithdraw'));
    this.k = amount('poll-k', 20);
    this.kPart = make('div', { hidden: true }, labelled(t('coarseK'), this.k));
    this.visibility = select('poll-visibility', ['live', 'coarse', 'sealed', 'sealed_final'].map((value) => [value, t(`visibility_${value}`)]), () => { this.kPart.hidden = this.visibility.value !== 'coarse'; });
    return this.folded(t('setUpVoting'), labelled(t('ballotsPerVoter'), this.ballots), day, revote, withdraw, labelled(t('visibility'), this.visibility), this.kPart);
  }

  selectionPart() {
    this.count = amount('poll-count', 3);
    this.budget = amount('poll-budget', '');
    this.threshold = amount('poll-threshold', '', { min: '0' });
    const [count, budget] = [labelled(t('selectCount'), this.count), labelled(t('selectBudget'), this.budget)];
    const threshold = labelled(t('selectThreshold'), this.threshold);
    const turn = () => {
      count.hidden = this.rule.value !== 'top';
      budget.hidden = !this.rule.value.startsWith('greedy');
      threshold.hidden = this.rule.value === '';
    };
    this.rule = select('poll-rule', ['', 'top', 'greedy', 'greedy-no-skip', 'greedy-threshold'].map((value) => [value, t(`rule_${value || 'none'}`)]), turn);
    turn();
    return this.folded(t('setUpSelection'), labelled(t('selectRule'), this.rule), count, budget, threshold);
  }

  // The poll's definition, or null after having said what is missing.
  read() {
    const survey = this.part.type.value === 'survey';
    const missing = [[this.de, 'titleDe'], [this.id, 'pollId'], [this.project, 'project'], ...(survey ? [] : [[this.part.ideas, 'ideas']])]
      .filter(([input]) => input.value.trim() === '' && !(input === this.de && this.en.value.trim() !== ''));
    if (survey) for (const question of this.questions) if (lines(question.part.ideas).length === 0) missing.push([question.part.ideas, 'ideas']);
    if (survey && this.questions.length === 0) missing.push([this.part.type, 'question']);
    if (missing.length > 0) {
      say(t('incomplete', { fields: missing.map(([, key]) => t(key)).join(', ') }), true);
      missing[0][0].focus();
      return null;
    }
    const { ballot, options } = this.part.read();
    const taken = new Set();
    const poll = {
      title: titled(this.de.value.trim(), this.en.value.trim()), project: this.project.value.trim(),
      ballot: survey ? { type: 'survey', questions: this.questions.map((question) => question.read(taken)) } : ballot, options: survey ? [] : options,
      channels: [...(this.online.checked ? ['online'] : []), ...(this.paper.checked ? ['paper'] : [])], paper: { confirm: this.confirm.checked },
      revote: this.revote.checked ? 'replace' : 'refuse', withdraw: this.withdraw.checked, ballots_per_voter: Number(this.ballots.value), visibility: this.visibility.value.split('_')[0],
    };
    return { ...poll, ...this.readRest() };
  }

  readRest() {
    const rest = {};
    const places = new Set();
    rest.boxes = lines(this.boxes).map((place) => ({ id: idFrom(place, places, 'box'), place }));
    for (const name of ['opens', 'closes']) {
      const when = new Date(this[name].value);
      if (!Number.isNaN(when.getTime())) rest[name] = when.toISOString();
    }
    if (this.perDay.checked) rest.ballots_per = 'day';
    if (this.visibility.value === 'coarse') rest.coarse = { k: Number(this.k.value) };
    if (this.visibility.value.startsWith('sealed')) rest.visible_from = this.visibility.value === 'sealed' ? 'closed' : 'final';
    const rule = this.rule.value;
    if (rule !== '') {
      rest.selection = { rule, ...(rule === 'top' ? { count: Number(this.count.value) } : { budget: Number(this.budget.value) }) };
      if (this.threshold.value !== '') rest.selection.threshold = Number(this.threshold.value);
    }
    return rest;
  }

  facts(poll) {
    const rows = [[t('pollId'), this.id.value.trim()], [t('project'), poll.project], [t('setUpPaper'), poll.channels.map((channel) => t(channel === 'online' ? 'voteOnline' : 'votePaper')).join(', ')]];
    if (poll.boxes.length > 0) rows.push([t('boxes'), poll.boxes.map((box) => box.place).join(', ')]);
    if (poll.opens) rows.push([t('opens'), time(poll.opens)]);
    if (poll.closes) rows.push([t('closes'), time(poll.closes)]);
    if (poll.ballots_per_voter > 1 || poll.ballots_per) rows.push([t('ballotsPerVoter'), `${number(poll.ballots_per_voter)} ${poll.ballots_per ? t('eachDay') : ''}`]);
    if (poll.revote === 'replace') rows.push([t('setUpVoting'), t('mayChange')]);
    rows.push([t('visibility'), t(`visibility_${poll.visibility}${poll.visible_from === 'final' ? '_final' : ''}`)]);
    if (poll.selection) rows.push([t('selectRule'), t(`rule_${poll.selection.rule}`)]);
    return make('dl', {}, ...rows.flatMap(([name, value]) => [make('dt', {}, name), make('dd', {}, value)]));
  }

  show() {
    this.preview.replaceChildren();
    const poll = this.read();
    if (!poll) return;
    const heading = make('h3', { tabindex: '-1' }, t('preview'));
    const field = FIELDS[poll.ballot.type](poll.ballot, poll.options, null, '');
    const costs = poll.options.some((option) => option.cost !== undefined)
      ? make('ul', {}, ...poll.options.map((option) => make('li', {}, `${titleOf(option)}: ${number(option.cost ?? 0)}`))) : null;
    this.preview.append(heading, make('p', { class: 'soft' }, t('previewHint')), make('div', { class: 'option' }, make('p', {}, make('strong', {}, titleOf(poll))), field.element), ...(costs ? [make('h3', {}, t('costs')), costs] : []), this.facts(poll),
      button(t('create'), () => this.create(poll), { class: 'main' }));
    heading.focus();
  }

  async create(poll) {
    if (!await act(`/v1/polls/${encodeURIComponent(this.id.value.trim())}`, { method: 'PUT', body: poll, headers: { 'If-None-Match': '*' } })) return;
    say(t('created', { title: titleOf(poll) }));
    const fresh = new SetUp(this.list);
    this.element.replaceWith(fresh.element);
    await this.list.fill();
  }
}

export const newPoll = (list) => new SetUp(list).element;
