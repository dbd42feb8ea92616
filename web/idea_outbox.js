// Ideas of this browser's visitor: one that is still to be sent, and those that were.

import { Problem, ask, isUnanswered } from './service.js';
import { asVoter, randomId, storage } from './voter.js';
import { currentLanguage } from './texts.js';

const OWN_IDEAS_MAX = 200; // the newest are remembered

const ideasPath = (project) => `/v1/projects/${encodeURIComponent(project)}/ideas`;
const outboxName = (project) => `tallyd.idea.${project}`;
const ownName = (project) => `tallyd.ideas.${project}`;

// Where nothing can be stored, for this visit only.
const kept = new Map();
function read(name) {
  const text = storage.get(name) ?? kept.get(name);
  return text === undefined ? null : JSON.parse(text);
}
function write(name, value) {
  kept.set(name, JSON.stringify(value));
  storage.set(name, kept.get(name));
}

// The ids of the ideas that were handed in from here, newest first.
export const ownIdeas = (project) => read(ownName(project)) ?? [];
function remember(project, id) {
  const others = ownIdeas(project).filter((other) => other !== id);
  write(ownName(project), [id, ...others].slice(0, OWN_IDEAS_MAX));
}

// An idea is written down with its Idempotency-Key before it is sent and until it is answered: a
// retry, also one after a reload, is the same idea.
export const pendingIdea = (project) => read(outboxName(project));
export const queueIdea = (project, idea) => write(outboxName(project), { key: randomId(), idea });
export function forgetIdea(project) {
  kept.delete(outboxName(project));
  storage.remove(outboxName(project));
}

// Resolves to null if another tab has sent it. Throws while its fate is unknown (isUnanswered), the
// idea then stays queued; else it was refused.
export async function sendIdea(project) {
  const pending = pendingIdea(project);
  if (pending === null) return null;
  const { key, idea } = pending;
  try {
    const { body } = await ask(ideasPath(project), {
      method: 'POST', body: idea, headers: { ...asVoter(), 'Idempotency-Key': key }, language: currentLanguage(),
    });
    remember(project, body.id); // first: a tab that ends in between sends again, and loses nothing
    forgetIdea(project);
    return body;
  } catch (problem) {
    if (!isUnanswered(problem)) forgetIdea(project);
    throw problem;
  }
}

// Null if it is somebody else's for whoever asks now.
export async function getOwnIdea(project, id) {
  try {
    return (await ask(`${ideasPath(project)}/${encodeURIComponent(id)}`, { headers: asVoter() })).body;
  } catch (problem) {
    if (problem instanceof Problem && [401, 403, 404].includes(problem.status)) return null;
    throw problem;
  }
}
