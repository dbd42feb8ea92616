// The options of one poll: withdrawing one, with what becomes of its votes. #/options/<poll>

import './texts_moderation.js';
import { t, titleOf } from './texts.js';
import { ask, isUnanswered, pollPath } from './service.js';
import { announce, button, labelled, make } from './page.js';
import { perform, say, sayThere, somebodyActs } from './desk.js';
import { chooseOption, fits, shownText } from './option_search.js';
import { refusal } from './refusals.js';

const SHOWN_MAX = 100;
const SEARCH_FROM = 8; // options
const REASON_MAX = 160; // characters; the server takes 500 bytes

const optionPath = (poll, question, option) => `${pollPath(poll.id)}${question ? `/questions/${encodeURIComponent(question.id)}` : ''}/options/${encodeURIComponent(option.id)}`;

function fateText(option, options) {
  if (!option.withdrawn) return '';
  const into = options.find(({ id }) => id === option.merged_into);
  return `${t('optionWithdrawn')}: ${t(`fate_${option.fate ?? 'kept'}`, { title: into ? titleOf(into) : option.merged_into ?? '' })}`;
}

const targetsFor = (option, options) => options.filter((other) => !other.withdrawn && other !== option);

// What may become of an option's votes now. Votes that stayed may be moved or released later, and nothing else.
function fatesOf(poll, option, options) {
  if (poll.state === 'final' || (option.withdrawn && (option.fate ?? 'kept') !== 'kept')) return [];
  return [...(option.withdrawn ? [] : ['kept']), ...(targetsFor(option, options).length > 0 ? ['moved'] : []), ...(['open', 'paused'].includes(poll.state) ? ['released'] : [])];
}

// The form for one option, below it.
class TakingOff {
  constructor({ poll, etag, question, options }, option, fates, redraw) {
    Object.assign(this, { poll, etag, question, option, redraw });
    const words = { kept: 'keepVotes', moved: 'moveVotes', released: 'releaseVotes' };
    this.error = make('p', { class: 'note warn', hidden: true });
    this.target = chooseOption(targetsFor(option, options), 'fate-target', t('mergeWith'));
    this.target.element.hidden = true;
    this.reason = make('input', { type: 'text', id: 'fate-reason', maxlength: REASON_MAX, autocomplete: 'off' });
    this.choice = make('fieldset', {}, make('legend', {}, t('whatOfVotes')), ...fates.map((fate) => make('label', { class: 'tick' },
      make('input', { type: 'radio', name: 'fate', value: fate, onchange: () => { this.fate = fate; this.target.element.hidden = fate !== 'moved'; } }), make('span', {}, t(words[fate])))));
    this.sure = make('p', { class: 'row' });
    this.element = make('form', { onsubmit: (event) => { event.preventDefault(); this.askBack(); }, oninput: () => this.sure.replaceChildren(), novalidate: true }, this.choice, this.target.element,
      labelled(t('reasonLogged'), this.reason), this.error, make('p', {}, make('button', { type: 'submit' }, t('takeOffNow'))), this.sure);
  }

  missing() {
    if (!this.fate) return [t('missFate'), this.choice.querySelector('input')];
    if (this.fate === 'moved' && !this.target.value()) return [t('missTarget'), this.target];
    return null;
  }

  askBack() {
    if (this.sending || !somebodyActs()) return;
    const missing = this.missing();
    this.error.hidden = !missing;
    if (missing) {
      this.error.textContent = missing[0];
      announce(missing[0]);
      missing[1].focus();
      return;
    }
    const yes = button(t('takeOffSure'), () => this.send(), { class: 'main' });
    this.sure.replaceChildren(yes, button(t('cancel'), () => { this.sure.replaceChildren(); this.element.querySelector('[type=submit]').focus(); }));
    yes.focus();
  }

  async send() {
    if (this.sending) return; // a double click
    this.sending = true;
    this.sure.replaceChildren();
    const query = new URLSearchParams({ fate: this.fate, ...(this.fate === 'moved' ? { into: this.target.value().id } : {}), ...(this.reason.value.trim() ? { reason: this.reason.value.trim() } : {}) });
    try {
      await perform(`${optionPath(this.poll, this.question, this.option)}?${query}`, { method: 'DELETE', headers: { 'If-Match': this.etag } });
      sayThere(t('takenOff', { title: titleOf(this.option) }));
      await this.redraw();
    } catch (problem) {
      if (problem.status === 412) {
        sayThere(refusal(problem), true);
        await this.redraw();
        return;
      }
      // Sent again it is harmless: the etag is of a poll that has changed then.
      if (isUnanswered(problem)) {
        say(t('mayBeDone'), true);
        this.element.replaceChildren(button(t('lookAgain'), this.redraw));
        this.element.firstChild.focus();
        return;
      }
      say(refusal(problem), true);
      this.element.querySelector('[type=submit]').focus();
    } finally {
      this.sending = false;
    }
  }
}

function optionItem(where, option, redraw) {
  const place = make('div', {});
  const title = titleOf(option);
  const fates = fatesOf(where.poll, option, where.options);
  const opener = fates.length === 0 ? null : button(t(option.withdrawn ? 'changeFate' : 'takeOff'), () => {
    const open = opener.getAttribute('aria-expanded') === 'true';
    where.form.close();
    if (open) return;
    opener.setAttribute('aria-expanded', 'true');
    place.append(new TakingOff(where, option, fates, redraw).element);
    place.querySelector('input').focus();
    where.form.close = () => { place.replaceChildren(); opener.setAttribute('aria-expanded', 'false'); where.form.close = () => {}; };
  }, { 'aria-expanded': 'false', 'aria-label': t(option.withdrawn ? 'changeFateNamed' : 'takeOffNamed', { title }) });
  return make('li', { class: 'option', 'data-id': option.id }, make('div', { class: 'row' },
    make('div', { class: 'wide' }, make('strong', {}, title), ' ', make('span', { class: 'soft' }, [option.id, fateText(option, where.options)].filter(Boolean).join(' · '))), opener), place);
}

function optionList(where, redraw, heading) {
  const { options } = where;
  const name = `options-${where.question?.id ?? 'all'}`;
  const list = make('ul', { class: 'plain' });
  const count = make('p', { class: 'soft', id: `${name}-count` });
  const search = make('input', { type: 'search', id: `${name}-search`, autocomplete: 'off', 'aria-describedby': `${name}-count`, oninput: () => { draw(); announce(count.textContent); } });
  function draw() {
    where.form.close();
    const found = options.filter((option) => fits(option, search.value));
    list.replaceChildren(...found.slice(0, SHOWN_MAX).map((option) => optionItem(where, option, redraw)));
    count.textContent = shownText(Math.min(found.length, SHOWN_MAX), found.length);
  }
  draw();
  return make('section', {}, heading ? make('h2', {}, heading) : null, options.length >= SEARCH_FROM ? make('div', {}, labelled(t('searchOptions'), search), count) : null,
    options.length === 0 ? make('p', {}, t('noOptions')) : list);
}

// The parts of the page for an address behind #/options/.
export async function optionsParts([id], redraw) {
  const { body: poll, headers } = await ask(pollPath(id));
  const etag = headers.get('ETag');
  const form = { close: () => {} }; // one at a time, in the whole page
  const lists = (poll.ballot.questions ?? [null]).map((question) => optionList({ poll, etag, form, question, options: question ? question.options : poll.options }, redraw, question ? titleOf(question) : null));
  return [make('p', {}, make('a', { href: '#/' }, t('backToHall'))), make('h1', { tabindex: '-1' }, t('optionsOf', { title: titleOf(poll) })), ...lists];
}
