// How the counts grew: a drawing and the same figures as a table, at the town hall, where the history
// of a poll may be read.

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
