// A list of rows that may be very long: up to LONG_FROM rows it is an ordinary list; beyond that only
// the rows in and near the window are in the document, each at its place, so that two thousand cost
// no more than thirty. A row that was made keeps its state while it is out of the document.
//
// Keyboard and screen readers: every row says which of how many it is; the first and the last row, the
// one with the focus and its neighbours, and whatever is pinned are always there, so that Tab, Shift
// and Tab and the arrows of radio buttons go on in order.

const LONG_FROM = 200; // rows
const AROUND = 12; // rows beside the window and beside the focus
const FIRST_GUESS_PX = 64;

export class LongList {
  // create(key): the row, an li, made when it is first seen. `onshow(row, key, at)`: before each drawing.
  constructor(element, create, onshow = () => {}) {
    Object.assign(this, { element, create, onshow, keys: [], rows: new Map(), heights: new Map(), pinned: () => [] });
    element.addEventListener('focusin', () => { if (this.long) this.draw(); });
    this.onmove = () => this.moved();
    this.onresize = () => { this.heights.clear(); this.moved(); };
  }

  get long() { return this.keys.length > LONG_FROM; }

  row(key) {
    if (!this.rows.has(key)) {
      const row = this.create(key);
      row.dataset.id = key;
      this.rows.set(key, row);
    }
    return this.rows.get(key);
  }

  // The rows there shall be, in their order.
  show(keys) {
    const was = this.long;
    this.keys = keys;
    this.at = null;
    this.element.classList.toggle('long', this.long);
    if (this.long !== was) this.turn();
    if (this.long) this.layOut();
    this.draw();
  }

  // From an ordinary list to a long one, or back.
  turn() {
    this.element.replaceChildren();
    for (const row of this.rows.values()) this.place(row, null);
    this.element.style.height = '';
    const act = this.long ? addEventListener : removeEventListener;
    act.call(window, 'scroll', this.onmove, { capture: true, passive: true });
    act.call(window, 'resize', this.onresize);
  }

  place(row, at) {
    if (at === null) {
      row.style.top = '';
      row.removeAttribute('aria-posinset');
      row.removeAttribute('aria-setsize');
    } else {
      row.setAttribute('aria-posinset', at + 1);
      row.setAttribute('aria-setsize', this.keys.length);
    }
  }

  moved() {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = null;
      if (this.element.isConnected) this.wasThere = true;
      else if (this.wasThere) { this.keys = []; this.turn(); } // the page has gone on
      if (this.element.isConnected) this.draw();
    });
  }

  draw() {
    const wanted = this.long ? this.window() : this.keys.map((_, at) => at);
    const rows = wanted.map((at) => {
      const row = this.row(this.keys[at]);
      this.onshow(row, this.keys[at], at);
      if (this.long) this.place(row, at);
      return row;
    });
    const kept = new Set(rows);
    for (const child of [...this.element.children]) if (!kept.has(child)) child.remove();
    rows.forEach((row, index) => { if (this.element.children[index] !== row) this.element.insertBefore(row, this.element.children[index] ?? null); });
    if (!this.long) return;
    // What can only be guessed before it is in the page is measured before it is painted.
    if (!this.element.isConnected) { this.moved(); return; }
    this.gap ??= parseFloat(getComputedStyle(rows[0]).marginTop) || 0;
    let measured = false;
    for (const [index, at] of wanted.entries()) {
      const key = this.keys[at];
      const height = rows[index].offsetHeight + this.gap;
      if (height > this.gap && this.heights.get(key) !== height) { this.heights.set(key, height); measured = true; }
    }
    this.layOut();
    for (const [index, at] of wanted.entries()) rows[index].style.top = `${this.tops[at]}px`;
    // What was measured may have moved the window.
    if (measured) this.moved();
  }

  // Where each row begins.
  layOut() {
    const known = [...this.heights.values()];
    const guess = known.length === 0 ? FIRST_GUESS_PX : known.reduce((sum, height) => sum + height, 0) / known.length;
    let top = 0;
    this.tops = this.keys.map((key) => { const at = top; top += this.heights.get(key) ?? guess; return at; });
    this.element.style.height = `${top}px`;
  }

  // The row at that height, by halving.
  rowAt(y) {
    let low = 0;
    let high = this.keys.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.tops[middle] <= y) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  // The places of the rows that are to be in the document, in order.
  window() {
    const { top } = this.element.getBoundingClientRect();
    const wanted = new Set([0, this.keys.length - 1]);
    const add = (from, to) => { for (let at = Math.max(0, from); at <= Math.min(this.keys.length - 1, to); at += 1) wanted.add(at); };
    add(this.rowAt(-top) - AROUND, this.rowAt(-top + innerHeight) + AROUND);
    const focused = [...this.element.children].find((row) => row.contains(document.activeElement));
    const places = this.places();
    for (const key of [...this.pinned(), ...(focused ? [focused.dataset.id] : [])]) {
      const at = places.get(key);
      if (at !== undefined) add(at - (key === focused?.dataset.id ? AROUND : 0), at + (key === focused?.dataset.id ? AROUND : 0));
    }
    return [...wanted].sort((a, b) => a - b);
  }

  places() {
    this.at ??= new Map(this.keys.map((key, at) => [key, at]));
    return this.at;
  }
}
