// The audit log of a poll or of a project: who did what and when, whether its chain holds, and the
// file to keep.
//
//   #/audit/poll/<poll>
//   #/audit/project/<project>

import './texts_moderation.js';
import { number, t, time, titleOf } from './texts.js';
import { Problem, Unreachable, getPoll, pollPath } from './service.js';
import { announce, button, labelled, make } from './page.js';
import { explain } from './desk.js';
import { inWords } from './audit_acts.js';
import { readAuditLog } from './audit_log.js';

const SHOWN_AT_ONCE = 50;

let reading = 0;
let file = null;
export function leaveAudit() {
  reading += 1;
  if (file) URL.revokeObjectURL(file);
  file = null;
}

function chainNote(log) {
  const bad = log.chain !== 'ok' || !log.isWhole;
  const parts = [];
  if (log.chain === 'ok') parts.push(make('p', {}, t('chain_ok', { n: log.acts.length })), make('p', {}, make('code', { class: 'receipt' }, log.head)), make('p', { class: 'soft' }, t('chainKeep')));
  if (log.chain === 'broken') parts.push(make('p', {}, t('chain_broken', { line: number(log.brokenAt) })));
  if (log.chain === 'unchecked') parts.push(make('p', {}, t('chain_unchecked')));
  if (!log.isWhole) parts.push(make('p', {}, t('chain_long', { n: log.acts.length })));
  return make('div', { class: bad ? 'note warn' : 'note', id: 'chain', 'data-chain': log.chain }, ...parts);
}

// Whether a checksum that was written down before is still in the log.
function earlierChecksum(log) {
  const found = make('p', { id: 'earlier-found', role: 'status' });
  const look = () => {
    const text = input.value.trim().toLowerCase();
    if (!/^[0-9a-f]{64}$/.test(text)) { found.textContent = ''; return; }
    const line = text === log.head ? log.acts.length : log.acts.findIndex(({ previous }) => previous === text);
    found.textContent = line > 0 ? t('chainFound', { line: number(line) }) : t('chainNotFound');
  };
  const input = make('input', { type: 'text', id: 'earlier', autocomplete: 'off', spellcheck: 'false', maxlength: '80', oninput: look });
  return make('div', {}, labelled(t('chainEarlier'), input), found);
}

// The line itself may be as large as a whole poll: it is there once it is asked for.
function actItem(words, line) {
  const text = make('code', { class: 'line' });
  return make('li', { class: 'option', 'data-n': words.n }, make('div', { class: 'soft' }, [number(words.n), time(words.at), words.who].join(' · ')),
    make('div', {}, words.what), words.reason ? make('div', {}, t('actReason', { reason: words.reason })) : null,
    make('details', { ontoggle: () => { text.textContent = line; } }, make('summary', {}, t('auditLine')), text));
}

// The acts, 50 at a time, from either end.
function actList(log) {
  const words = inWords(log.acts);
  const list = make('ol', { class: 'plain', id: 'acts' });
  const count = make('p', { class: 'soft' });
  const more = button(t('more'), () => { const first = list.children.length; load(); list.children[first]?.querySelector('summary').focus(); });
  const order = make('select', { id: 'audit-order', onchange: () => { list.replaceChildren(); load(); } },
    make('option', { value: 'newest' }, t('auditNewest')), make('option', { value: 'oldest' }, t('auditOldest')));
  function load() {
    const from = list.children.length;
    const all = words.length;
    for (let i = from; i < Math.min(all, from + SHOWN_AT_ONCE); i += 1) {
      const at = order.value === 'newest' ? all - 1 - i : i;
      list.append(actItem(words[at], log.lines[at]));
    }
    more.hidden = list.children.length === all;
    count.textContent = t('auditShown', { shown: number(list.children.length), n: number(all) });
  }
  load();
  return [labelled(t('auditOrder'), order), count, list, make('p', {}, more)];
}

function wholeLog(log, name) {
  file = URL.createObjectURL(new Blob(log.lines.map((line) => `${line}\n`), { type: 'application/x-ndjson' }));
  return make('p', {}, make('a', { class: 'button', href: file, download: `${name}.audit` }, t('auditDownload')));
}

// Of a sealed poll it is forbidden to everybody, else to those without the scope.
function auditRefusal(problem, poll) {
  if (!(problem instanceof Problem) || problem.code !== 'forbidden') return explain(problem);
  return t(poll?.visibility === 'sealed' && poll.state !== 'final' ? 'auditSealed' : 'refused_forbidden');
}

// Reads on behind what is drawn already; everything else of the page is there meanwhile.
async function fill(place, poll, path, name) {
  const mine = (reading += 1);
  const progress = make('p', { class: 'soft' }, t('auditReading', { n: 0 }));
  place.replaceChildren(progress);
  let parts;
  try {
    const log = await readAuditLog(path, { onProgress: (n) => { progress.textContent = t('auditReading', { n }); }, isGone: () => mine !== reading });
    if (log === null || mine !== reading) return;
    parts = log.acts.length === 0 ? [make('p', {}, t('auditNone'))] : [chainNote(log), log.chain === 'ok' ? earlierChecksum(log) : null, wholeLog(log, name), ...actList(log)].filter(Boolean);
  } catch (problem) {
    if (mine !== reading) return;
    if (!(problem instanceof Problem) && !(problem instanceof Unreachable)) reportError(problem); // a fault of this page
    parts = [make('div', { class: 'note warn' }, make('p', {}, auditRefusal(problem, poll)), button(t('again'), () => fill(place, poll, path, name)))];
  }
  place.replaceChildren(...parts);
  announce(parts[0].querySelector('p')?.textContent ?? parts[0].textContent);
}

// The parts of the page for an address behind #/audit/. Null if it leads elsewhere.
export async function auditParts([kind, id]) {
  const isPoll = kind === 'poll';
  const poll = isPoll ? await getPoll(id) : null;
  const place = make('section', { id: 'audit' });
  fill(place, poll, isPoll ? pollPath(id) : `/v1/projects/${encodeURIComponent(id)}`, id);
  return [make('p', {}, make('a', { href: '#/' }, t('backToHall'))), make('h1', { tabindex: '-1' }, t('auditOf', { title: poll ? titleOf(poll) : id })), make('p', { class: 'soft' }, t('auditHint')),
    poll ? make('p', {}, make('a', { href: `#/audit/project/${poll.project}` }, t('auditOfProject', { project: poll.project }))) : null, place];
}
