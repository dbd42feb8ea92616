// <tally-ballot>: one poll's ballot, from the choice to the receipt. Set `poll`, `which` (of the
// voter's ballots: a slot of voter.js) and `own` (the one in force in it, or null) before it is put
// into a page, so that it is drawn at once and nothing moves. A vote is queued before it is sent, so
// whatever happens to the connection, the server or the tab, it is sent with the same identity until
// it is answered.

import { number, t, time } from './texts.js';
import { Problem } from './service.js';
import { ballotsOf, forgetVote, getOwnBallot, pending, queueVote, sendVote, slotFor, voter, withdraw } from './voter.js';
import { announce, button, make } from './page.js';
import { FIELDS, SEARCH_FROM, ordered, searchBox } from './ballot_fields.js';

class TallyBallot extends HTMLElement {
  connectedCallback() {
    if (this.begun) return;
    this.begun = true;
    this.online = () => { if (pending(this.poll.id, this.which)) this.send(); };
    addEventListener('online', this.online);
    this.which ??= {};
    this.slots = make('div', {});
    this.message = make('div', {});
    this.place = make('div', {});
    this.append(this.slots, this.message, this.place);
    this.drawSlots();
    this.start();
  }

  disconnectedCallback() {
    removeEventListener('online', this.online);
    clearTimeout(this.retry);
    this.gone = true;
  }

  start() {
    const closedText = this.closedText();
    if (pending(this.poll.id, this.which)) this.send();
    else if (this.own) this.drawOwn();
    else if (closedText) this.say(closedText);
    else this.drawForm();
  }

  // Which of several ballots this is, and the way to the others.
  drawSlots() {
    const { poll } = this;
    const most = ballotsOf(poll);
    if (most === 1) {
      this.slots.replaceChildren(...(poll.ballots_per ? [make('p', { class: 'soft' }, t('oneADay'))] : []));
      return;
    }
    const at = this.which.ballot_no;
    const go = (text, to, label) => button(text, () => this.turnTo(to), { 'aria-label': t(label), 'aria-disabled': to < 1 || to > most ? 'true' : null });
    this.slots.replaceChildren(make('div', { class: 'row slots', role: 'group', 'aria-label': t('whichBallot') }, go('←', at - 1, 'ballotBefore'),
      make('strong', {}, t('ballotOf', { at: number(at), most: number(most) })), go('→', at + 1, 'ballotNext'),
      poll.ballots_per ? make('span', { class: 'soft' }, t('eachDay')) : null));
  }

  async turnTo(no) {
    if (no < 1 || no > ballotsOf(this.poll) || this.sending) return;
    clearTimeout(this.retry);
    const slot = slotFor(this.poll, no);
    let own = null;
    try {
      own = await getOwnBallot(this.poll.id, slot);
    } catch {
      this.say(t('unreachable'), { warn: true });
      return;
    }
    if (this.gone || this.sending) return;
    Object.assign(this, { which: slot, own });
    this.message.replaceChildren();
    this.place.replaceChildren();
    this.drawSlots();
    announce(t('ballotOf', { at: number(no), most: number(ballotsOf(this.poll)) }));
    this.start();
  }

  // Why nobody can vote now; '' if one can.
  closedText() {
    const { poll } = this;
    if (!poll.channels.includes('online')) return t('paperOnly');
    if (poll.state === 'paused') return t('paused');
    if (poll.state === 'closed' || poll.state === 'final') return t('closed');
    if (!poll.accepting) return poll.opens && new Date(poll.opens) > new Date() ? t('notYet', { time: time(poll.opens) }) : t('closed');
    if (!(poll.ballot.type in FIELDS)) return t('notHere');
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
      if (pending(poll.id, this.which)) return; // a second click
      queueVote(poll.id, this.which, result.body);
      this.send();
    };
    this.place.replaceChildren(make('form', { onsubmit: submit, novalidate: true },
      field.list && field.list.size >= SEARCH_FROM ? searchBox(field.list) : null, field.element, error,
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
      const answer = await sendVote(poll.id, this.which);
      this.own = await getOwnBallot(poll.id, this.which).catch(() => null);
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
    if (open && this.which.ballot_no < ballotsOf(poll)) buttons.push(button(t('ballotNext'), () => this.turnTo(this.which.ballot_no + 1)));
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
      await withdraw(this.poll.id, this.which);
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
        buttons: [button(t('sendNow'), () => this.send()), button(t('forget'), () => { clearTimeout(this.retry); forgetVote(poll.id, this.which); this.message.replaceChildren(); this.start(); })],
      });
      this.retry = setTimeout(() => this.send(), seconds * 1000);
      return;
    }
    const texts = { already_voted: t('alreadyVoted'), poll_not_open: t('closed'), day_not_open: t('dayOver') };
    const text = texts[problem.code] ?? (problem.status === 401 ? t('needsToken')
      : problem.status === 403 ? t('notEntitled') : t('failed', { detail: problem.message }));
    if (problem.code !== 'already_voted' && problem.code !== 'poll_not_open' && problem.code !== 'day_not_open') this.drawForm();
    this.say(text, { warn: true, focus: true });
  }
}

customElements.define('tally-ballot', TallyBallot);
