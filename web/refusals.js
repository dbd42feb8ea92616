// What the server refuses at the town hall, in the words of whoever works there.

import './texts_moderation.js';
import { number, t } from './texts.js';
import { Problem } from './service.js';
import { explain } from './desk.js';

const SAID = new Set(['option_exists', 'rules_frozen', 'limit_reached', 'poll_not_found', 'idea_not_found', 'option_unknown', 'option_not_found', 'option_withdrawn', 'fate_not_possible',
  'precondition_failed', 'unauthorized', 'forbidden', 'storage_full']);

export const refusal = (problem) => (problem instanceof Problem && SAID.has(problem.code) ? t(`refused_${problem.code}`) : explain(problem));

export const secondsOf = (problem) => (problem instanceof Problem ? problem.retrySeconds : 2);
export const waitingWords = (problem) => (problem instanceof Problem ? t('decisionBusy', { seconds: number(secondsOf(problem)) }) : t('decisionAway'));
