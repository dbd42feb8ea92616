// An audit log as the server sends it: read page by page, and its chain of hashes followed.

import { ask } from './service.js';
import { currentLanguage } from './texts.js';

const PAGE_LINES = 1000; // the server's limit
// More is not for a browser.
const LINES_MAX = 50000;
const CHARACTERS_MAX = 64 * 1024 * 1024;

const hex = (buffer) => Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, '0')).join('');

// Only where the page came over https, or from this very machine.
const canHash = () => globalThis.crypto?.subtle !== undefined;
const hashOf = async (line) => hex(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(line)));

// The number of the first line that does not follow, or null; `head` is the hash of the last one.
// The recipe is in docs/http_api.md, "Audit log".
async function follow(lines, acts, from, previous) {
  const hashes = await Promise.all(lines.map(hashOf));
  for (let i = 0; i < lines.length; i += 1) {
    if (acts[i].n !== from + i + 1 || acts[i].previous !== previous) return { brokenAt: from + i + 1, head: null };
    previous = hashes[i];
  }
  return { brokenAt: null, head: previous };
}

// The lines of a page, up to the first that is no JSON.
function parse(text) {
  const lines = text.split('\n').filter((line) => line !== '');
  const acts = [];
  try {
    for (const line of lines) acts.push(JSON.parse(line));
  } catch {
    return { lines: lines.slice(0, acts.length), acts, isWhole: false };
  }
  return { lines, acts, isWhole: true };
}

// Resolves to {acts, lines, chain: ok|broken|unchecked, brokenAt, head, isWhole}; null if isGone()
// became true. Throws as ask() does.
export async function readAuditLog(path, { onProgress, isGone }) {
  const log = { acts: [], lines: [], chain: canHash() ? 'ok' : 'unchecked', brokenAt: null, head: '0'.repeat(64), isWhole: true };
  let characters = 0;
  for (let more = true; more;) {
    const { body: text, headers } = await ask(`${path}/audit?after=${log.acts.length}&limit=${PAGE_LINES}`, { language: currentLanguage(), asText: true });
    if (isGone()) return null;
    const { lines, acts, isWhole } = parse(text);
    if (log.chain === 'ok') {
      const { brokenAt, head } = await follow(lines, acts, log.acts.length, log.head);
      if (brokenAt !== null) Object.assign(log, { chain: 'broken', brokenAt });
      log.head = head;
    }
    log.lines.push(...lines);
    log.acts.push(...acts);
    // Nothing is to be made of it, nor of what comes after.
    if (!isWhole) Object.assign(log, { chain: 'broken', brokenAt: log.brokenAt ?? log.acts.length + 1 });
    more = isWhole && lines.length > 0 && /rel="next"/.test(headers.get('Link') ?? '');
    characters += text.length;
    if (more && (log.acts.length >= LINES_MAX || characters >= CHARACTERS_MAX)) {
      log.isWhole = false;
      more = false;
    }
    onProgress(log.acts.length);
  }
  return log;
}
