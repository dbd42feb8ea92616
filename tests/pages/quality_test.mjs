// What holds for every page: accessible, valid, small, still, and nothing from elsewhere.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { check, validator } from './checks.mjs';
import { auditStates, ideaStates, moderationStates, optionStates } from './idea_states.mjs';
import { IDEAS, POLLS, Server, launch, visitor } from './stage.mjs';

const FIRST_LOAD_BYTES_MAX = 60 * 1024;
// What Lighthouse calls good, on a machine that does other work too.
const PAINT_MS_MAX = 2500;
const BLOCKED_MS_MAX = 600;

let server;
let browser;
before(async () => {
  server = await Server.start();
  browser = await launch();
  for (const [id, poll] of Object.entries(POLLS)) await server.putPoll(id, poll);
  await server.putPoll('long', { ...POLLS.one, options: Array.from({ length: 60 }, (_, i) => ({ id: `o${i}`, title: { en: `Long list ${i}` } })) });
  // More than the visitors of the tests below, who choose whatever stands first for them.
  for (const voter of ['a', 'b', 'c']) await server.vote('one', voter, { choices: ['run'] });
});
after(async () => { await browser?.close(); await server?.stop(); });

// What a citizen may meet besides voting.
async function citizenStates(page, name) {
  const ballot = page.locator('tally-ballot');
  await server.putPoll(`states-${name}`, { ...POLLS.one, ballots_per_voter: 3, selection: { rule: 'top', count: 1 } });
  await page.goto(`${server.url}/#/poll/states-${name}`);
  await ballot.getByText('Ballot 1 of 3').waitFor();
  await check(page, 'several ballots and a cut line');
  await page.getByRole('button', { name: 'Pause' }).click();
  await check(page, 'ranking stopped');
  const refusals = [['No connection.', (route) => route.abort()],
    ['sent again by itself', (route) => route.fulfill({ status: 503, headers: { 'Retry-After': '60', 'Content-Type': 'application/problem+json' }, body: '{"code":"overloaded","status":503}' })]];
  for (const [text, answer] of refusals) {
    await page.route('**/votes', answer);
    await ballot.locator('input').first().check();
    await ballot.locator('button[type=submit]').click();
    await ballot.locator('.note', { hasText: text }).waitFor();
    await check(page, text);
    await page.getByRole('button', { name: 'Do not send' }).click();
    await page.unroute('**/votes');
  }
  for (const [to, text] of [['paused', 'The poll is paused.'], ['closed', 'The poll has ended.']]) {
    await server.admin('POST', `/v1/polls/states-${name}/transitions`, { to });
    await page.reload();
    await ballot.locator('.note', { hasText: text }).waitFor();
    await check(page, to);
  }
}

// Setting up a poll: everything unfolded, something missing, and each preview.
async function setUpStates(page) {
  await page.evaluate(() => { for (const part of document.querySelectorAll('details')) part.open = true; });
  await page.selectOption('#poll-visibility', 'coarse');
  await page.selectOption('#poll-rule', 'greedy-threshold');
  await check(page, 'setting up');
  await page.getByRole('button', { name: 'Preview' }).click();
  await check(page, 'something missing');
  await page.fill('#poll-de', 'Frage');
  await page.fill('#poll-project', 'town');
  await page.fill('#poll-ideas', 'A | A | 100\nB');
  for (const type of ['choose', 'points', 'rank', 'updown']) {
    await page.selectOption('#poll-type', type);
    await page.getByRole('button', { name: 'Preview' }).click();
    await check(page, `preview of ${type}`);
  }
  await page.selectOption('#poll-type', 'survey');
  await page.locator('fieldset.option').first().getByLabel('Ideas').fill('A\nB');
  await page.getByRole('button', { name: 'Preview' }).click();
  await check(page, 'preview of a survey');
}

// The paper desk from the list of boxes to an opening that was taken back.
async function deskStates(page, name) {
  const poll = `desk-${name}`;
  await server.putPoll(poll, { ...POLLS.points, boxes: [{ id: 'rathaus', place: 'Foyer' }] });
  await page.goto(`${server.adminUrl}/#/paper/${poll}`);
  await page.locator('#boxes').waitFor();
  await page.fill('#actor', 'a.beispiel');
  await check(page, 'boxes');
  await page.getByRole('button', { name: 'Enter an opening' }).click();
  await page.getByText('Card by card').click();
  await page.fill('#card', '1:2 3:3');
  await page.press('#card', 'Enter');
  await check(page, 'first entry');
  await page.fill('[data-cell=invalid]', '7');
  await page.getByRole('button', { name: 'Save the entry' }).click();
  await page.getByText('does not add up').first().waitFor();
  await check(page, 'sums differ');
  await page.fill('[data-cell=invalid]', '');
  await page.route('**/paper-batches/*', (route) => route.abort());
  await page.getByRole('button', { name: 'Save the entry' }).click();
  await page.getByText('The server cannot be reached.').first().waitFor();
  await check(page, 'server away');
  await page.unroute('**/paper-batches/*');
  await page.getByRole('button', { name: 'Send now' }).click();
  await page.getByText('Saved: rathaus-1').first().waitFor();
  await check(page, 'entered');
  await page.fill('#actor', 'b.zwei');
  await check(page, 'entered, for the second person');
  await page.getByRole('link', { name: 'Begin the second entry' }).click();
  await page.fill('[data-cell=cards]', '2');
  await page.getByRole('button', { name: 'Compare and confirm' }).click();
  await page.locator('.differences').waitFor();
  await check(page, 'entries differ');
  await page.goto(`${server.adminUrl}/#/paper/${poll}/rathaus-1`);
  await page.fill('#reason', 'wrong box');
  await page.getByRole('button', { name: 'Take back', exact: true }).click();
  await check(page, 'asked back');
  await page.getByRole('button', { name: 'Really take back' }).click();
  await page.getByText('is taken back').first().waitFor();
  await check(page, 'taken back');
  await page.getByRole('link', { name: 'To the boxes' }).click();
  await page.locator('#drafts').waitFor();
  await check(page, 'boxes with an opening and a draft');
  await page.goto(`${server.adminUrl}/#/paper/nowhere`);
  await page.getByText('That did not work').first().waitFor();
  await check(page, 'no such poll at the desk');
}

for (const colorScheme of ['light', 'dark']) {
  test(`every page and state is accessible and valid at 320 px, ${colorScheme}`, async () => {
    const { page, context, faults } = await visitor(browser, server, { colorScheme, reducedMotion: 'reduce', viewport: { width: 320, height: 640 } });
    await page.goto(server.url);
    await page.locator('.polls a').first().waitFor();
    await check(page, 'polls');
    for (const id of Object.keys(POLLS)) {
      await page.goto(`${server.url}/#/poll/${id}`);
      await page.locator('tally-ballot form').waitFor();
      await page.locator('tally-ranking .figure').first().waitFor();
      await check(page, id);
    }
    await page.getByRole('button', { name: 'Vote' }).click();
    await page.locator('tally-ballot .note').waitFor();
    await check(page, 'refused in the page');
    await page.goto(`${server.url}/#/poll/one`);
    await page.locator('tally-ballot input').first().check();
    await page.getByRole('button', { name: 'Vote' }).click();
    await page.locator('code.receipt').waitFor();
    await check(page, 'voted');
    await page.goto(`${server.url}/#/receipt/nonsense`);
    await page.locator('main > .note').waitFor();
    await check(page, 'receipt unknown');
    await page.goto(`${server.url}/#/poll/nowhere`);
    await page.locator('main > .note').waitFor();
    await check(page, 'no such poll');
    await citizenStates(page, colorScheme);
    await page.goto(server.adminUrl);
    await page.locator('#polls li').first().waitFor();
    await check(page, 'town hall');
    await setUpStates(page);
    await deskStates(page, colorScheme);
    await server.putPoll(`ideas-${colorScheme}`, { ...POLLS.one, project: colorScheme });
    await ideaStates(page, server, check, colorScheme);
    await moderationStates(page, server, check, colorScheme);
    await optionStates(page, server, check, `ideas-${colorScheme}`);
    await auditStates(page, server, check, `ideas-${colorScheme}`);
    assert.deepEqual(faults, []);
    await context.close();
  });
}

test('the ranking can be read without JavaScript', async () => {
  const { page, context } = await visitor(browser, server, { javaScriptEnabled: false, locale: 'de-DE', viewport: { width: 320, height: 640 } });
  await page.goto(server.url);
  await page.getByRole('link', { name: 'Die Ranglisten als Tabellen' }).click();
  await page.getByRole('link', { name: 'Titel one' }).click();
  assert.equal(await page.locator('tbody tr').count(), IDEAS.length);
  assert.match(await page.locator('tbody tr').first().innerText(), /Idee run/);
  const report = await validator.validateString(await (await fetch(`${server.url}/table/one`)).text());
  assert.deepEqual(report.results.flatMap((r) => r.messages.map((m) => m.message)), []);
  await context.close();
});

test('the first load is small, still and from this server only', async () => {
  const { page, context, faults } = await visitor(browser, server);
  let bytes = 0;
  const session = await context.newCDPSession(page);
  await session.send('Network.enable');
  session.on('Network.loadingFinished', (event) => { bytes += event.encodedDataLength; });
  await page.addInitScript(() => {
    window.largest = 0;
    new PerformanceObserver((list) => { window.largest = list.getEntries().at(-1).startTime; }).observe({ type: 'largest-contentful-paint', buffered: true });
    window.blocked = 0;
    new PerformanceObserver((list) => { for (const entry of list.getEntries()) window.blocked += Math.max(0, entry.duration - 50); }).observe({ type: 'longtask', buffered: true });
    window.shift = 0;
    window.moved = [];
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        window.shift += entry.value;
        window.moved.push(...entry.sources.map((source) => `${source.node?.nodeName}.${source.node?.className}`));
      }
    }).observe({ type: 'layout-shift', buffered: true });
  });
  await page.goto(`${server.url}/#/poll/many`);
  await page.locator('tally-ballot form').waitFor();
  await page.locator('tally-ranking .figure').first().waitFor();
  await page.waitForTimeout(500); // a late shift would come now
  const paint = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime);
  const [largest, blocked, shift] = await page.evaluate(() => [window.largest, window.blocked, window.shift]);
  console.log(`first load ${bytes} bytes, first contentful paint ${Math.round(paint)} ms, largest ${Math.round(largest)} ms, blocked ${Math.round(blocked)} ms, layout shift ${shift}`);
  assert.ok(paint <= PAINT_MS_MAX && largest <= PAINT_MS_MAX && blocked <= BLOCKED_MS_MAX, `${paint} ${largest} ${blocked}`);
  assert.ok(bytes > 0 && bytes <= FIRST_LOAD_BYTES_MAX, `${bytes} bytes`);
  assert.deepEqual(await page.evaluate(() => [window.shift, window.moved]), [0, []]);
  assert.deepEqual(faults, []);
  await context.close();
});

test('a long list is searched, and stays in another order for another visitor', async () => {
  const orders = [];
  for (let i = 0; i < 2; i += 1) {
    const { page, context } = await visitor(browser, server);
    await page.goto(`${server.url}/#/poll/long`);
    const items = page.locator('tally-ballot .option');
    await items.first().waitFor();
    const order = () => items.evaluateAll((all) => all.map((item) => item.dataset.id).join());
    orders.push(await order());
    await page.reload();
    await items.first().waitFor();
    assert.equal(await order(), orders[i]);
    await page.getByLabel('Search ideas').fill('list 59');
    assert.equal(await page.locator('tally-ballot .option:visible').count(), 1);
    await context.close();
  }
  assert.notEqual(orders[0], orders[1]);
});

test('assets are kept for ever, pages are asked for anew, and both are locked down', async () => {
  const first = await fetch(server.url, { headers: { 'Accept-Encoding': 'identity' } });
  const html = await first.text();
  assert.equal(first.headers.get('cache-control'), 'no-cache');
  assert.match(first.headers.get('content-security-policy'), /default-src 'none'; script-src 'self'/);
  assert.equal(first.headers.get('x-content-type-options'), 'nosniff');
  const again = await fetch(server.url, { headers: { 'Accept-Encoding': 'identity', 'If-None-Match': first.headers.get('etag') } });
  assert.equal(again.status, 304);
  const address = /src="([^"]+citizens\.js)"/.exec(html)[1];
  const asset = await fetch(server.url + address);
  assert.equal(asset.headers.get('cache-control'), 'public, max-age=31536000, immutable');
  assert.equal(asset.headers.get('content-encoding'), 'gzip');
  assert.equal(asset.headers.get('content-type'), 'text/javascript; charset=utf-8');
  assert.match(await asset.text(), /customElements|import/);
  assert.equal((await fetch(server.url + address.replace(/assets\/\w+/, 'assets/0000'))).status, 404);
  assert.equal((await fetch(server.url + address.replace('citizens.js', 'town_hall.html'))).status, 404);
});

test('every text is there in German and English', async () => {
  const { page, context } = await visitor(browser, server);
  await page.goto(server.url);
  const words = () => page.evaluate(async () => {
    const { dictionaries } = await import(document.querySelector('link[href$="/texts.js"]').href);
    return [Object.keys(dictionaries.de).sort(), Object.keys(dictionaries.en).sort()];
  });
  await page.goto(`${server.url}/#/ideas/town`);
  await page.locator('#idea-title').waitFor();
  const citizens = await words();
  assert.deepEqual(...citizens);
  await page.goto(server.adminUrl);
  await page.locator('#polls').waitFor();
  const hall = await words();
  assert.deepEqual(...hall);
  assert.ok(hall[0].length > citizens[0].length);
  await context.close();
});

test('the town hall sets up a poll with a preview and opens it', async () => {
  const { page, context, faults } = await visitor(browser, server);
  await page.goto(server.adminUrl);
  await page.fill('#poll-id', 'fresh');
  await page.fill('#poll-project', 'town');
  await page.fill('#poll-de', 'Neue Frage');
  await page.fill('#poll-ideas', 'Größere Bühne\nGrößere Bühne\nMarkt');
  await page.getByRole('button', { name: 'Preview' }).click();
  await page.getByRole('button', { name: 'Create as draft' }).click();
  await page.getByText('every act is recorded').first().waitFor();
  await page.fill('#actor', 'm.muster');
  await page.getByRole('button', { name: 'Create as draft' }).click();
  await page.getByText('Created as draft: Neue Frage').first().waitFor();
  const item = page.locator('#polls li', { hasText: 'fresh' });
  await item.getByRole('button', { name: 'Open' }).click();
  await item.getByRole('button', { name: 'Really: Open' }).click();
  await page.getByText('Neue Frage: open').first().waitFor();
  const poll = await (await fetch(`${server.url}/v1/polls/fresh`)).json();
  assert.deepEqual([poll.state, poll.options.map((o) => o.id)], ['open', ['groessere-buehne', 'groessere-buehne-2', 'markt']]);
  assert.deepEqual(faults, []);
  await context.close();
});
