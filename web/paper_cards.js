// One paper card as a clerk types it, and what it adds to the counts. Ideas go by their numbers in
// the poll's order, from 1.
//
//   choose  3        1 4        points  3:2 5:1       any  x   an invalid card
//   rank    3 1 2               updown  3+ 4-              0   a blank one      z   take the last back

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

// {kind: 'undo' | 'invalid' | 'blank'}, {kind: 'card', marks: [{at, value}]}, or {fault: text}.
export function readCard(text, ballot, optionsCount) {
  const words = text.trim().toLowerCase().split(/[\s,;]+/);
  const single = words.length === 1 ? { x: 'invalid', 0: 'blank', z: 'undo' }[words[0]] : undefined;
  if (single) return { kind: single };
  const marks = words.map((word) => readMark(word, ballot.type));
  if (marks.includes(null)) return { fault: t('cardNotRead', { text, help: t(`cardHelp_${ballot.type}`) }) };
  const fault = faultOf(marks, ballot, optionsCount);
  return fault ? { fault } : { kind: 'card', marks: withScores(marks, ballot) };
}

// How many options the valid cards name in all, at least and at most.
export function namedRange(ballot, optionsCount, valid) {
  const least = ballot.type === 'choose' ? Math.max(1, ballot.min) : 1;
  const most = Math.min(ballot.max ?? optionsCount, optionsCount);
  return { least: least * valid, most: most * valid };
}
