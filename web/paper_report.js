// What a poll's paper comes to: the report box by box to print (what went out, what came back, what
// of it counts), and one-time codes for letters and postcards, on a sheet that is shown once.

import { number, t, titleOf } from './texts.js';
import { button, labelled, make } from './page.js';
import { explain, perform, say, somebodyActs } from './desk.js';
import { pollPath } from './service.js';

const shown = (value) => (value === undefined ? '–' : number(value));
const CARD_WORDS = ['counted', 'beat_online', 'voted_online', 'on_paper', 'not_on_roll', 'online_after'];

// What became of cards with codes, in words; [] if there were none.
export function cardWords(lines) {
  return CARD_WORDS.filter((name) => lines?.[name] > 0).map((name) => t(`cards_${name}`, { n: lines[name] }));
}

function sums(boxes) {
  const total = (of) => boxes.reduce((sum, box) => { const value = of(box); return value === undefined || sum === undefined ? undefined : sum + value; }, 0);
  return {
    handed_out: boxes.some(({ handed_out: out }) => out === undefined) ? undefined : total((box) => box.handed_out), not_returned: total((box) => box.not_returned),
    entered: { batches: total((box) => box.entered.batches), cards: total((box) => box.entered.cards) },
    counted: { batches: total((box) => box.counted.batches), cards: total((box) => box.counted.cards), invalid: total((box) => box.counted.invalid), blank: total((box) => box.counted.blank) },
    voided: { batches: total((box) => box.voided.batches), cards: total((box) => box.voided.cards) },
  };
}

const COLUMNS = [
  ['reportOut', (box) => box.handed_out], ['reportWaiting', (box) => box.entered.cards], ['reportCounted', (box) => box.counted.cards],
  ['invalid', (box) => box.counted.invalid], ['blank', (box) => box.counted.blank], ['reportVoided', (box) => box.voided.cards], ['reportMissing', (box) => box.not_returned],
];

function reportTable(boxes) {
  const row = (title, box, attributes) => make('tr', attributes, make('th', { scope: 'row' }, title), ...COLUMNS.map(([key, of]) => {
    const hidden = key === 'reportWaiting' && box.entered.figures_hidden;
    return make('td', { class: key === 'reportMissing' && of(box) < 0 ? 'warn' : null }, hidden ? t('reportHidden') : shown(of(box)));
  }));
  return make('div', { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': t('report') }, make('table', { class: 'report' },
    make('thead', {}, make('tr', {}, make('th', { scope: 'col' }, t('box')), ...COLUMNS.map(([key]) => make('th', { scope: 'col' }, t(key))))),
    make('tbody', {}, ...boxes.map((box) => row(box.place ?? box.box, box, { 'data-box': box.box }))),
    make('tfoot', {}, row(t('reportAll'), sums(boxes)))));
}

function handedOutForm(poll, boxes, change, redraw) {
  const inputs = new Map(boxes.map((box, at) => [box.box, make('input', { type: 'number', id: `out-${at}`, min: '0', step: '1', value: box.handed_out ?? '' })]));
  const save = async (event) => {
    event.preventDefault();
    const wrong = [...inputs.values()].find((input) => !input.checkValidity());
    if (wrong) { say(t('noNumber', { text: wrong.value }), true); wrong.focus(); return; }
    const changed = await change((definition) => {
      for (const box of definition.boxes) {
        const text = inputs.get(box.id)?.value ?? '';
        if (text === '') delete box.handed_out;
        else box.handed_out = Number(text);
      }
    });
    if (!changed) return;
    await redraw();
    say(t('reportSaved'));
  };
  return make('details', { class: 'unprinted' }, make('summary', {}, t('reportSetOut')), make('form', { onsubmit: save, novalidate: true },
    ...boxes.map((box) => labelled(t('reportOutAt', { place: box.place ?? box.box }), inputs.get(box.box))), make('button', { type: 'submit' }, t('save'))));
}

// change(f): f changes the poll's definition; resolves to whether the server took it.
export async function reportParts(poll, change, redraw) {
  const { boxes } = (await perform(`${pollPath(poll.id)}/paper-reconciliation`, {})).body;
  const cards = boxes.map((box) => [box, cardWords(box.card_lines)]).filter(([, words]) => words.length > 0);
  const waiting = boxes.reduce((sum, { entered }) => sum + entered.batches, 0);
  return [make('p', {}, t('reportOf', { title: titleOf(poll), state: t(`state_${poll.state}`) })),
    waiting > 0 ? make('p', { class: 'note warn' }, t('reportWaits', { n: waiting })) : null,
    boxes.length === 0 ? make('p', {}, t('noBoxes')) : reportTable(boxes), make('p', { class: 'soft' }, t('reportHint')),
    cards.length === 0 ? null : make('section', {}, make('h2', {}, t('codesTitle')), make('ul', {}, ...cards.map(([box, words]) => make('li', {}, `${box.place ?? box.box}: ${words.join(', ')}`)))),
    make('p', { class: 'printed-only signatures' }, t('signatures'), ': ______________________  ______________________'),
    make('p', { class: 'unprinted' }, button(t('reportPrint'), () => print())),
    poll.state === 'final' || boxes.length === 0 ? null : handedOutForm(poll, boxes, change, redraw)];
}

function codeSheet(poll, codes, address) {
  return make('div', { class: 'codes' }, ...codes.map((code) => make('div', { class: 'code' }, make('span', {}, titleOf(poll)), make('code', {}, code), address === '' ? null : make('span', {}, address))));
}

export function codesParts(poll) {
  const count = make('input', { type: 'number', id: 'codes-count', min: '1', max: '10000', step: '1', value: '24' });
  const name = make('input', { type: 'text', id: 'codes-name', autocomplete: 'off', spellcheck: 'false', maxlength: '63' });
  const address = make('input', { type: 'text', id: 'codes-address', autocomplete: 'off' });
  const place = make('div', { tabindex: '-1' });
  let busy = false;
  const order = async (event) => {
    event.preventDefault();
    if (busy || !somebodyActs()) return;
    if (!count.checkValidity() || count.value === '') { say(t('noNumber', { text: count.value }), true); count.focus(); return; }
    busy = true;
    try {
      const { body } = await perform(`${pollPath(poll.id)}/codes`, { method: 'POST', body: { count: Number(count.value), ...(name.value.trim() === '' ? {} : { batch: name.value.trim() }) } });
      form.hidden = true;
      place.replaceChildren(make('p', { class: 'note warn' }, t('codesOnce', { n: body.count, batch: body.batch })),
        make('p', { class: 'unprinted' }, button(t('codesPrint'), () => print(), { class: 'main' })), codeSheet(poll, body.codes, address.value.trim()));
      place.focus();
      say(t('codesMade', { n: body.count }));
    } catch (problem) {
      // What was made without an answer is on the roll, and its codes are known to nobody.
      say(problem.code === 'batch_exists' ? t('codesGone', { batch: name.value.trim() }) : explain(problem), true);
    } finally {
      busy = false;
    }
  };
  const form = make('form', { class: 'unprinted', onsubmit: order, novalidate: true }, make('p', {}, t('codesHint')), labelled(t('codesCount'), count), labelled(t('codesName'), name),
    labelled(t('codesAddress'), address), make('button', { type: 'submit', class: 'main' }, t('codesMake')));
  return [form, place];
}
