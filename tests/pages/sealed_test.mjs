// Polls that hide their figures: nothing to count in the page, its requests or its DOM before the
// moment that the poll names, the ranking after it; and in each mode a text that is true.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { check, validator } from './checks.mjs';
import { IDEAS, POLLS, Server, launch, visitor } from './stage.mjs';

let server;
let browser;
before(async () => { server = await Server.start(); browser = await launch(); });
after(async () => { await browser?.close(); await server?.stop(); });

const move = (poll, to) => server.admin('POST', `/v1/polls/${poll}/transitions`, { to });
const rule = (page, text) => page.locator('tally-ranking .rule', { hasText: text }).waitFor();
const VOTES = [...Array(17).fill('run'), ...Array(5).fill('cinema')];

// Every answer that the page gets about the poll, streams too.
async function watched(id, path) {
  const seen = await visitor(browser, server, { viewport: { width: 320, height: 640 } });
  const session = await seen.context.newCDPSession(seen.page);
  await session.send('Network.enable');
  seen.got = [];
  session.on('Network.eventSourceMessageReceived', ({ data }) => seen.got.push(data));
  seen.page.on('response', async (answer) => {
    if (!answer.url().includes(`/v1/polls/${id}/ranking`) || answer.url().endsWith('/stream')) return;
    seen.got.push(await answer.text().catch(() => ''));
  });
  await seen.page.goto(server.url + path);
  await seen.page.locator('tally-ranking .rule:visible').waitFor();
  return seen;
}

const countable = (texts) => texts.filter((text) => /"options"|"questions"|"score"|"rank"|"online":(17|5)\b/.test(text));

for (const [from, selection] of [['closed', null], ['final', null], ['closed', { rule: 'top', count: 1 }], ['final', { rule: 'top', count: 1 }]]) {
  test(`sealed until ${from}${selection ? ', with a selection' : ''}`, async () => {
    const id = `sealed-${from}${selection ? '-selection' : ''}`;
    await server.putPoll(id, { ...POLLS.one, visibility: 'sealed', visible_from: from, ...(selection ? { selection } : {}) });
    for (const [at, choice] of VOTES.entries()) await server.vote(id, `v${at}`, { choices: [choice] });
    const seen = await watched(id, `/#/poll/${id}`);
    const { page, got } = seen;
    const words = from === 'final' ? 'only once the result is final' : 'only once the poll has ended';
    const sealed = async (state) => {
      await rule(page, words);
      assert.deepEqual(countable(got), [], state);
      const dom = await page.evaluate(() => document.querySelector('tally-ranking').outerHTML.replace(/As of [^<]*/, ''));
      assert.doesNotMatch(dom.replace(/data-version="[^"]*"/, ''), /\b(17|5)\b|width:/, state);
      assert.equal(await page.locator('tally-ranking li').count(), 0, state);
      assert.equal(await page.getByRole('link', { name: 'As a table' }).count(), 0, state);
      await check(page, `${id}: ${state}`);
    };
    await page.getByText('22 ballots').waitFor();
    await sealed('open');
    await page.locator('tally-ballot .option input').first().check();
    await page.locator('tally-ballot button[type=submit]').click();
    await page.locator('code.receipt').waitFor();
    await page.getByText('23 ballots').waitFor();
    await sealed('voted');
    await move(id, 'paused');
    await move(id, 'closed');
    if (from === 'final') {
      await page.reload();
      await page.locator('tally-ballot .note', { hasText: 'The poll has ended.' }).waitFor();
      await sealed('closed');
      const table = await (await fetch(`${server.url}/table/${id}`)).text();
      assert.match(table, /only once the result is final/);
      assert.doesNotMatch(table, /<td>/);
      await move(id, 'final');
    }
    await page.locator('tally-ranking li[data-id=run] .figure', { hasText: /^1[78]$/ }).waitFor();
    assert.equal(await page.locator('tally-ranking li').count(), IDEAS.length);
    assert.equal(await page.locator('tally-ranking .rule:visible').count(), 0);
    assert.match(await page.locator('#announcer').textContent(), /The ranking is shown now/);
    await check(page, `${id}: shown`);
    assert.deepEqual(seen.faults, []);
    await seen.context.close();
  });
}

test('a sealed poll is said to be one without JavaScript; one that hides its turnout shows no number at all', async () => {
  await server.putPoll('quiet', { ...POLLS.survey, visibility: 'sealed', visible_from: 'closed', turnout: 'hidden' });
  await server.vote('quiet', 'v', { answers: { where: { choices: ['run'] }, how: { points: { run: 1 } } } });
  const seen = await watched('quiet', '/#/poll/quiet');
  await rule(seen.page, 'only once the poll has ended');
  assert.deepEqual(countable(seen.got), []);
  assert.doesNotMatch(await seen.page.locator('tally-ranking').innerText(), /ballot/);
  await seen.context.close();
  const answer = await fetch(`${server.url}/table/quiet`, { headers: { 'Accept-Language': 'de' } });
  const table = await answer.text();
  assert.match(table, /wird erst gezeigt, wenn die Abstimmung beendet ist/);
  const report = await validator.validateString(table);
  assert.deepEqual(report.results.flatMap((r) => r.messages.map((m) => m.message)), []);
});

test('a poll with figures in steps says so until the result is final', async () => {
  await server.putPoll('coarse', { ...POLLS.one, visibility: 'coarse', coarse: { k: 20 } });
  await server.vote('coarse', 'v', { choices: ['run'] });
  const seen = await watched('coarse', '/#/poll/coarse');
  await rule(seen.page, 'The figures change in steps of at least 20 ballots');
  await check(seen.page, 'coarse');
  await move('coarse', 'closed');
  await move('coarse', 'final');
  await seen.page.reload();
  await seen.page.locator('tally-ranking li').first().waitFor();
  assert.equal(await seen.page.locator('tally-ranking .rule:visible').count(), 0);
  await seen.context.close();
});

test('the town hall offers both moments, and says the right one in the preview', async () => {
  const { page, context } = await visitor(browser, server);
  await page.goto(server.adminUrl);
  await page.fill('#actor', 'm.muster');
  for (const [value, words, from] of [['sealed', 'only once the poll has ended', 'closed'], ['sealed_final', 'only once the result is final', 'final']]) {
    await page.fill('#poll-de', `Frage ${from}`);
    await page.fill('#poll-project', 'town');
    await page.fill('#poll-ideas', 'A\nB');
    await page.locator('summary', { hasText: 'Rules of voting' }).click();
    await page.selectOption('#poll-visibility', value);
    await page.getByRole('button', { name: 'Preview' }).click();
    await page.locator('dd', { hasText: words }).waitFor();
    await page.getByRole('button', { name: 'Create as draft' }).click();
    await page.locator('main .note', { hasText: `Created as draft: Frage ${from}` }).waitFor();
    const made = await (await fetch(`${server.adminUrl}/v1/polls/frage-${from}`, { headers: { 'Tallyd-Actor': 'test' } })).json();
    assert.deepEqual([made.visibility, made.visible_from], ['sealed', from]);
  }
  await context.close();
});
