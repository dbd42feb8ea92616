// <tally-ideas>: handing in an idea to a project, and what became of one's own. Set `project` and
// `polls` (those of the project that the visitor may see) before it is put into a page. What is typed
// stays through a reload, a refusal and a change of language; an idea is queued before it is sent
// (idea_outbox.js), so it is sent with the same identity until it is answered.

import { reasonWords } from './texts_ideas.js';
import { currentLanguage, number, t, time, titleOf } from './texts.js';
import { Problem, getPoll, isUnanswered } from './service.js';
import { forgetIdea, getOwnIdea, ownIdeas, pendingIdea, queueIdea, sendIdea } from './idea_outbox.js';
import { announce, button, labelled, make } from './page.js';

// The server's limits, in characters.
const TITLE_MAX = 500;
const TEXT_MAX = 4000;
const SHOWN_AT_ONCE = 20;

// Line feeds are kept, what else does not print is a space.
const printable = (text) => text.replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029]/g, ' ').trim();

const oneLine = (text) => printable(text ?? '').replaceAll('\n', ' ');
const firstOf = (texts) => Object.values(texts ?? {})[0] ?? '';

const pollOptions = (poll) => [...(poll.options ?? []), ...(poll.ballot.questions ?? []).flatMap((question) => question.options)];

// What an accepted or merged idea is now, from its poll; null if the poll is not public yet.
function fateParts(idea, poll) {
  if (poll === null) return [t(`idea_${idea.state}`), make('p', { class: 'soft' }, t('ideaPollHidden'))];
  const options = pollOptions(poll);
  const nameOf = (id) => titleOf(options.find((option) => option.id === id) ?? { id });
  const option = options.find(({ id }) => id === idea.option);
  let later = '';
  if (option?.merged_into) later = t('ideaMovedOn', { title: nameOf(option.merged_into) });
  else if (option?.withdrawn) later = t('ideaWithdrawn');
  return [`${t(`ideaNow_${idea.state}`, { title: nameOf(idea.option) })} ${later}`.trim(),
    make('p', {}, make('a', { href: `#/poll/${idea.poll}` }, t('inPoll', { title: titleOf(poll) })))];
}

async function ideaItem(idea) {
  const poll = idea.poll ? await getPoll(idea.poll).catch((problem) => {
    if (problem instanceof Problem && problem.status === 404) return null;
    throw problem;
  }) : undefined;
  const [now, ...more] = poll === undefined ? [t(`ideaNow_${idea.state}`)] : fateParts(idea, poll);
  return make('li', { class: 'option', 'data-idea': idea.id, 'data-state': idea.state }, make('strong', {}, titleOf(idea)),
    make('p', {}, now), ...more,
    idea.reason_code ? make('p', {}, t('ideaReason', { reason: reasonWords(idea.reason_code) })) : null,
    make('p', { class: 'soft' }, [t('ideaHandedIn', { time: time(idea.submitted) }), idea.decided ? t('ideaDecided', { time: time(idea.decided) }) : ''].filter(Boolean).join(' · ')));
}

export class TallyIdeas extends HTMLElement {
  connectedCallback() {
    if (this.begun) return;
    this.begun = true;
    this.online = () => { if (pendingIdea(this.project)) this.send(); };
    addEventListener('online', this.online);
    this.message = make('div', {});
    this.place = make('div', {});
    this.own = make('div', {});
    this.append(this.message, this.place, make('section', {}, make('h2', {}, t('ideasOwn')), this.own));
    if (pendingIdea(this.project)) this.send();
    else this.drawForm();
    this.drawOwn();
  }

  disconnectedCallback() {
    removeEventListener('online', this.online);
    clearTimeout(this.retry);
    this.gone = true;
  }

  say(text, { warn = false, buttons = [], focus = false } = {}) {
    const box = make('div', { class: warn ? 'note warn' : 'note', tabindex: '-1' }, make('p', {}, text), buttons.length > 0 ? make('p', { class: 'row' }, ...buttons) : null);
    this.message.replaceChildren(box);
    announce(text);
    if (focus) box.focus();
  }

  // An idea that is not to be sent any more goes back to where it can be changed.
  putBack(pending) {
    if (pending && !this.draft.title) this.draft = { title: firstOf(pending.idea.title), text: firstOf(pending.idea.text) };
  }

  // What was typed and not handed in yet.
  get draft() { return JSON.parse(sessionStorage.getItem(`tallyd.idea.draft.${this.project}`) ?? '{}'); }
  set draft(draft) { sessionStorage.setItem(`tallyd.idea.draft.${this.project}`, JSON.stringify(draft)); }

  drawForm() {
    const { title = '', text = '' } = this.draft;
    const keep = () => { this.draft = { title: titleField.value, text: textField.value }; };
    const left = make('p', { class: 'soft', id: 'idea-left' });
    const count = () => { left.textContent = t('ideaLeft', { n: TEXT_MAX - textField.value.length }); };
    const titleField = make('input', { type: 'text', id: 'idea-title', maxlength: TITLE_MAX, autocomplete: 'off', value: title, oninput: keep, 'aria-describedby': 'idea-error' });
    const textField = make('textarea', { id: 'idea-text', rows: '6', maxlength: TEXT_MAX, oninput: () => { keep(); count(); }, 'aria-describedby': 'idea-left' }, text);
    const error = make('p', { class: 'note warn', id: 'idea-error', hidden: true }, t('ideaTitleMissing'));
    const submit = (event) => {
      event.preventDefault();
      const [one, many] = [oneLine(titleField.value), printable(textField.value)];
      error.hidden = one !== '';
      titleField.setAttribute('aria-invalid', String(one === ''));
      if (one === '') {
        announce(t('ideaTitleMissing'));
        titleField.focus();
        return;
      }
      if (this.sending) return; // a second click
      if (pendingIdea(this.project)) { // of another tab
        this.say(t('ideaOtherWaits'), { warn: true });
        return;
      }
      const language = currentLanguage();
      queueIdea(this.project, { title: { [language]: one }, ...(many === '' ? {} : { text: { [language]: many } }) });
      this.send();
    };
    count();
    this.place.replaceChildren(make('form', { onsubmit: submit, novalidate: true }, labelled(t('ideaTitle'), titleField), error,
      labelled(t('ideaText'), textField), left, make('p', {}, make('button', { type: 'submit', class: 'main' }, t('ideaSubmit')))));
  }

  async send() {
    if (this.sending) return;
    this.sending = true;
    clearTimeout(this.retry);
    this.place.replaceChildren();
    const pending = pendingIdea(this.project);
    if (!this.waiting) this.say(t('ideaSending')); // later tries stay as quiet as they are
    try {
      const sent = await sendIdea(this.project);
      // What was typed in another tab is another idea.
      if (sent && firstOf(sent.title) === oneLine(this.draft.title)) this.draft = {};
      this.waiting = '';
      if (this.gone) return;
      this.drawForm();
      if (sent) this.say(t('ideaSubmitted'), { focus: true });
      else this.message.replaceChildren();
      await this.drawOwn();
    } catch (problem) {
      if (!this.gone) this.drawTrouble(problem, pending);
    } finally {
      this.sending = false;
    }
  }

  drawTrouble(problem, pending) {
    if (isUnanswered(problem)) {
      const known = problem instanceof Problem;
      const seconds = known ? problem.retrySeconds : 2;
      this.retry = setTimeout(() => this.send(), seconds * 1000);
      const text = known ? t('ideaOverloaded', { seconds: number(seconds) }) : t('ideaOffline');
      if (this.waiting === text) return; // said once
      this.waiting = text;
      const forget = () => {
        clearTimeout(this.retry);
        this.waiting = '';
        this.putBack(pendingIdea(this.project));
        forgetIdea(this.project);
        this.drawForm();
        this.say(t('ideaNotSent'), { focus: true });
      };
      this.say(text, { warn: true, buttons: [button(t('sendNow'), () => this.send()), button(t('forget'), forget)] });
      return;
    }
    this.waiting = '';
    this.putBack(pending);
    const texts = { limit_reached: 'ideaTooMany', project_not_found: 'ideaNoProject', body_too_large: 'ideaTooLong', unauthorized: 'ideaNeedsToken', forbidden: 'ideaNotEntitled' };
    this.drawForm();
    this.say(problem.code in texts ? t(texts[problem.code]) : t('failed', { detail: problem.message }), { warn: true, focus: true });
  }

  async drawOwn() {
    const ids = ownIdeas(this.project);
    if (ids.length === 0) {
      this.own.replaceChildren(make('p', { class: 'soft' }, t('ideasNone')));
      return;
    }
    const list = make('ul', { class: 'plain', id: 'own-ideas' });
    const more = make('p', {});
    let elsewhere = 0;
    const load = async (from) => {
      const found = await Promise.all(ids.slice(from, from + SHOWN_AT_ONCE).map((id) => getOwnIdea(this.project, id)));
      const items = await Promise.all(found.filter((idea) => idea !== null).map(ideaItem));
      list.append(...items);
      elsewhere += found.length - items.length;
      const rest = from + SHOWN_AT_ONCE < ids.length ? button(t('more'), () => load(from + SHOWN_AT_ONCE).catch(() => this.say(t('ideasUnread'), { warn: true }))) : null;
      more.replaceChildren(...[elsewhere > 0 ? make('span', { class: 'soft' }, t('ideasElsewhere', { n: elsewhere })) : null, rest].filter(Boolean));
    };
    const look = button(t('ideasLook'), async () => {
      await this.drawOwn();
      this.own.querySelector('[data-act=look]').focus();
      announce(t('ideasLooked'));
    }, { 'data-act': 'look' });
    try {
      await load(0);
      this.own.replaceChildren(list, more, make('p', {}, look));
    } catch {
      this.own.replaceChildren(make('p', { class: 'note warn' }, t('ideasUnread')), make('p', {}, look));
    }
  }
}

customElements.define('tally-ideas', TallyIdeas);

// The parts of the page below its top.
export function ideasParts(project, polls) {
  const element = document.createElement('tally-ideas');
  Object.assign(element, { project, polls });
  const over = polls.length > 0 && polls.every(({ state }) => state === 'final');
  return [make('h1', {}, t('ideaOwn')), polls.length > 0 ? make('p', { class: 'soft' }, t('ideaFor', { titles: polls.map(titleOf).join(', ') })) : null,
    over ? make('p', { class: 'note warn' }, t('ideaPollsOver')) : make('p', {}, t('ideaIntro')), element];
}
