// The audit log reader at the town hall: acts in words, the chain of hashes followed in the browser, and
// the file to keep, which is checked here by the recipe of docs/http_api.md.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { POLLS, Server, done, launch, tabTo, visitor } from './stage.mjs';

let server;
let browser;
before(async () => { server = await Server.start(); browser = await launch(); });
after(async () => { await browser?.close(); await server?.stop(); });

async function reader(address, options) {
  const seen = await visitor(browser, server, options);
  await seen.page.goto(`${server.adminUrl}/#/audit/${address}`);
  await seen.page.locator('#chain, #audit .note').first().waitFor();
  return seen;
}

const sha256 = (line) => createHash('sha256').update(line).digest('hex');
const act = (page, n) => page.locator(`#acts [data-n="${n}"]`);
const chain = (page) => page.locator('#chain').getAttribute('data-chain');
const shown = (page) => page.locator('#acts > li').evaluateAll((items) => items.map(({ dataset }) => Number(dataset.n)));
const wholeLog = async (path) => (await fetch(`${server.adminUrl}${path}/audit?limit=1000`)).text();

// A chain that holds, of any length.
function chainOf(length, more = {}) {
  const lines = [];
  let previous = '0'.repeat(64);
  for (let n = 1; n <= length; n += 1) {
    lines.push(JSON.stringify({ n, at: '2026-05-20T14:31:44Z', commit: n, poll: 'told', act: 'transition', by: 'm.muster', to: 'paused', ...more, previous }));
    previous = sha256(lines.at(-1));
  }
  return { lines, head: previous };
}

// The reader of the poll `told` is answered with these lines instead, in pages as the server's.
const tell = (page, lines, atOnce = 1000) => page.route('**/v1/polls/told/audit?*', (route) => {
  const query = new URL(route.request().url()).searchParams;
  const [after_, limit] = [Number(query.get('after')), Math.min(atOnce, Number(query.get('limit')))];
  const part = lines.slice(after_, after_ + limit);
  const headers = { 'Content-Type': 'application/x-ndjson', ...(after_ + limit < lines.length ? { Link: `</v1/polls/told/audit?after=${after_ + limit}&limit=${limit}>; rel="next"` } : {}) };
  return route.fulfill({ status: 200, headers, body: part.map((line) => `${line}\n`).join('') });
});

async function tellStory() {
  await server.admin('PUT', '/v1/projects/town', { title: { en: 'Town' }, ballots_per_voter: 2 }, { 'If-None-Match': '*' });
  await server.putPoll('story', { ...POLLS.one, boxes: [{ id: 'hall', place: 'Town hall' }], paper: { confirm: true } });
  const figures = { cards: 3, invalid: 1, blank: 0, counts: { run: 2 } };
  await server.admin('PUT', '/v1/polls/story/paper-batches/hall-1', { box: 'hall', counted_by: ['x'], ...figures }, { 'Tallyd-Actor': 'a.beispiel' });
  await server.admin('POST', '/v1/polls/story/paper-batches/hall-1/confirm', figures, { 'Tallyd-Actor': 'b.zwei' });
  await server.admin('POST', '/v1/polls/story/paper-batches/hall-1/void', { reason: 'wrong box' });
  for (const title of ['Benches', 'Jogging', 'Rome']) {
    await fetch(`${server.url}/v1/projects/town/ideas`, { method: 'POST', headers: { 'Content-Type': 'application/json', 'Idempotency-Key': title, 'Tallyd-Voter': 'x' }, body: JSON.stringify({ title: { en: title } }) });
  }
  const decide = async (id, body) => server.admin('POST', `/v1/moderation/ideas/${id}/decision`, body, { 'Tallyd-Actor': 'm.muster', 'If-Match': '*' });
  await decide('idea-1', { decision: 'approve', poll: 'story', option: 'benches' });
  await decide('idea-2', { decision: 'merge', poll: 'story', merge_into: 'run', reason_code: 'duplicate' });
  await decide('idea-3', { decision: 'reject', reason_code: 'not_in_town' });
  await fetch(`${server.adminUrl}/v1/polls/story/options/market?fate=kept&reason=sold`, { method: 'DELETE', headers: { 'Tallyd-Actor': 'test' } });
  await fetch(`${server.adminUrl}/v1/polls/story/options/cinema?fate=moved&into=run`, { method: 'DELETE', headers: { 'Tallyd-Actor': 'test' } });
  for (const to of ['paused', 'open', 'closed', 'final']) await server.admin('POST', '/v1/polls/story/transitions', { to });
}

test('every act of a poll and of its project is told in words, and the file is the log', async () => {
  await tellStory();
  const seen = await reader('poll/story');
  const { page } = seen;
  const lines = (await wholeLog('/v1/polls/story')).split('\n').slice(0, -1);
  // Newest first; the chain holds, and its head is the hash of the last line.
  assert.deepEqual(await shown(page), lines.map((_, i) => lines.length - i));
  assert.equal(await chain(page), 'ok');
  assert.equal(await page.locator('#chain code').textContent(), sha256(lines.at(-1)));
  for (const [checksum, words] of [[sha256(lines[4]), 'It is that of line 5'], [sha256(lines.at(-1)), `It is that of line ${lines.length}`], [sha256('x'), 'It is not in this log.'], ['0'.repeat(64), 'It is not in this log.']]) {
    await page.getByLabel('Search for a checksum').fill(` ${checksum.toUpperCase()}`);
    await page.locator('#earlier-found', { hasText: words }).waitFor();
  }
  const told = await page.locator('#acts > li > div:nth-child(2)').allTextContents();
  assert.deepEqual(told.reverse(), [
    'Poll made: “Title story” (3 options)', 'Poll opened',
    'Opening hall-1 of the box Town hall entered: 3 cards, invalid 1, blank 0',
    'Opening hall-1 confirmed, by a blind second entry: 3 cards, invalid 1, blank 0',
    'Opening hall-1 taken back: 3 cards, invalid 1, blank 0',
    'Poll changed: new options: “Benches”',
    'Idea 1 accepted as “Benches”',
    'Idea 2 put together with “Idea run”',
    '“Idea market” withdrawn; its votes stay',
    '“Idea cinema” withdrawn; its votes count for “Idea run” (both were on 0 ballots)',
    'Poll paused', 'Poll opened', 'Poll closed', 'Poll declared final']);
  await act(page, 3).locator('.soft', { hasText: 'a.beispiel' }).waitFor();
  await act(page, 4).locator('.soft', { hasText: 'b.zwei' }).waitFor();
  await act(page, 5).getByText('Reason: wrong box').waitFor();
  await act(page, 8).getByText('Reason: is there already').waitFor();
  await act(page, 9).getByText('Reason: sold').waitFor();
  // By keyboard: the other order, and a line as it is written.
  await tabTo(page, 'Order');
  await page.keyboard.press('ArrowDown');
  await act(page, 1).first().waitFor();
  assert.deepEqual(await shown(page), lines.map((_, i) => i + 1));
  await tabTo(page, 'As it is written');
  await page.keyboard.press('Enter');
  await act(page, 1).locator('code', { hasText: 'poll_created' }).waitFor();
  assert.equal(await act(page, 1).locator('code').innerText(), lines[0]);
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Download the log' }).click()]);
  assert.equal(download.suggestedFilename(), 'story.audit');
  assert.equal(readFileSync(await download.path(), 'utf8'), await wholeLog('/v1/polls/story'));
  await page.getByRole('link', { name: 'Audit log of the project town' }).click();
  await page.getByText('Idea 3 rejected').waitFor();
  assert.deepEqual((await page.locator('#acts > li > div:nth-child(2)').allTextContents()).reverse(),
    ['Project made', 'Ballots per person in the whole project: 2', 'Idea 1 accepted as “benches”, Poll story', 'Idea 2 put together with “run”, Poll story', 'Idea 3 rejected']);
  assert.equal(await chain(page), 'ok');
  await done(seen);

  const german = await reader('project/town', { locale: 'de-DE' });
  await german.page.getByText('Idee 3 abgelehnt').waitFor();
  await german.page.getByText('Grund: liegt nicht in der Stadt').waitFor();
  await german.page.getByText('Die Kette stimmt: 5 Handlungen').first().waitFor();
  await done(german);
});

test('a long log is shown in parts, from either end', async () => {
  await server.putPoll('often', POLLS.one);
  for (let i = 0; i < 60; i += 1) await server.admin('POST', '/v1/polls/often/transitions', { to: i % 2 === 0 ? 'paused' : 'open' });
  const seen = await reader('poll/often');
  const { page } = seen;
  assert.deepEqual(await shown(page), Array.from({ length: 50 }, (_, i) => 62 - i));
  await page.getByText('50 of 62 acts').waitFor();
  await page.getByRole('button', { name: 'Show more' }).click();
  assert.deepEqual(await shown(page), Array.from({ length: 62 }, (_, i) => 62 - i));
  assert.equal(await page.evaluate(() => document.activeElement.closest('li').dataset.n), '12');
  await page.selectOption('#audit-order', 'oldest');
  assert.deepEqual(await shown(page), Array.from({ length: 50 }, (_, i) => i + 1));
  await done(seen);
});

test('a line that was changed, dropped or added shows, as does one that is no act', async () => {
  await server.putPoll('told', POLLS.one);
  const whole = chainOf(2100); // three pages
  const cases = [
    [whole.lines, 'ok', null],
    [Object.assign([...whole.lines], { 1500: whole.lines[1500].replace('m.muster', 'm.mutter') }), 'broken', '1,502'],
    [whole.lines.filter((_, i) => i !== 999), 'broken', '1,000'],
    [[...whole.lines.slice(0, 5), whole.lines[4], ...whole.lines.slice(5)], 'broken', '6'],
    [whole.lines.slice(1), 'broken', '1'],
    [[...whole.lines.slice(0, 7), 'no act', ...whole.lines.slice(7)], 'broken', '8'],
  ];
  for (const [lines, expected, at] of cases) {
    const seen = await visitor(browser, server);
    await tell(seen.page, lines);
    await seen.page.goto(`${server.adminUrl}/#/audit/poll/told`);
    await seen.page.locator('#chain').waitFor();
    assert.equal(await chain(seen.page), expected, `line ${at}`);
    if (at === null) assert.equal(await seen.page.locator('#chain code').textContent(), whole.head);
    else await seen.page.getByText(`The chain is broken: line ${at} does not follow`).first().waitFor();
    await done(seen);
  }
});

test('more lines than a browser should read, and a browser that works out no checksums', async () => {
  const seen = await visitor(browser, server);
  await tell(seen.page, chainOf(51500).lines);
  await seen.page.goto(`${server.adminUrl}/#/audit/poll/told`);
  await seen.page.getByText('There are more than 50,000 acts').waitFor({ timeout: 60000 });
  await seen.page.getByText('50 of 50,000 acts').waitFor();
  await done(seen);
  // Few lines, but long ones.
  const wide = await visitor(browser, server);
  await tell(wide.page, chainOf(70, { long: 'x'.repeat(1024 * 1024) }).lines, 1);
  await wide.page.goto(`${server.adminUrl}/#/audit/poll/told`);
  await wide.page.getByText('There are more than 64 acts').waitFor({ timeout: 60000 });
  assert.equal(await chain(wide.page), 'ok');
  await done(wide);
  const plain = await visitor(browser, server);
  await plain.page.addInitScript(() => Object.defineProperty(crypto, 'subtle', { value: undefined }));
  await plain.page.goto(`${server.adminUrl}/#/audit/poll/told`);
  await plain.page.getByText('This browser works out checksums only over a secure connection').first().waitFor();
  assert.equal(await chain(plain.page), 'unchecked');
  await done(plain);
});

test('what the server refuses is said, and asked for again', async () => {
  await server.putPoll('sealed', { ...POLLS.one, visibility: 'sealed' });
  const sealed = await reader('poll/sealed');
  await sealed.page.getByText('It can be read once the ranking may be shown.').first().waitFor();
  await done(sealed);
  const seen = await visitor(browser, server);
  const { page } = seen;
  await page.route('**/audit?*', (route) => route.fulfill({ status: 503, headers: { 'Content-Type': 'application/problem+json' }, body: '{"code":"overloaded","status":503,"detail":"as many readers of audit logs wait as may"}' }));
  await page.goto(`${server.adminUrl}/#/audit/project/town`);
  await page.getByText('as many readers of audit logs wait as may').first().waitFor();
  await page.unroute('**/audit?*');
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.locator('#chain').waitFor();
  await page.goto(`${server.adminUrl}/#/audit/project/nowhere`);
  await page.getByText('There is no project of that name.').first().waitFor();
  await done(seen);
  // It is only as long as what is there: the server is gone, and comes back.
  const gone = await reader('poll/often');
  await server.kill();
  await gone.page.getByRole('button', { name: 'Deutsch' }).click();
  await gone.page.getByText('Der Server antwortet nicht.').first().waitFor();
  await server.run();
  await gone.page.getByRole('button', { name: 'Noch einmal versuchen' }).click();
  await gone.page.getByText('Die Kette stimmt: 62 Handlungen').first().waitFor();
  await done(gone);
});
