// Setting up a poll, with a preview before anything is made.

import { t, titleOf } from './texts.js';
import { button, labelled, make } from './page.js';
import { act, idFrom, say } from './desk.js';

export function newPoll(list) {
  const field = (id, name = 'input') => make(name, { ...(name === 'input' ? { type: 'text' } : { rows: '5' }), id, autocomplete: 'off' });
  const id = field('poll-id');
  const project = field('poll-project');
  const de = field('poll-de');
  const en = field('poll-en');
  const ideas = field('poll-ideas', 'textarea');
  const max = make('input', { type: 'number', id: 'poll-max', min: '1', value: '1' });
  const preview = make('div', {});
  const read = () => {
    const missing = [[id, 'pollId'], [project, 'project'], [de, 'titleDe'], [ideas, 'ideas']].filter(([input]) => input.value.trim() === '');
    if (missing.length > 0) {
      say(t('incomplete', { fields: missing.map(([, key]) => t(key)).join(', ') }), true);
      missing[0][0].focus();
      return null;
    }
    const taken = new Set();
    const options = ideas.value.split('\n').map((line) => line.trim()).filter((line) => line !== '').map((line) => ({ id: idFrom(line, taken, 'option'), title: { de: line } }));
    const title = { de: de.value.trim(), ...(en.value.trim() === '' ? {} : { en: en.value.trim() }) };
    return { title, project: project.value.trim(), ballot: { type: 'choose', min: 1, max: Number(max.value) }, options };
  };
  const show = (event) => {
    event.preventDefault();
    preview.replaceChildren();
    const poll = read();
    if (!poll) return;
    const heading = make('h3', { tabindex: '-1' }, t('preview'));
    preview.append(heading, make('p', {}, make('strong', {}, titleOf(poll))),
      make('p', { class: 'soft' }, poll.ballot.max === 1 ? t('chooseOne') : t('chooseUpTo', { max: poll.ballot.max, n: 0 })),
      make('ul', {}, ...poll.options.map((option) => make('li', {}, titleOf(option)))),
      button(t('create'), async () => {
        if (!await act(`/v1/polls/${encodeURIComponent(id.value.trim())}`, { method: 'PUT', body: poll, headers: { 'If-None-Match': '*' } })) return;
        say(t('created', { title: titleOf(poll) }));
        form.reset();
        preview.replaceChildren();
        await list.fill();
      }, { class: 'main' }));
    heading.focus();
  };
  const form = make('form', { onsubmit: show, novalidate: true }, labelled(t('pollId'), id), labelled(t('project'), project), labelled(t('titleDe'), de),
    labelled(t('titleEn'), en), labelled(t('ideas'), ideas), labelled(t('maxChoices'), max), make('button', { type: 'submit' }, t('preview')), preview);
  return make('section', {}, make('h2', {}, t('newPoll')), form);
}
