// Choosing one of a poll's options, of which there may be very many: a search and the first that fit.

import './texts_moderation.js';
import { number, t, titleOf } from './texts.js';
import { announce, labelled, make } from './page.js';

const SHOWN_MAX = 50;
const SEARCH_FROM = 8; // options

const plain = (text) => text.toLowerCase().normalize('NFD').replace(/\p{M}/gu, '');
export const fits = (option, words) => plain(`${titleOf(option)} ${option.id}`).includes(plain(words.trim()));

// A text for what is shown of what there is.
export const shownText = (shown, all) => (shown < all ? t('targetsShown', { shown: number(shown), n: number(all) }) : t('targets', { n: all }));

// {element, value(), focus()}: radio buttons called `name`; value() is the option or null.
export function chooseOption(options, name, legend) {
  let chosen = null;
  const list = make('ul', { class: 'plain' });
  const count = make('p', { class: 'soft', id: `${name}-count` });
  const search = make('input', { type: 'search', id: `${name}-search`, autocomplete: 'off', 'aria-describedby': `${name}-count`, oninput: () => { draw(); announce(count.textContent); } });
  function draw() {
    const found = options.filter((option) => fits(option, search.value));
    const shown = found.slice(0, SHOWN_MAX);
    // What is chosen stays in sight, whatever is searched for.
    if (chosen && !shown.includes(chosen)) shown.unshift(chosen);
    list.replaceChildren(...shown.map((option) => make('li', { class: 'option' }, make('label', {}, make('input', {
      type: 'radio', name, value: option.id, checked: option === chosen, onchange: () => { chosen = option; },
    }), make('span', {}, titleOf(option), ' ', make('span', { class: 'soft' }, option.id))))));
    count.textContent = shownText(Math.min(found.length, SHOWN_MAX), found.length);
  }
  draw();
  return {
    element: make('fieldset', {}, make('legend', {}, legend), options.length >= SEARCH_FROM ? make('div', {}, labelled(t('searchTarget'), search), count) : null, list),
    value: () => chosen,
    focus: () => list.querySelector('input')?.focus(),
  };
}
