// One paper card as a clerk types it, and what it adds to the counts. Ideas go by their numbers in
// the poll's order, from 1.
//
//   choose  3        1 4        points  3:2 5:1       any  x   an invalid card
//   rank    3 1 2               updown  3+ 4-              0   a blank one      z   take the last back
//
// Of a survey the questions are separated by a slash, in their order: 3 / 1:2 4:1 /

import { number, t } from './texts.js';

function readMark(word, type) {
  if (type === 'points') {
    const found = /^(\d+):(\d+)$/.exec(word);
    return found && { at: Number(found[1]), value: Number(found[2]) };
  }
  if (type === 'updown') {
    const found = /^(\d+)([+-])$/.exec(word);
    return found && { at: Number(found[1]), value: found[2] === '+' ? 1 : -1 };
  }
  const found = /^\d+$/.exec(word);
  return found && { at: Number(word), value: 1 };
}

function withScores(marks, ballot) {
  if (ballot.type !== 'rank') return marks;
  const best = ballot.scoring === 'borda' ? ballot.max : marks.length;
  return marks.map(({ at }, i) => ({ at, value: best - i }));
}

// The rule that a card with these marks breaks, as a text; null if none.
function faultOf(marks, ballot, optionsCount) {
  const seen = new Set();
  for (const { at } of marks) {
    if (at < 1 || at > optionsCount) return t('cardUnknown', { n: number(at) });
    if (seen.has(at)) return t('cardTwice', { n: number(at) });
    seen.add(at);
  }
  const n = number(marks.length);
  if (ballot.max !== undefined && marks.length > ballot.max) return t('cardTooMany', { n, max: number(ballot.max) });
  if (ballot.type === 'choose' && marks.length < ballot.min) return t('cardTooFew', { n, min: number(ballot.min) });
  if (ballot.type === 'points') {
    const sum = marks.reduce((total, mark) => total + mark.value, 0);
    if (sum > ballot.total || marks.some((mark) => mark.value > ballot.max_per_option)) return t('cardPoints');
  }
  return null;
}

const wordsOf = (text) => text.trim().toLowerCase().split(/[\s,;]+/).filter((word) => word !== '');
const kindOf = (text) => ({ x: 'invalid', 0: 'blank', z: 'undo' }[text.trim().toLowerCase()]);

// The marks of one question, {marks} or {fault}.
function readMarks(text, ballot, optionsCount) {
  const marks = wordsOf(text).map((word) => readMark(word, ballot.type));
  if (marks.includes(null)) return { fault: t('cardNotRead', { text: text.trim(), help: t(`cardHelp_${ballot.type}`) }) };
  const fault = faultOf(marks, ballot, optionsCount);
  return fault ? { fault } : { marks: withScores(marks, ballot) };
}

// {kind: 'undo' | 'invalid' | 'blank'}, {kind: 'card', marks: [{at, value}]}, or {fault: text}.
export function readCard(text, ballot, optionsCount) {
  const kind = kindOf(text);
  if (kind) return { kind };
  const { marks, fault } = readMarks(text, ballot, optionsCount);
  return fault ? { fault } : { kind: 'card', marks };
}

// The same for a card with several questions; a mark also says which question it is of, from 0.
export function readSurveyCard(text, questions) {
  const kind = kindOf(text);
  if (kind) return { kind };
  const parts = text.split('/');
  if (parts.length !== questions.length) return { fault: t('cardParts', { n: number(parts.length), wanted: number(questions.length) }) };
  const marks = [];
  for (const [at, { ballot, options, title }] of questions.entries()) {
    const read = readMarks(parts[at], ballot, options.length);
    if (read.fault) return { fault: `${title}: ${read.fault}` };
    marks.push(...read.marks.map((mark) => ({ ...mark, question: at })));
  }
  return marks.length === 0 ? { fault: t('cardNothing') } : { kind: 'card', marks };
}

// How many options the valid cards name in all, at least and at most. A card may leave out a question
// of a survey, unless the question asks for more.
export function namedRange(ballot, optionsCount, valid, ofSurvey = false) {
  const least = ballot.type === 'choose' ? Math.max(ofSurvey ? 0 : 1, ballot.min) : ofSurvey ? 0 : 1;
  const most = Math.min(ballot.max ?? optionsCount, optionsCount);
  return { least: least * valid, most: most * valid };
}
