// The polls at the town hall: their states, each changed by a second, named click, and the ways to
// what is done with them.

import './texts_moderation.js';
import { t, titleOf } from './texts.js';
import { ask } from './service.js';
import { button, make } from './page.js';
import { act, askedTwice, say } from './desk.js';

const NEXT = { draft: ['open'], open: ['paused', 'closed'], paused: ['open', 'closed'], closed: ['final'], final: [] };
const WAYS = [['paper', 'paper', 'paperOf'], ['options', 'options', 'optionsOf'], ['audit/poll', 'audit', 'auditOf']];
const ACTS = { open: 'toOpen', paused: 'toPaused', closed: 'toClosed', final: 'toFinal' };

function pollItem(poll, redraw) {
  const move = (to) => askedTwice(t(ACTS[to]), t('sure', { act: t(ACTS[to]) }), async () => {
    if (!await act(`/v1/polls/${poll.id}/transitions`, { method: 'POST', body: { to } })) return;
    await redraw();
    say(t('nowState', { title: titleOf(poll), state: t(`state_${to}`) }));
  });
  return make('li', { class: 'option', 'data-poll': poll.id }, make('div', {}, make('strong', {}, titleOf(poll)), ' ', make('span', { class: 'soft' }, `${poll.id} · ${t(`state_${poll.state}`)}`)),
    make('div', { class: 'row' }, ...WAYS.map(([way, words, named]) => make('a', { class: 'button', href: `#/${way}/${poll.id}`, 'aria-label': t(named, { title: titleOf(poll) }) }, t(words))), ...NEXT[poll.state].map(move)));
}

export async function pollList() {
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
