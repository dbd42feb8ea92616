// The cells of a paper sheet and what they are called: the same names in a draft, in a comparison of
// two entries and in what the server says of them. A poll is one question without a name, a survey is
// several.
//
//   cards, invalid, blank   the box
//   b:<key>                 cards that name an option     s:<key>   their score
//   <key>                   <option>, in a survey <question>/<option>

import { number, t, titleOf } from './texts.js';
import { isSurvey, keyOf, questionsOf } from './questions.js';
import { namedRange } from './paper_cards.js';

export const HEAD_CELLS = ['cards', 'invalid', 'blank'];

export const isScored = ({ ballot }) => ballot.type !== 'choose';

// What an option is called where others of its name may be near.
const optionTitle = (question, option) => (question.id === '' ? titleOf(option) : `${question.title}: ${titleOf(option)}`);

// Every cell behind the head in the order of the sheet: [{name, title, label, question, option}].
export function countCells(poll) {
  return questionsOf(poll).flatMap((question) => question.options.flatMap((option) => {
    const title = optionTitle(question, option);
    const key = keyOf(question, option);
    const cells = [{ name: `b:${key}`, title, label: t('ballotsFor', { title }), question, option }];
    if (isScored(question)) cells.push({ name: `s:${key}`, title: `${title} (${t('scoreCell')})`, label: t('scoreFor', { title }), question, option });
    return cells;
  }));
}

export function cellTitle(poll, name) {
  if ([...HEAD_CELLS, 'box', 'seal'].includes(name)) return t(name);
  return countCells(poll).find((cell) => cell.name === name)?.title ?? name;
}

// The cell that a JSON Pointer of the server means.
export function cellAt(pointer) {
  const [, member, ...ids] = pointer.split('/').map((part) => part.replace(/~1/g, '/').replace(/~0/g, '~'));
  return member === 'counts' ? `b:${ids.join('/')}` : member;
}

// The figures of a batch or of an entry's body by the names of the cells.
export function cellsOf(poll, figures) {
  const cells = new Map(HEAD_CELLS.map((name) => [name, figures[name] ?? 0]));
  for (const question of questionsOf(poll)) {
    const counts = (question.id === '' ? figures.counts : figures.counts?.[question.id]) ?? {};
    for (const [id, count] of Object.entries(counts)) {
      cells.set(`b:${keyOf(question, { id })}`, count.ballots ?? count);
      if (count.score !== undefined) cells.set(`s:${keyOf(question, { id })}`, count.score);
    }
  }
  return cells;
}

// The other way round: `counts` for the server. value(name): the number in a cell.
export function countsOf(poll, value) {
  const parts = questionsOf(poll).map((question) => {
    const counts = {};
    for (const option of question.options) {
      const [ballots, score] = [value(`b:${keyOf(question, option)}`), value(`s:${keyOf(question, option)}`)];
      if (ballots !== 0 || score !== 0) counts[option.id] = isScored(question) ? { ballots, score } : ballots;
    }
    return [question.id, counts];
  });
  return isSurvey(poll) ? Object.fromEntries(parts) : parts[0][1];
}

// Whether the counts of a question fit the valid cards: {text, fits}.
export function sumOf(poll, question, value) {
  const valid = value('cards') - value('invalid') - value('blank');
  if (valid < 0) return { text: t('sum_negative'), fits: false };
  const named = question.options.reduce((sum, option) => sum + value(`b:${keyOf(question, option)}`), 0);
  const { least, most } = namedRange(question.ballot, question.options.length, valid, isSurvey(poll));
  const fits = named >= least && named <= most;
  const key = least < most ? 'range' : fits ? 'ok' : named < least ? 'missing' : 'over';
  return { text: t(`sum_${key}`, { valid: number(valid), named: number(named), n: number(Math.abs(least - named)), least: number(least), most: number(most) }), fits };
}

// Of a survey as a whole: a card that is neither invalid nor blank names something somewhere.
export function surveySum(poll, value) {
  const valid = value('cards') - value('invalid') - value('blank');
  if (valid < 0) return { text: t('sum_negative'), fits: false };
  const named = questionsOf(poll).reduce((sum, question) => question.options.reduce((part, option) => part + value(`b:${keyOf(question, option)}`), sum), 0);
  const fits = named >= valid && questionsOf(poll).every((question) => sumOf(poll, question, value).fits);
  return { text: t(named < valid ? 'sum_nothing' : fits ? 'sum_all' : 'sum_question', { valid: number(valid), named: number(named) }), fits };
}
