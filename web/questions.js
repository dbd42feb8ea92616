// A poll as questions: a survey has several, every other poll is one without a name.

import { titleOf } from './texts.js';

export const isSurvey = (poll) => poll.ballot.type === 'survey';
// [{id, title, ballot, options}]; of a poll that is no survey one with the id ''.
export const questionsOf = (poll) => (isSurvey(poll)
  ? poll.ballot.questions.map((question) => ({ ...question, title: titleOf(question) })) : [{ id: '', title: '', ballot: poll.ballot, options: poll.options }]);
export const keyOf = (question, option) => (question.id === '' ? option.id : `${question.id}/${option.id}`);
