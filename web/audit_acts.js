// The acts of an audit log in words.

import './texts_moderation.js';
import { reasonWords } from './texts_ideas.js';
import { number, t, titleOf } from './texts.js';

const titled = (thing) => titleOf({ id: thing.id, title: thing.display?.title });

// What a definition calls its options and boxes, as of the last one that was read.
class Names {
  constructor() { this.definition = null; }

  option(id) {
    const { options = [], questions = [] } = this.definition ?? {};
    // In a survey the figures of paper name an option with its question.
    const found = options.find((option) => option.id === id) ?? options.find((option) => `${questions[option.question ?? 0]?.id}/${option.id}` === id);
    return found ? titled(found) : id;
  }

  box(id) {
    const found = (this.definition?.boxes ?? []).find((box) => box.id === id);
    return found?.display?.place ?? id;
  }
}

const optionKey = ({ question = 0, id }) => `${question}/${id}`;
const PARTS = new Set(['id', 'options', 'boxes', 'display', 'opens', 'closes']);

// What of a poll changed, from one definition to the next.
function changes(before, after) {
  const words = [];
  const known = new Map(before.options.map((option) => [optionKey(option), JSON.stringify(option)]));
  const added = after.options.filter((option) => !known.has(optionKey(option)));
  if (added.length > 0) words.push(t('changed_options', { names: added.map((option) => t('quoted', { text: titled(option) })).join(', ') }));
  if (after.options.some((option) => known.has(optionKey(option)) && known.get(optionKey(option)) !== JSON.stringify(option))) words.push(t('changed_titles'));
  const boxes = new Set(before.boxes.map(({ id }) => id));
  const put = after.boxes.filter(({ id }) => !boxes.has(id));
  if (put.length > 0) words.push(t('changed_boxes', { names: put.map((box) => box.display?.place ?? box.id).join(', ') }));
  const differs = (name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]);
  for (const name of ['display', 'opens', 'closes']) if (differs(name)) words.push(t(`changed_${name}`));
  const rules = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((name) => !PARTS.has(name) && differs(name));
  if (rules.length > 0) words.push(t('changed_rules', { names: rules.join(', ') }));
  return words.length > 0 ? words.join('; ') : t('changed_nothing');
}

const figures = (act) => (act.cards === undefined ? '' : `: ${t('figuresOf', { cards: number(act.cards), invalid: number(act.invalid), blank: number(act.blank) })}`);

// Each by its act, with what the log said before.
const WORDS = {
  poll_created: (act) => t('act_poll_created', { title: titled(act.definition), n: number(act.definition.options.length) }),
  poll_replaced: (act, names) => t('act_poll_replaced', { what: names.definition ? changes(names.definition, act.definition) : '…' }),
  transition: (act) => t('act_moved', { to: t(`moved_${act.to}`) }),
  scheduled: (act) => t('act_moved', { to: t(`moved_${act.to}`) }),
  paper_entered: (act, names) => `${t('act_paper_entered', { batch: act.batch, box: names.box(act.box) })}${figures(act)}`,
  paper_confirmed: (act) => `${t('act_paper_confirmed', { batch: act.batch, how: t(act.blind ? 'blindly' : 'notBlindly') })}${figures(act)}`,
  paper_voided: (act) => `${t('act_paper_voided', { batch: act.batch })}${figures(act)}`,
  paper_cards_entered: (act) => `${t('act_paper_cards_entered', { batch: act.batch })}${figures(act)}`,
  paper_cards_counted: (act) => t('act_paper_cards_counted', { batch: act.batch, counted: number(act.counted), cards: number(act.cards) }),
  codes_made: (act) => t('act_codes_made', { batch: act.batch, codes: number(act.codes) }),
  online_after_paper: () => t('act_online_after_paper'),
  option_merged: (act, names) => t('act_option_merged', { option: names.option(act.option), into: names.option(act.into), both: number(act.overlap.ballots) }),
  option_withdrawn: (act, names) => t(`act_option_withdrawn_${act.fate}`, { option: names.option(act.option) }),
  idea_approved: (act, names) => t('act_idea_approved', { idea: act.idea, option: names.option(act.option) }),
  idea_merged: (act, names) => t('act_idea_merged', { idea: act.idea, option: names.option(act.option) }),
  idea_rejected: (act) => t('act_idea_rejected', { idea: act.idea }),
  project_created: () => t('act_project_created'),
  project_replaced: () => t('act_project_replaced'),
  key_destroyed: () => t('act_key_destroyed'),
  quota_set: (act) => t('act_quota_set', { n: number(act.ballots_per_voter) }),
};

// For acts in the order of the log: [{n, at, who, what, reason}].
export function inWords(acts) {
  const names = new Names();
  return acts.map((act) => {
    const what = WORDS[act.act]?.(act, names) ?? t('act_other', { act: act.act });
    if (act.definition) names.definition = act.definition;
    const inPoll = act.project !== undefined && act.poll !== undefined ? t('actPoll', { poll: act.poll }) : '';
    return {
      n: act.n, at: act.at, who: act.by ?? t(act.act === 'scheduled' ? 'auditBySchedule' : 'auditNobody'), what: [what, inPoll].filter(Boolean).join(', '),
      reason: act.reason ?? (act.reason_code ? reasonWords(act.reason_code) : ''),
    };
  });
}
