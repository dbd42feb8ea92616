// Two thousand ideas in one poll: painted at once, scrolled without gaps, a bounded document, and the
// same for keyboard and screen reader as a short list.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { check } from './checks.mjs';
import { Server, done, launch, visitor } from './stage.mjs';

const OPTIONS = 2000;
// All elements of the page, of 2,000 ideas twice: in the ballot and in the ranking.
const ELEMENTS_MAX = 1500;
const ROWS_MAX = 80; // of a list, in a window of 800 px
const FORM_MS_MAX = 2500;
const PAINT_MS_MAX = 2500;
const FRAME_MS_P95_MAX = 80; // on a machine that does other work too
const TITLES = Array.from({ length: OPTIONS }, (_, i) => ({ id: `o${i}`, title: { en: `Idea number ${i}${i % 7 === 0 ? ', with a title that is long enough for two lines on a phone and a half' : ''}` } }));

let server;
let browser;
before(async () => { server = await Server.start(); browser = await launch(); });
after(async () => { await browser?.close(); await server?.stop(); });

const list = (page) => page.locator('tally-ballot ul.long');
const counts = (page) => page.evaluate(() => ({
  elements: document.querySelectorAll('*').length,
  ballot: document.querySelectorAll('tally-ballot ul.long > li').length, ranking: document.querySelectorAll('tally-ranking ol.long > li').length,
}));
const bounded = async (page, state) => {
  const found = await counts(page);
  assert.ok(found.elements <= ELEMENTS_MAX && found.ballot <= ROWS_MAX && found.ranking <= ROWS_MAX, `${state}: ${JSON.stringify(found)}`);
  return found;
};

async function open(id, poll, options) {
  await server.putPoll(id, { ...poll, options: TITLES });
  const seen = await visitor(browser, server, options);
  await seen.page.goto(`${server.url}/#/poll/${id}`);
  await list(seen.page).waitFor();
  return seen;
}

// Scrolls through the whole page; how long frames took, and where a part of the window in a list was empty.
const scrollThrough = (page) => page.evaluate(async () => {
  const frames = [];
  const gaps = [];
  const step = innerHeight * 0.7;
  let last = performance.now();
  for (let y = 0; y < document.documentElement.scrollHeight; y += step) {
    scrollTo(0, y);
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    frames.push((performance.now() - last) / 2);
    last = performance.now();
    for (const long of document.querySelectorAll('.long')) {
      const box = long.getBoundingClientRect();
      for (const at of [0.1, 0.5, 0.9]) {
        const line = innerHeight * at;
        if (line < box.top + 80 || line > box.bottom - 80) continue;
        const there = [...long.children].some((row) => { const own = row.getBoundingClientRect(); return own.top - 12 <= line && line <= own.bottom + 12; });
        if (!there) gaps.push(`${Math.round(y)}+${Math.round(line)}`);
      }
    }
  }
  return { frames: frames.sort((a, b) => a - b), gaps, steps: frames.length };
});

for (const [name, options] of [['desktop', {}], ['phone', { viewport: { width: 320, height: 640 }, reducedMotion: 'reduce' }]]) {
  test(`painted soon, scrolled without gaps, never many elements: ${name}`, async () => {
    const id = `scroll-${name}`;
    await server.putPoll(id, { ballot: { type: 'choose', min: 1, max: 3 }, options: TITLES });
    for (let i = 0; i < 40; i += 1) await server.vote(id, `v${i}`, { choices: [`o${(i * i) % 30}`] });
    const seen = await visitor(browser, server, options);
    const { page } = seen;
    await page.addInitScript(() => {
      window.shift = 0;
      new PerformanceObserver((entries) => { for (const entry of entries.getEntries()) if (!entry.hadRecentInput) window.shift += entry.value; }).observe({ type: 'layout-shift', buffered: true });
    });
    const begin = Date.now();
    await page.goto(`${server.url}/#/poll/${id}`);
    await list(page).waitFor();
    const form = Date.now() - begin;
    await page.locator('tally-ranking ol.long li').first().waitFor({ state: 'attached' });
    const paint = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0].startTime);
    const first = await bounded(page, 'first');
    const shift = await page.evaluate(() => window.shift);
    const { frames, gaps, steps } = await scrollThrough(page);
    const late = frames[Math.floor(frames.length * 0.95)];
    const last = await bounded(page, 'scrolled');
    console.log(`${OPTIONS} options, ${name}: form ${form} ms, first paint ${Math.round(paint)} ms, ${first.elements} elements, after scrolling ${last.elements}; ${steps} steps, frame p95 ${late.toFixed(1)} ms; layout shift ${shift.toFixed(3)}`);
    assert.deepEqual(gaps, []);
    assert.ok(steps > 50, `${steps} steps: not as long as ${OPTIONS} rows`);
    assert.ok(form <= FORM_MS_MAX && paint <= PAINT_MS_MAX, `${form} ${paint}`);
    assert.ok(late <= FRAME_MS_P95_MAX, `frame p95 ${late} ms`);
    assert.ok(shift < 0.01, `layout shift ${shift}`);
    await page.evaluate(() => scrollTo(0, 0));
    await check(page, `${OPTIONS} options, ${name}`);
    await done(seen);
  });
}

// After a scroll no event says that the list is as it will stay; frames are measured where they count, here
// it may take ten of them.
const drawnAgain = (page) => page.waitForTimeout(200);

test('every row says which of how many it is; Tab goes on in order, from both ends, and the document stays small', async () => {
  const seen = await open('tab', { ballot: { type: 'choose', min: 1, max: 3 } });
  const { page } = seen;
  const at = () => page.evaluate(() => {
    const row = document.activeElement.closest('.long > li');
    const box = row?.getBoundingClientRect();
    return row ? { at: Number(row.getAttribute('aria-posinset')), of: Number(row.getAttribute('aria-setsize')), inSight: box.bottom > 0 && box.top < innerHeight } : null;
  });
  await page.getByLabel('Search ideas').focus();
  for (let i = 1; i <= 60; i += 1) {
    await page.keyboard.press('Tab');
    assert.deepEqual(await at(), { at: i, of: OPTIONS, inSight: true });
  }
  await bounded(page, 'after 60 Tabs');
  await page.keyboard.press('Space');
  for (let i = 59; i >= 40; i -= 1) {
    await page.keyboard.press('Shift+Tab');
    assert.equal((await at()).at, i);
  }
  // From behind the list to its last row, and to the one before it.
  await page.locator('tally-ballot button[type=submit]').focus();
  for (const last of [2000, 1999, 1998]) {
    await page.keyboard.press('Shift+Tab');
    assert.equal((await at()).at, last);
  }
  // What the mouse scrolls away keeps the focus.
  await page.evaluate(() => scrollTo(0, 0));
  await drawnAgain(page);
  assert.equal((await at()).at, 1998);
  await bounded(page, 'focus out of sight');
  await page.keyboard.press('Shift+Tab');
  assert.equal((await at()).at, 1997);
  // Chosen long ago and out of the document by now.
  await page.getByText('Choose up to 3. Chosen: 1.').waitFor();
  await page.locator('tally-ballot button[type=submit]').click();
  await page.locator('code.receipt').waitFor();
  assert.equal((await server.ranking('tab')).totals.ballots, 1);
  await done(seen);
});

test('one of two thousand: radio buttons exclude each other across the list, arrows go on', async () => {
  const seen = await open('radio', { ballot: { type: 'choose', min: 1, max: 1 } });
  const { page } = seen;
  const rows = () => page.locator('tally-ballot .long > li');
  const first = await rows().first().getAttribute('data-id');
  await rows().first().locator('input').check();
  await page.evaluate(() => scrollTo(0, 20000));
  await drawnAgain(page);
  const input = page.locator('tally-ballot .long > li').nth(10).locator('input');
  const second = await input.inputValue();
  await input.check();
  await page.keyboard.press('ArrowDown');
  const third = await page.evaluate(() => document.activeElement.value);
  assert.notEqual(third, second);
  await page.evaluate(() => scrollTo(0, 0));
  await drawnAgain(page);
  assert.equal(await page.locator(`tally-ballot [data-id=${first}] input`).isChecked(), false);
  assert.equal(await page.locator('tally-ballot input:checked').count(), 1);
  await page.locator('tally-ballot button[type=submit]').click();
  await page.locator('code.receipt').waitFor();
  assert.equal((await server.ranking('radio')).options[third].score, 1);
  await done(seen);
});

for (const [type, ballot, mark, body] of [
  ['points', { type: 'points', total: 5, max_per_option: 3 }, (row) => row.locator('input').fill('2'), { score: 2 }],
  ['updown', { type: 'updown' }, (row) => row.getByLabel('against').check(), { score: -1 }],
  ['rank', { type: 'rank', max: 3, scoring: 'borda' }, (row) => row.locator('button').click(), { score: 3 }],
]) {
  test(`searched, marked, scrolled away and still voted for: ${type}`, async () => {
    const seen = await open(`long-${type}`, { ballot });
    const { page } = seen;
    const search = page.getByLabel('Search ideas');
    await search.fill('number 1234');
    await page.getByText('1 idea', { exact: true }).waitFor();
    await mark(page.locator('tally-ballot .option[data-id=o1234]'));
    await search.fill('');
    await page.getByText('2,000 ideas').or(page.getByText('1,999 ideas')).waitFor();
    await page.evaluate(() => scrollTo(0, 60000));
    await drawnAgain(page);
    await bounded(page, type);
    await page.evaluate(() => scrollTo(0, 0));
    await check(page, `long ${type}`);
    await page.locator('tally-ballot button[type=submit]').click();
    await page.locator('code.receipt').waitFor();
    assert.equal((await server.ranking(`long-${type}`)).options.o1234.score, body.score);
    await done(seen);
  });
}

test('the order is the visitor\'s own until the vote is in, then that of the poll', async () => {
  const orders = [];
  for (let i = 0; i < 2; i += 1) {
    const poll = { ballot: { type: 'choose', min: 1, max: 3 }, revote: 'replace' };
    if (i === 0) await server.putPoll('order', { ...poll, options: TITLES });
    const { page, context } = await visitor(browser, server);
    await page.goto(`${server.url}/#/poll/order`);
    await list(page).waitFor();
    const order = () => page.locator('tally-ballot .long > li').evaluateAll((rows) => rows.slice(0, 15).map((row) => row.dataset.id).join());
    orders.push(await order());
    await page.reload();
    await list(page).waitFor();
    assert.equal(await order(), orders[i]);
    await page.locator('tally-ballot .long input').nth(3).check();
    // By key: on a slow machine rows that come into the window are measured, and move the button, between a look at it and the click.
    await page.locator('tally-ballot button[type=submit]').press('Enter');
    await page.locator('code.receipt').waitFor();
    await page.getByRole('button', { name: 'Change my vote' }).click();
    await list(page).waitFor();
    assert.match(await order(), /^o0,o1,o2,/);
    await context.close();
  }
  assert.notEqual(orders[0], orders[1]);
});

test('the ranking of two thousand follows the votes where one looks', async () => {
  const seen = await open('ranking', { ballot: { type: 'choose', min: 1, max: 3 } });
  const { page } = seen;
  await page.locator('tally-ranking').scrollIntoViewIfNeeded();
  await server.vote('ranking', 'a', { choices: ['o1999'] });
  await page.locator('tally-ranking li[data-id=o1999] .figure', { hasText: /^1$/ }).waitFor();
  assert.equal(await page.locator('tally-ranking li[data-id=o1999]').getAttribute('aria-posinset'), '1');
  await bounded(page, 'ranking');
  // Far down, the rows there are those of the server.
  await page.evaluate(() => { const box = document.querySelector('tally-ranking ol').getBoundingClientRect(); scrollTo(0, scrollY + box.top + box.height / 2); });
  await drawnAgain(page);
  await server.vote('ranking', 'b', { choices: ['o5'] });
  await page.locator(`tally-ranking[data-version="${(await server.ranking('ranking')).version}"]`).waitFor();
  const rows = await page.locator('tally-ranking ol.long > li').evaluateAll((all) => all.map((row) => [row.dataset.id, Number(row.getAttribute('aria-posinset'))]));
  const { options } = await server.ranking('ranking');
  const wanted = Object.entries(options).map(([id, row]) => [id, row.rank]).sort((a, b) => a[1] - b[1] || (a[0] < b[0] ? -1 : 1)).map(([id]) => id);
  for (const [id, at] of rows) assert.equal(wanted[at - 1], id);
  assert.ok(rows.some(([, at]) => at > 900 && at < 1100), 'no row of the middle');
  await bounded(page, 'ranking far down');
  // One idea of all of them is found, at the rank that it has, also while votes come in.
  await page.getByLabel('Search the ranking').fill('number 1999');
  await page.getByText('1 idea', { exact: true }).waitFor();
  assert.match(await page.locator('tally-ranking ol li').innerText(), /Idea number 1999\s+1[^]*Rank 1/);
  await server.vote('ranking', 'c', { choices: ['o5'] });
  await page.locator('tally-ranking ol li', { hasText: 'Rank 2' }).waitFor();
  assert.equal(await page.locator('tally-ranking ol li').count(), 1);
  await check(page, 'ranking searched');
  await page.getByLabel('Search the ranking').fill('');
  await page.locator('tally-ranking ol.long').waitFor();
  assert.match(await page.locator('tally-ranking ol li').first().innerText(), /Idea number 5\s+2/);
  await done(seen);
});
