// The ideas that citizens handed in: the queue, oldest first, and one idea with its decision.
//
//   #/ideas, #/ideas/<state>, #/ideas/<state>/<project>   the queue, or what was decided
//   #/idea/<idea>                                         one idea

import './texts_moderation.js';
import { REASON_CODES, reasonWords } from './texts_ideas.js';
import { currentLanguage, t, time, titleOf } from './texts.js';
import { Problem, ask, getPoll, getPolls, hasToken, isUnanswered } from './service.js';
import { announce, button, labelled, make } from './page.js';
import { actorName, idFrom, perform, say, sayThere, somebodyActs } from './desk.js';
import { chooseOption } from './option_search.js';
import { refusal, secondsOf, waitingWords } from './refusals.js';

const STATES = ['pending', 'approved', 'rejected', 'merged'];
const POLL_PAGES_MAX = 20;
const DONE = { approve: 'nowApproved', reject: 'nowRejected', merge: 'nowMerged' };
const STATE_AFTER = { approve: 'approved', reject: 'rejected', merge: 'merged' };

// Where the queue was left, to come back to.
let queueAddress = '#/ideas';

export async function allPolls() {
  const polls = [];
  for (let cursor, at = 0; at < POLL_PAGES_MAX; at += 1) {
    const page = await getPolls(cursor);
    polls.push(...page.polls);
    cursor = page.next;
    if (!cursor) break;
  }
  return polls;
}

const ideaPath = (id) => `/v1/moderation/ideas/${encodeURIComponent(id)}`;
const getIdea = async (id) => (await ask(ideaPath(id), { language: currentLanguage() })).body;

function queueItem(idea) {
  const soft = [idea.project, time(idea.submitted), idea.moderator, idea.reason_code ? reasonWords(idea.reason_code) : ''].filter(Boolean).join(' · ');
  return make('li', { class: 'option', 'data-idea': idea.id }, make('a', { href: `#/idea/${idea.id}` }, titleOf(idea)), make('div', { class: 'soft' }, soft));
}

// Links between the states, and a choice of the project.
function queueFilter(state, project, projects) {
  const address = (toState, toProject) => `#/ideas/${toState}${toProject ? `/${toProject}` : ''}`;
  const choice = make('select', { id: 'queue-project', onchange: () => { location.hash = address(state, choice.value); } },
    make('option', { value: '' }, t('allProjects')), ...projects.map((id) => make('option', { value: id, selected: id === project }, id)));
  return make('div', {}, make('nav', { 'aria-label': t('queueOf') }, make('ul', { class: 'plain row' }, ...STATES.map((other) => make('li', {},
    make('a', { class: 'button', href: address(other, project), 'aria-current': other === state ? 'page' : null }, t(`queue_${other}`)))))), labelled(t('queueProject'), choice));
}

async function queueView(state, project = '', redraw) {
  queueAddress = location.hash;
  const list = make('ul', { class: 'plain', id: 'ideas' });
  const more = make('p', {});
  const load = async (cursor) => {
    const query = new URLSearchParams({ state, ...(project ? { project } : {}), ...(cursor ? { cursor } : {}) });
    const { body } = await ask(`/v1/moderation/ideas?${query}`, { language: currentLanguage() });
    const first = list.children.length;
    list.append(...body.ideas.map(queueItem));
    more.replaceChildren();
    if (body.next) more.append(button(t('more'), () => load(body.next).catch((problem) => say(refusal(problem), true))));
    if (cursor) list.children[first]?.querySelector('a').focus();
    return body.ideas;
  };
  const [ideas, polls] = await Promise.all([load(), allPolls()]);
  const projects = [...new Set([...polls.map((poll) => poll.project), ...ideas.map((idea) => idea.project), ...(project ? [project] : [])])].sort();
  return [make('p', {}, make('a', { href: '#/' }, t('backToHall'))), make('h1', { tabindex: '-1' }, t('moderation')), queueFilter(state, project, projects),
    ideas.length === 0 ? make('p', {}, t(`queueEmpty_${state}`)) : list, more, make('p', {}, button(t('lookAgain'), redraw)),
    project ? make('p', {}, make('a', { href: `#/audit/project/${project}` }, t('auditOfProject', { project }))) : null];
}

// Every language that is there.
function textParts(texts) {
  const all = Object.entries(typeof texts === 'string' ? { '': texts } : texts ?? {});
  return all.map(([language, text]) => make('p', { class: 'idea-text', lang: language || null }, all.length > 1 ? t('inLanguage', { text, language }) : text));
}

function facts(idea, polls) {
  const poll = polls.find(({ id }) => id === idea.poll);
  const rows = [[t('inProject'), idea.project], [t('submittedAt'), time(idea.submitted)]];
  if (idea.decided) {
    rows.push([t('decidedAs'), t(`idea_${idea.state}`)], [t('decidedBy'), t('byAt', { actor: idea.moderator ?? t('nobody'), time: time(idea.decided) })]);
    if (idea.poll) rows.push([t('becameOption'), make('a', { href: `#/options/${idea.poll}` }, `${poll ? titleOf(poll) : idea.poll}: ${idea.option}`)]);
    if (idea.reason_code) rows.push([t('reason'), reasonWords(idea.reason_code)]);
  }
  return make('dl', {}, ...rows.flatMap(([name, value]) => [make('dt', {}, name), make('dd', {}, value)]));
}

// Which reason: one of the list or one typed. read() gives {code} or {error, focus}.
function reasonField(id, preset) {
  const choice = make('select', { id: `${id}-reason`, onchange: () => { own.hidden = choice.value !== '*'; } }, make('option', { value: '' }, t('chooseReason')),
    ...REASON_CODES.map((code) => make('option', { value: code, selected: code === preset }, reasonWords(code))), make('option', { value: '*' }, t('ownReason')));
  const typed = make('input', { type: 'text', id: `${id}-own`, autocomplete: 'off', spellcheck: 'false', maxlength: '64' });
  const own = labelled(t('reasonCode'), typed);
  own.hidden = true;
  return {
    element: make('div', {}, labelled(t('reasonFor'), choice), own),
    read() {
      const code = choice.value === '*' ? typed.value.trim() : choice.value;
      if (code === '') return { error: t('missReason'), focus: choice.value === '*' ? typed : choice };
      return /^[a-z0-9_-]{1,64}$/.test(code) ? { code } : { error: t('badReason'), focus: typed };
    },
  };
}

// Which poll of the idea's project, and in a survey which question. A moderator who is no
// administrator is not shown drafts, but may name one. `onchange` is called with the whole poll (null
// if none is chosen, or it cannot be read now) and the question's id.
function pollField(id, polls, { byId, onchange }) {
  const typed = make('input', { type: 'text', id: `${id}-by-id`, autocomplete: 'off', spellcheck: 'false', maxlength: '63' });
  const other = byId ? labelled(t('pollById'), typed) : make('div', {});
  const questions = make('div', {});
  const question = () => questions.querySelector('select')?.value;
  const known = (value) => polls.some((poll) => poll.id === value);
  const draw = async () => {
    const { value } = choice;
    other.hidden = value !== '*';
    questions.replaceChildren();
    onchange(null);
    if (!known(value)) return;
    let poll;
    try {
      poll = await getPoll(value);
    } catch (problem) {
      questions.replaceChildren(make('p', { class: 'note warn' }, refusal(problem)), button(t('again'), draw));
      return;
    }
    if (choice.value !== value) return; // another one was chosen meanwhile
    if (poll.ballot.questions) {
      questions.replaceChildren(labelled(t('intoQuestion'), make('select', { id: `${id}-question`, onchange: () => onchange(poll, question()) },
        ...poll.ballot.questions.map((one) => make('option', { value: one.id }, titleOf(one))))));
    }
    onchange(poll, question());
  };
  const choice = make('select', { id: `${id}-poll`, onchange: draw }, polls.length === 1 ? null : make('option', { value: '' }, t('chooseReason')),
    ...polls.map((poll) => make('option', { value: poll.id }, `${titleOf(poll)} (${t(`state_${poll.state}`)})`)), byId ? make('option', { value: '*' }, t('otherPoll')) : null);
  draw();
  return {
    element: make('div', {}, labelled(t('intoPoll'), choice), other, questions),
    read() {
      const poll = choice.value === '*' ? typed.value.trim() : choice.value;
      if (poll === '') return { error: t('missPoll'), focus: choice.value === '*' ? typed : choice };
      const title = known(poll) ? titleOf(polls.find((one) => one.id === poll)) : poll;
      return { poll, title, members: { poll, ...(question() ? { question: question() } : {}) } };
    },
  };
}

const optionsOf = (poll, question) => (poll?.ballot.questions ? poll.ballot.questions.find(({ id }) => id === question)?.options : poll?.options) ?? [];

// Each kind of decision is {element, read()}; read() gives {body, sure} or {error, focus}.
function approvePart(idea, polls) {
  const option = make('input', { type: 'text', id: 'approve-option', autocomplete: 'off', spellcheck: 'false', maxlength: '64' });
  const cost = make('input', { type: 'number', id: 'approve-cost', min: '0', step: '1', inputmode: 'numeric' });
  const name = Object.values(typeof idea.title === 'string' ? [idea.title] : idea.title)[0];
  const where = pollField('approve', polls.filter(({ state }) => state !== 'final'), {
    byId: true, onchange: (poll, question) => { option.value = idFrom(name, new Set(optionsOf(poll, question).map(({ id }) => id)), idea.id); },
  });
  return {
    element: make('div', {}, where.element, labelled(t('optionId'), option), labelled(t('optionCost'), cost)),
    read() {
      const into = where.read();
      if (into.error) return into;
      if (!/^[A-Za-z0-9_./-]{1,64}$/.test(option.value)) return { error: t('badOptionId'), focus: option };
      if (cost.validity.badInput || !/^\d{0,15}$/.test(cost.value)) return { error: t('badCost'), focus: cost };
      return { body: { decision: 'approve', ...into.members, option: option.value, ...(cost.value ? { cost: Number(cost.value) } : {}) }, sure: t('sureApprove', { title: titleOf(idea), poll: into.title }) };
    },
  };
}

function rejectPart(idea) {
  const reason = reasonField('reject', '');
  return {
    element: reason.element,
    read() {
      const { code, error, focus } = reason.read();
      return error ? { error, focus } : { body: { decision: 'reject', reason_code: code }, sure: t('sureReject', { title: titleOf(idea), reason: reasonWords(code) }) };
    },
  };
}

function mergePart(idea, polls) {
  const place = make('div', {});
  let target = null;
  const where = pollField('merge', polls, {
    byId: false,
    onchange: (poll, question) => {
      const options = optionsOf(poll, question).filter((option) => !option.withdrawn);
      target = options.length > 0 ? chooseOption(options, 'merge-target', t('mergeWith')) : null;
      place.replaceChildren();
      if (target) place.append(target.element);
      else if (poll) place.append(make('p', { class: 'soft' }, t('noTarget')));
    },
  });
  const reason = reasonField('merge', 'duplicate');
  return {
    element: make('div', {}, where.element, place, reason.element),
    read() {
      const into = where.read();
      if (into.error) return into;
      const option = target?.value();
      if (!option) return { error: t('missTarget'), focus: target ?? where.element.querySelector('select') };
      const { code, error, focus } = reason.read();
      if (error) return { error, focus };
      return { body: { decision: 'merge', ...into.members, merge_into: option.id, reason_code: code }, sure: t('sureMerge', { title: titleOf(idea), target: titleOf(option) }) };
    },
  };
}

// Whether the idea stands as that decision would have it, by whoever acts here as far as that is known.
const stands = (idea, body) => idea.state === STATE_AFTER[body.decision] && idea.poll === body.poll && idea.option === (body.option ?? body.merge_into)
  && idea.reason_code === body.reason_code && (hasToken() || idea.moderator === actorName());

class Decision {
  constructor(idea, polls, redraw) {
    Object.assign(this, { idea, redraw, tried: false, gone: false });
    this.parts = { approve: approvePart(idea, polls), reject: rejectPart(idea), merge: mergePart(idea, polls) };
    this.error = make('p', { class: 'note warn', hidden: true });
    this.sure = make('div', {});
    const kinds = Object.keys(this.parts).map((kind) => make('label', { class: 'tick' }, make('input', { type: 'radio', name: 'decision', value: kind, onchange: () => this.turnTo(kind) }), make('span', {}, t(`decide_${kind}`))));
    for (const part of Object.values(this.parts)) part.element.hidden = true;
    this.form = make('form', { onsubmit: (event) => { event.preventDefault(); this.askBack(); }, novalidate: true, oninput: () => this.sure.replaceChildren() },
      make('fieldset', {}, make('legend', {}, t('decision')), ...kinds), ...Object.values(this.parts).map(({ element }) => element), this.error,
      make('p', {}, make('button', { type: 'submit' }, t('decideNow'))));
    this.element = make('section', {}, this.form, this.sure);
  }

  turnTo(kind) {
    this.kind = kind;
    this.error.hidden = true;
    for (const [name, part] of Object.entries(this.parts)) part.element.hidden = name !== kind;
  }

  askBack() {
    if (this.sending || !somebodyActs()) return;
    const { body, sure, error, focus } = this.kind ? this.parts[this.kind].read() : { error: t('missDecision'), focus: this.form.querySelector('input') };
    this.error.hidden = !error;
    if (error) {
      this.error.textContent = error;
      announce(error);
      focus?.focus();
      return;
    }
    const yes = button(t('really'), () => this.send(body), { class: 'main' });
    this.sure.replaceChildren(make('div', { class: 'note' }, make('p', { id: 'decision-sure' }, sure), make('p', { class: 'row' }, yes, button(t('cancel'), () => { this.sure.replaceChildren(); this.form.querySelector('[type=submit]').focus(); }))));
    yes.setAttribute('aria-describedby', 'decision-sure');
    yes.focus();
  }

  leave() {
    this.gone = true;
    clearTimeout(this.retry);
  }

  done(body) {
    sayThere(t(DONE[body.decision], { title: titleOf(this.idea) }));
    location.hash = queueAddress;
  }

  async send(body) {
    if (this.sending) return; // a double click
    this.sending = true;
    clearTimeout(this.retry);
    if (!this.tried) { // later tries stay as quiet as they are
      this.form.hidden = true;
      this.sure.replaceChildren();
      say(t('decisionSending'));
    }
    try {
      await perform(`${ideaPath(this.idea.id)}/decision`, { method: 'POST', body, headers: { 'If-Match': this.idea.etag } });
      if (!this.gone) this.done(body);
    } catch (problem) {
      if (!this.gone) await this.refused(problem, body);
    } finally {
      this.sending = false;
    }
  }

  async refused(problem, body) {
    if (isUnanswered(problem)) {
      this.wait(problem, body);
      return;
    }
    if (problem.status === 412) {
      await this.conflict(body);
      return;
    }
    this.tried = false;
    this.waiting = '';
    this.form.hidden = false;
    this.sure.replaceChildren();
    say(refusal(problem), true);
    this.form.querySelector('[type=submit]').focus();
  }

  // Sent again until it is answered: with the same etag, so it is decided once.
  wait(problem, body) {
    this.retry = setTimeout(() => this.send(body), secondsOf(problem) * 1000);
    this.tried = true;
    if (this.waiting === waitingWords(problem)) return; // said once
    this.waiting = waitingWords(problem);
    say(this.waiting, true);
    const again = button(t('sendNow'), () => this.send(body), { class: 'main' });
    const stop = button(t('decisionStop'), () => { clearTimeout(this.retry); sayThere(t('decisionUnknown'), true); this.redraw(); });
    this.sure.replaceChildren(make('p', { class: 'row' }, again, stop));
    again.focus();
  }

  // Decided before: by an own try whose answer was lost, or by somebody else.
  async conflict(body) {
    let now;
    try {
      now = await getIdea(this.idea.id);
    } catch (problem) {
      if (!this.gone) this.wait(problem, body);
      return;
    }
    if (this.gone) return;
    if (this.tried && stands(now, body)) {
      this.done(body);
      return;
    }
    sayThere(now.state === 'pending' ? t('changedMeanwhile') : t('decidedMeanwhile', { actor: now.moderator ?? t('nobody'), state: t(`idea_${now.state}`) }), true);
    this.redraw();
  }
}

let open = null;
export function leaveModeration() {
  open?.leave();
  open = null;
}

async function ideaView(id, redraw) {
  const back = make('p', {}, make('a', { href: queueAddress }, t('backToQueue')));
  let idea;
  try {
    idea = await getIdea(id);
  } catch (problem) {
    if (!(problem instanceof Problem) || problem.code !== 'idea_not_found') throw problem;
    return [back, make('h1', { tabindex: '-1' }, t('ideaHead', { id })), make('p', { class: 'note warn' }, t('ideaGone'))];
  }
  const polls = (await allPolls()).filter(({ project }) => project === idea.project);
  const decision = idea.state === 'pending' ? new Decision(idea, polls, redraw) : null;
  open = decision;
  const titles = typeof idea.title === 'string' || Object.keys(idea.title).length < 2 ? [] : textParts(idea.title);
  return [back, make('h1', { tabindex: '-1' }, titleOf(idea)), ...titles, ...(idea.state === 'pending' ? textParts(idea.text) : [make('p', { class: 'soft' }, t('textGone'))]),
    facts(idea, polls), decision?.element ?? null];
}

// The parts of the page for an address behind #/ideas or #/idea/.
export function moderationParts([kind, ...words], redraw) {
  return kind === 'idea' && words[0] ? ideaView(words[0], redraw) : queueView(STATES.includes(words[0]) ? words[0] : 'pending', words[1], redraw);
}
