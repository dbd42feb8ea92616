// How the counts grew: a drawing and the same figures as a table. At the town hall from the history
// of a poll; for citizens, who have no history to ask for, from what their page has seen.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { check } from './checks.mjs';
import { IDEAS, POLLS, Server, launch, tabTo, visitor } from './stage.mjs';

let server;
let browser;
before(async () => { server = await Server.start(); browser = await launch(); });
after(async () => { await browser?.close(); await server?.stop(); });

const desk = async (poll, options) => {
  const seen = await visitor(browser, server, options);
  await seen.page.goto(`${server.adminUrl}/#/paper/${poll}`);
  await seen.page.locator('#curve').waitFor();
  return seen;
};
const figures = (page) => page.locator('.curve-table tbody tr').evaluateAll((rows) => rows.map((row) => [...row.querySelectorAll('td')].map((cell) => Number(cell.textContent))));

for (const colorScheme of ['light', 'dark']) {
  test(`the curve and its table say the same, by keyboard, ${colorScheme}`, async () => {
    const id = `grown-${colorScheme}`;
    await server.putPoll(id, { ...POLLS.one, options: [...IDEAS, ...Array.from({ length: 5 }, (_, i) => ({ id: `z${i}`, title: { en: `Z ${i}` } }))] });
    const rounds = [['run', 'run'], ['cinema', 'cinema', 'cinema'], ['run', 'market']];
    let voter = 0;
    for (const round of rounds) {
      for (const choice of round) await server.vote(id, `v${voter += 1}`, { choices: [choice] });
      await sleep(1100);
    }
    const seen = await desk(id, { colorScheme, viewport: { width: 320, height: 640 } });
    const { page } = seen;
    const loaded = [];
    page.on('request', (request) => loaded.push(new URL(request.url()).pathname));
    assert.ok(!(await page.evaluate(() => performance.getEntriesByType('resource').map(({ name }) => name))).some((name) => name.endsWith('/curve.js')), 'loaded before it was wanted');
    await tabTo(page, 'Curve');
    await page.keyboard.press('Enter');
    await page.locator('#curve svg[role=img]').waitFor();
    assert.ok(loaded.some((path) => path.endsWith('/curve.js')));
    assert.match(await page.locator('#curve svg[role=img]').getAttribute('aria-label'), /At the end: Idea cinema 3, Idea run 3, Idea market 1/);
    await page.getByText('Curve of the leading 5 of 8').first().waitFor();
    await tabTo(page, 'Curve as a table');
    await page.keyboard.press('Enter');
    // Ballots, cinema, run, market and two without a vote: as they were voted for, second by second.
    const rows = await figures(page);
    assert.deepEqual(rows.at(-1), [7, 3, 3, 1, 0, 0]);
    assert.ok(rows.length >= rounds.length, `${rows.length} steps`);
    for (const [at, row] of rows.entries()) if (at > 0) for (const [column, value] of row.entries()) assert.ok(value >= rows[at - 1][column], 'counts backwards');
    // The drawing ends where the table does: the two leaders at one height, above the third.
    const ends = await page.locator('#curve > div > svg .line').evaluateAll((lines) => Object.fromEntries(lines.map((line) => [line.dataset.id, line.getPointAtLength(line.getTotalLength()).y])));
    assert.ok(ends.cinema === ends.run && ends.run < ends.market && ends.market < ends.z0, JSON.stringify(ends));
    await check(page, `curve, ${colorScheme}`);
    // Drawn anew when it is opened again.
    await server.vote(id, 'late', { choices: ['market'] });
    await page.locator('#curve > summary').click();
    await page.locator('#curve > summary').click();
    await page.locator('#curve svg[aria-label*="market 2"]').waitFor();
    assert.deepEqual(seen.faults, []);
    await seen.context.close();
  });
}

test('of a survey each question has its curve; before the first vote there is none; hidden figures stay hidden', async () => {
  await server.putPoll('survey', { ...POLLS.survey });
  await server.vote('survey', 'v', { answers: { where: { choices: ['run'] }, how: { points: { market: 3 } } } });
  const seen = await desk('survey', { locale: 'de-DE' });
  const { page } = seen;
  await page.locator('#curve > summary').click();
  await page.locator('#curve svg[role=img]').nth(1).waitFor();
  assert.match(await page.locator('#curve svg[role=img]').nth(1).getAttribute('aria-label'), /Am Ende: Idee market 3/);
  await check(page, 'curve of a survey');
  await server.putPoll('fresh', POLLS.one);
  await page.goto(`${server.adminUrl}/#/paper/fresh`);
  await page.locator('#curve > summary').click();
  await page.getByText('Es ist noch nichts gezählt.').waitFor();
  await server.putPoll('sealed', { ...POLLS.one, visibility: 'sealed', visible_from: 'final' });
  await server.vote('sealed', 'v', { choices: ['run'] });
  await page.goto(`${server.adminUrl}/#/paper/sealed`);
  await page.locator('#curve > summary').click();
  await page.getByText('Der Verlauf ist verdeckt').waitFor();
  assert.equal(await page.locator('#curve svg').count(), 0);
  await check(page, 'curve of a sealed poll');
  assert.deepEqual(seen.faults, []);
  await seen.context.close();
});

// The citizens' page: what it has seen itself.

const SUMMARY = 'Curve since you opened this page';
const citizen = async (poll, options) => {
  const seen = await visitor(browser, server, options);
  seen.requests = [];
  seen.page.on('request', (request) => seen.requests.push(new URL(request.url()).pathname));
  await seen.page.goto(`${server.url}/#/poll/${poll}`);
  await seen.page.locator('tally-ranking[data-version]').waitFor();
  return seen;
};
const cells = (page) => page.locator('.curve-table tbody tr').evaluateAll((rows) => rows.map((row) => [...row.querySelectorAll('td')].map((cell) => cell.textContent)));
const label = (page, text) => page.locator(`#curve svg[aria-label*="${text}"]`).waitFor();

for (const colorScheme of ['light', 'dark']) {
  test(`citizens see how the counts grew since they came, by keyboard, ${colorScheme}`, async () => {
    const id = `seen-${colorScheme}`;
    await server.putPoll(id, { ...POLLS.one, options: [...IDEAS, ...Array.from({ length: 5 }, (_, i) => ({ id: `z${i}`, title: { en: `Z ${i}` } }))] });
    await server.vote(id, 'before', { choices: ['run'] });
    const seen = await citizen(id, { colorScheme, viewport: { width: 320, height: 640 } });
    const { page, requests } = seen;
    await page.evaluate(() => {
      window.said = [];
      new MutationObserver(() => window.said.push(document.getElementById('announcer').textContent)).observe(document.getElementById('announcer'), { childList: true, characterData: true, subtree: true });
    });
    await sleep(1100);
    await server.vote(id, 'a', { choices: ['market'] });
    await page.getByText('2 ballots').waitFor();
    assert.ok(!requests.some((path) => path.endsWith('/curve.js')), 'loaded before it was wanted');
    await tabTo(page, SUMMARY);
    await page.keyboard.press('Enter');
    await label(page, 'Idea market 1, Idea run 1');
    assert.ok(requests.some((path) => path.endsWith('/curve.js')));
    await page.getByText('What this page has seen since you opened it').waitFor();
    await page.getByText('Curve of the leading 5 of 8').first().waitFor();
    await tabTo(page, 'Curve as a table');
    await page.keyboard.press('Enter');
    const first = await page.locator('.curve-table tbody tr').first().elementHandle();
    await sleep(1100);
    for (const voter of ['b', 'c']) await server.vote(id, voter, { choices: ['market'] });
    await label(page, 'Idea market 3, Idea run 1');
    // Where one reads nothing moves, and nothing is said of it.
    assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Curve as a table');
    assert.ok(await first.evaluate((row) => row.isConnected && row === document.querySelector('.curve-table tbody tr')));
    assert.equal(await page.locator('#curve').locator('[role=status], [role=alert], [aria-live]').count(), 0);
    assert.deepEqual((await page.evaluate(() => window.said)).filter((text) => !text.startsWith('In the lead')), []);
    const rows = await figures(page);
    const columns = await page.locator('.curve-table thead th').allTextContents();
    assert.deepEqual(columns.slice(0, 2), ['As of', 'Ballots']);
    const column = (title) => columns.indexOf(title) - 1;
    const ballots = rows.map((row) => row[0]);
    assert.deepEqual([...new Set(ballots)].filter((n) => [1, 2, 4].includes(n)), [1, 2, 4]);
    assert.deepEqual([rows[0][column('Idea run')], rows[0][column('Idea market')]], [1, 0]);
    assert.deepEqual([rows.at(-1)[column('Idea run')], rows.at(-1)[column('Idea market')]], [1, 3]);
    const ends = await page.locator('#curve > div > svg .line').evaluateAll((lines) => Object.fromEntries(lines.map((line) => [line.dataset.id, line.getPointAtLength(line.getTotalLength()).y])));
    assert.ok(ends.market < ends.run && ends.run < ends.z0, JSON.stringify(ends));
    assert.equal(await page.locator('#curve .gap').count(), 0);
    await check(page, `the citizens' curve, ${colorScheme}`);
    assert.deepEqual(requests.filter((path) => /history|export/.test(path)), []);
    assert.deepEqual(seen.faults, []);
    await seen.context.close();
  });
}

test('stopping the ranking stops its curve, another language keeps it', async () => {
  await server.putPoll('stopped', POLLS.one);
  await server.vote('stopped', 'a', { choices: ['run'] });
  const seen = await citizen('stopped');
  const { page } = seen;
  await page.locator('#curve > summary').click();
  await label(page, 'Idea run 1');
  await page.getByRole('button', { name: 'Pause' }).click();
  await server.vote('stopped', 'b', { choices: ['run'] });
  await sleep(3000);
  await label(page, 'Idea run 1');
  await page.locator('#curve > summary').click();
  await page.locator('#curve > summary').click();
  await sleep(500);
  await label(page, 'Idea run 1');
  await page.getByRole('button', { name: 'Pause' }).click();
  await label(page, 'Idea run 2');
  await page.locator('#curve summary', { hasText: 'Curve as a table' }).click();
  // What came meanwhile was seen.
  const before = await cells(page);
  assert.ok(before.length >= 2 && before[0][0] === '1' && before.at(-1)[0] === '2', JSON.stringify(before));
  await page.getByRole('button', { name: 'Deutsch' }).click();
  await page.locator('#curve > summary', { hasText: 'Verlauf, seit Sie diese Seite geöffnet haben' }).click();
  await page.getByText('Was diese Seite gesehen hat, seit Sie sie geöffnet haben').waitFor();
  await page.locator('#curve summary', { hasText: 'Verlauf als Tabelle' }).click();
  assert.equal((await cells(page))[0][0], '1');
  assert.deepEqual(seen.faults, []);
  await seen.context.close();
});

test('a server that was away leaves a gap, not a line', async () => {
  await server.putPoll('away', POLLS.one);
  await server.vote('away', 'a', { choices: ['run'] });
  const seen = await citizen('away', { viewport: { width: 320, height: 640 } });
  const { page } = seen;
  await page.locator('#curve > summary').click();
  await label(page, 'Idea run 1');
  await server.kill();
  await sleep(6500);
  await page.locator('#curve .gap').waitFor(); // also while it is away
  await server.run();
  await server.vote('away', 'b', { choices: ['run'] });
  await label(page, 'Idea run 2');
  await page.getByText('Grey: at that time the page saw nothing').waitFor();
  assert.equal(await page.locator('#curve .gap').count(), 1);
  const [way, gap] = await page.evaluate(() => [document.querySelector('#curve .line[data-id=run]').getAttribute('d'), (({ x, width }) => ({ x, width }))(document.querySelector('#curve .gap').getBBox())]);
  const pieces = way.split('M').slice(1).map((piece) => [...piece.matchAll(/(?:^|H)([\d.]+)/g)].map(([, x]) => Number(x)));
  assert.equal(pieces.length, 2, way);
  assert.ok(Math.max(...pieces[0]) <= gap.x + 0.2 && pieces[1][0] >= gap.x + gap.width - 0.2 && gap.width > 20, `${way} ${gap.x} ${gap.width}`);
  await page.locator('#curve summary', { hasText: 'Curve as a table' }).click();
  assert.ok((await cells(page)).some((row) => row.length === 1 && /not seen from .* to /.test(row[0])));
  await check(page, 'a curve with a gap');
  await seen.context.close();
});

test('no curve of hidden figures: it begins when they are shown, suppressed ones are no zeros', async () => {
  await server.putPoll('shut', { ...POLLS.survey, visibility: 'sealed', visible_from: 'closed' });
  for (const voter of ['a', 'b']) await server.vote('shut', voter, { answers: { where: { choices: ['run'] }, how: { points: { market: 3 } } } });
  const sealed = await citizen('shut');
  await sealed.page.locator('tally-ranking .rule:visible').waitFor();
  assert.equal(await sealed.page.locator('#curve:visible').count(), 0);
  await server.vote('shut', 'c', { answers: { where: { choices: ['run'] }, how: { points: { market: 3 } } } });
  await server.admin('POST', '/v1/polls/shut/transitions', { to: 'closed' });
  await sealed.page.locator('#curve > summary').click();
  await sealed.page.locator('#curve svg[role=img]').nth(1).waitFor();
  assert.match(await sealed.page.locator('#curve svg[role=img]').nth(0).getAttribute('aria-label'), /At the end: Idea run 3/);
  assert.match(await sealed.page.locator('#curve svg[role=img]').nth(1).getAttribute('aria-label'), /At the end: Idea market 9/);
  await sealed.page.locator('#curve summary', { hasText: 'Curve as a table' }).first().click();
  assert.equal((await cells(sealed.page))[0][0], '3'); // nothing from before
  await check(sealed.page, "a survey's curve");
  assert.deepEqual(sealed.faults, []);
  await sealed.context.close();

  await server.putPoll('steps', { ...POLLS.one, visibility: 'coarse', coarse: { k: 10 } });
  await server.vote('steps', 'only', { choices: ['run'] });
  const coarse = await citizen('steps');
  const { page } = coarse;
  await page.locator('#curve > summary').click();
  await page.getByText('There is no figure to show yet.').waitFor();
  for (let i = 0; i < 60; i += 1) await server.vote('steps', `v${i}`, { choices: [IDEAS[i % 3].id] });
  await page.locator('#curve svg[role=img]').waitFor();
  await page.locator('#curve summary', { hasText: 'Curve as a table' }).click();
  const rows = await cells(page);
  assert.deepEqual(rows[0].slice(1), ['–', '–', '–']);
  assert.ok(rows.every((row) => row.slice(1).every((text) => text === '–' || Number(text) >= 10)), JSON.stringify(rows));
  const begins = await page.locator('#curve > div > svg .line').evaluateAll((lines) => lines.map((line) => Number(/^M([\d.]+)/.exec(line.getAttribute('d'))[1])));
  assert.ok(begins.every((x) => x > 60), `${begins}`); // not from the left edge
  await page.getByText('the table has a dash').waitFor();
  assert.deepEqual(coarse.faults, []);
  await coarse.context.close();
});

test('an hour of 500 versions a second for 2,000 ideas is two hundred points of the leading forty', async () => {
  await server.putPoll('bounds', POLLS.one);
  const { page, context } = await citizen('bounds');
  const found = await page.evaluate(async () => {
    const { Seen } = await import(document.querySelector('link[href$="/seen.js"]').href);
    const seen = new Seen([{ id: '' }], 0);
    const options = Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`o${i}`, { score: i }]));
    let points = 0;
    const begin = performance.now();
    let longest = 0;
    let count = 0;
    for (let now = 0; now < 3600000; now += 2) {
      count += 1;
      options.o7.score = count;
      const before = performance.now();
      seen.take({ options, totals: { ballots: count } }, now);
      longest = Math.max(longest, performance.now() - before);
      points = Math.max(points, seen.points.length);
    }
    const took = performance.now() - begin;
    const all = seen.upTo(3600000);
    const apart = all.map(({ at }, index) => (index === 0 ? 0 : at - all[index - 1].at));
    const held = seen.points.filter(({ ranking }) => ranking).length;
    return { count, took, longest, points, held, from: all[0].at.getTime(), first: all[0].figures.ballots, newest: all.at(-1).figures.ballots, leader: all.at(-1).figures.scores.get('').get('o7'), scores: Math.max(...all.map(({ figures }) => figures.scores.get('').size)), apart: Math.max(...apart) };
  });
  console.log(`${found.count} versions in ${Math.round(found.took)} ms, the longest ${found.longest.toFixed(1)} ms; ${found.points} points, at most ${found.apart / 1000} s apart`);
  assert.ok(found.points <= 201 && found.points >= 100 && found.held <= 1 && found.scores === 40, JSON.stringify(found));
  assert.deepEqual([found.from, found.first, found.newest, found.leader], [0, 1, found.count, found.count]);
  assert.ok(found.apart <= 64000 && found.took / found.count < 0.1 && found.longest < 100, JSON.stringify(found));
  await context.close();
});

test('short breaks are no gaps, a page that slept has one, and gaps stay as the points get fewer', async () => {
  await server.putPoll('breaks', POLLS.one);
  const { page, context } = await citizen('breaks');
  const gaps = await page.evaluate(async () => {
    const { Seen } = await import(document.querySelector('link[href$="/seen.js"]').href);
    const ranking = (score) => ({ options: { run: { score } }, totals: { ballots: score } });
    const gapsOf = (seen, now) => seen.upTo(now).flatMap(({ gap }) => (gap ? [[gap.from, gap.to]] : []));
    const short = new Seen([{ id: '' }], 0);
    short.take(ranking(1), 0);
    short.lose(10000);
    short.back(14000);
    short.take(ranking(2), 14001);
    const slept = new Seen([{ id: '' }], 0);
    slept.take(ranking(1), 0);
    slept.take(ranking(2), 30000);
    slept.take(ranking(3), 400000);
    const nothing = new Seen([{ id: '' }], 0);
    nothing.take({ totals: { ballots: 1 } }, 0);
    nothing.lose(1000);
    nothing.back(60000);
    const many = new Seen([{ id: '' }], 0);
    let most = 0;
    for (let now = 0; now < 7200000; now += 1000) {
      if (now === 1800000) many.lose(now);
      if (now >= 1800000 && now < 1860000) { many.beat(now); continue; }
      many.take(ranking(now / 1000), now);
      most = Math.max(most, many.points.length);
    }
    const flapping = new Seen([{ id: '' }], 0);
    for (let now = 0; now < 7200000; now += 10000) { flapping.take(ranking(now / 1000), now); flapping.lose(now + 1000); }
    return { short: gapsOf(short, 20000), slept: gapsOf(slept, 400000), nothing: nothing.upTo(70000), many: gapsOf(many, 7200000), most, flapping: flapping.points.length };
  });
  assert.deepEqual(gaps.short, []);
  assert.deepEqual(gaps.slept, [[30000, 400000]]);
  assert.deepEqual(gaps.nothing, []);
  assert.deepEqual(gaps.many, [[1800000, 1860000]]);
  assert.ok(gaps.most <= 201 && gaps.flapping <= 201, JSON.stringify(gaps));
  await context.close();
});
