// Entries of paper that are not at the server yet. Kept in the browser's storage with every
// keystroke, so that a reload, a closed tab or a dead server costs no count.
//
// A draft: {poll, batch, box, kind: 'first' | 'second', cells: {name: text as typed}, cards: [text],
// sending: whether it was sent and not answered, changed: time}

const PREFIX = 'tallyd.paper/';
const nameOf = ({ poll, batch, kind }) => `${PREFIX}${poll}/${batch}/${kind}`;
const unkept = new Map(); // where the browser stores nothing: for this visit

// Whether it outlives a reload.
export function keepDraft(draft) {
  draft.changed = new Date().toISOString();
  try {
    localStorage.setItem(nameOf(draft), JSON.stringify(draft));
    unkept.delete(nameOf(draft));
    return true;
  } catch {
    unkept.set(nameOf(draft), draft);
    return false;
  }
}

export function findDraft(poll, batch, kind) {
  const name = nameOf({ poll, batch, kind });
  try {
    const text = localStorage.getItem(name);
    return text === null ? unkept.get(name) ?? null : JSON.parse(text);
  } catch {
    return unkept.get(name) ?? null;
  }
}

export function dropDraft(draft) {
  unkept.delete(nameOf(draft));
  try { localStorage.removeItem(nameOf(draft)); } catch { /* was never kept */ }
}

export function draftsOf(poll) {
  const names = new Set(unkept.keys());
  try { for (const name of Object.keys(localStorage)) names.add(name); } catch { /* none are kept */ }
  return [...names].filter((name) => name.startsWith(`${PREFIX}${poll}/`)).sort()
    .map((name) => { const [batch, kind] = name.slice(`${PREFIX}${poll}/`.length).split('/'); return findDraft(poll, batch, kind); })
    .filter((draft) => draft !== null);
}
