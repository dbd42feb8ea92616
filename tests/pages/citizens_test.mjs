// A citizen's story for each type of ballot, and what happens when the network or the server fails.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { IDEAS, POLLS, Server, done, launch, visitor } from './stage.mjs';

let server;
let browser;
before(async () => { server = await Server.start(); browser = await launch(); });
after(async () => { await browser?.close(); await server?.stop(); });

const option = (page, id) => page.locator(`tally-ballot .option[data-id=${id}]`);
const submit = (page) => page.locator('tally-ballot button[type=submit]').click();
const note = (page, text) => page.locator('tally-ballot .note', { hasText: text }).waitFor();
const bar = (page, id) => page.locator(`tally-ranking li[data-id=${id}] .figure`);

async function open(poll, options) {
  const seen = await visitor(browser, server, options);
  await seen.page.goto(`${server.url}/#/poll/${poll}`);
  return seen;
}

test('from the list of polls to a counted vote, its receipt and the ranking', async () => {
  await server.putPoll('one', POLLS.one);
  const seen = await visitor(browser, server);
  const { page } = seen;
  await page.goto(server.url);
  await page.getByRole('link', { name: 'Title one' }).click();
  await submit(page);
  await note(page, 'Choose one idea.');
  await option(page, 'market').locator('input').check();
  await submit(page);
  await note(page, 'Your vote is counted.');
  await page.locator('tally-ranking li:first-child[data-id=market]').waitFor();
  assert.equal(await bar(page, 'market').innerText(), '1');
  const receipt = await page.locator('code.receipt').innerText();
  await page.fill('#receipt', receipt);
  await page.press('#receipt', 'Enter');
  await page.getByText('This vote counts.').first().waitFor();
  await page.fill('#receipt', 'nonsense');
  await page.press('#receipt', 'Enter');
  await page.getByText('There is no such receipt.').first().waitFor();
  await page.goto(`${server.url}/#/poll/one`);
  await note(page, 'You have voted.');
  assert.equal(await page.locator('tally-ballot form').count(), 0);
  assert.equal((await server.ranking('one')).totals.ballots, 1);
  await done(seen);
});

test('a vote is changed and withdrawn where the poll allows it', async () => {
  await server.putPoll('many', POLLS.many);
  const seen = await open('many');
  const { page } = seen;
  for (const { id } of IDEAS) await option(page, id).locator('input').check();
  await submit(page);
  await note(page, 'Please choose at most 2.');
  await option(page, 'run').locator('input').uncheck();
  await submit(page);
  await note(page, 'Your vote is counted.');
  await page.getByRole('button', { name: 'Change my vote' }).click();
  assert.equal(await page.locator('tally-ballot input:checked').count(), 2);
  await option(page, 'cinema').locator('input').uncheck();
  await submit(page);
  await note(page, 'Your vote is changed.');
  assert.equal((await server.ranking('many')).options.cinema.score, 0);
  await page.getByRole('button', { name: 'Withdraw my vote' }).click();
  await page.getByRole('button', { name: 'Really withdraw' }).click();
  await note(page, 'Your vote is withdrawn.');
  assert.equal((await server.ranking('many')).totals.ballots, 0);
  await done(seen);
});

test('points are limited and counted', async () => {
  await server.putPoll('points', POLLS.points);
  const seen = await open('points');
  const { page } = seen;
  await option(page, 'cinema').locator('input').fill('4');
  await submit(page);
  await note(page, 'At most 3 points for an idea');
  await option(page, 'cinema').locator('input').fill('3');
  await option(page, 'run').locator('input').fill('3');
  await submit(page);
  await note(page, 'Points too many: 1.');
  await option(page, 'run').locator('input').fill('2');
  await submit(page);
  await note(page, 'Your vote is counted.');
  const { options } = await server.ranking('points');
  assert.deepEqual([options.cinema.score, options.run.score], [3, 2]);
  await done(seen);
});

test('a ranking is made by keyboard alone', async () => {
  await server.putPoll('rank', POLLS.rank);
  const seen = await open('rank');
  const { page } = seen;
  await option(page, 'run').locator('button').waitFor();
  const press = async (name, key = 'Enter') => {
    for (let i = 0; i < 60; i += 1) {
      const label = await page.evaluate(() => document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent);
      if (label === name) { await page.keyboard.press(key); return; }
      await page.keyboard.press('Tab');
    }
    assert.fail(`Tab never reached ${name}`);
  };
  await press('Add Idea cinema');
  await press('Add Idea run');
  await page.locator('tally-ballot ol li').nth(1).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-label')), 'Move Idea run up');
  await page.keyboard.press('Enter');
  assert.match(await page.locator('#announcer').innerText(), /Idea run is now number 1/);
  await press('Vote');
  await note(page, 'Your vote is counted.');
  const { options } = await server.ranking('rank');
  assert.deepEqual([options.run.score, options.cinema.score, options.market.score], [3, 2, 0]);
  await done(seen);
});

test('ideas are voted up and down, in German', async () => {
  await server.putPoll('updown', POLLS.updown);
  const seen = await open('updown', { locale: 'de-DE' });
  const { page } = seen;
  await option(page, 'cinema').getByLabel('dafür').check();
  await option(page, 'run').getByLabel('dagegen').check();
  await submit(page);
  await note(page, 'Ihre Stimme ist gezählt.');
  assert.equal(await page.getAttribute('html', 'lang'), 'de');
  const { options } = await server.ranking('updown');
  assert.deepEqual([options.cinema.score, options.run.score], [1, -1]);
  await done(seen);
});

test('a survey is answered question by question', async () => {
  await server.putPoll('survey', POLLS.survey);
  const seen = await open('survey');
  const { page } = seen;
  await option(page, 'market').locator('input[type=radio]').check();
  await submit(page);
  await note(page, 'How?: Please give at least one point.');
  await option(page, 'run').locator('input[type=number]').fill('2');
  await submit(page);
  await note(page, 'Your vote is counted.');
  const { questions } = await server.ranking('survey');
  assert.deepEqual([questions.where.options.market.score, questions.how.options.run.score], [1, 2]);
  await done(seen);
});

test('a vote whose answer was lost and whose server was killed counts once', async () => {
  await server.putPoll('lost', POLLS.one);
  const seen = await open('lost');
  const { page } = seen;
  const keys = [];
  page.on('request', (request) => {
    if (request.method() === 'POST') keys.push(request.headers()['idempotency-key']);
  });
  // The server takes the vote, the answer does not come back.
  await page.route('**/votes', async (route) => {
    await route.fetch();
    await route.abort();
  }, { times: 1 });
  await option(page, 'run').locator('input').check();
  await submit(page);
  await note(page, 'No connection.');
  await server.kill();
  await page.evaluate(() => localStorage.length);
  await server.run();
  await page.reload(); // the vote survives the tab too
  await page.locator('code.receipt').waitFor();
  const { totals, options } = await server.ranking('lost');
  assert.deepEqual([totals.ballots, options.run.score], [1, 1]);
  assert.ok(keys.length >= 2);
  assert.equal(new Set(keys).size, 1);
  await done(seen);
});

test('an overloaded server is asked again after the time it names', async () => {
  await server.putPoll('busy', POLLS.one);
  const seen = await open('busy');
  const { page } = seen;
  await page.route('**/votes', (route) => route.fulfill({
    status: 503, headers: { 'Retry-After': '1', 'Content-Type': 'application/problem+json' }, body: '{"code":"overloaded","status":503}',
  }), { times: 1 });
  await option(page, 'run').locator('input').check();
  await submit(page);
  await note(page, 'sent again by itself in 1 s');
  await note(page, 'Your vote is counted.');
  await done(seen);
});

test('a second ballot, a paused and an ended poll, a poll to come and none at all are told apart', async () => {
  await server.putPoll('states', POLLS.one);
  const seen = await open('states');
  const { page } = seen;
  await option(page, 'run').locator('input').check();
  const voter = await page.evaluate(() => localStorage.getItem('tallyd.voter'));
  await server.vote('states', voter, { choices: ['cinema'] });
  await submit(page);
  await note(page, 'You have voted already.');
  await server.admin('POST', '/v1/polls/states/transitions', { to: 'paused' });
  await page.evaluate(() => localStorage.clear());
  await page.reload();
  await note(page, 'The poll is paused.');
  await server.admin('POST', '/v1/polls/states/transitions', { to: 'closed' });
  await page.reload();
  await note(page, 'The poll has ended.');
  await server.putPoll('to-come', { ...POLLS.one, opens: '2999-01-01T00:00:00Z' });
  await page.goto(`${server.url}/#/poll/to-come`);
  await note(page, 'The poll begins on');
  await page.goto(`${server.url}/#/poll/none`);
  await page.getByText('There is no such poll.').first().waitFor();
  await done(seen);
});

test('the ranking moves by itself, can be paused, marks what gets built and never goes back', async () => {
  await server.putPoll('live', { ...POLLS.one, selection: { rule: 'top', count: 1 } });
  const seen = await open('live');
  const { page } = seen;
  await bar(page, 'run').waitFor();
  await server.vote('live', 'v1', { choices: ['run'] });
  await page.locator('tally-ranking li[data-id=run] .figure', { hasText: /^1$/ }).waitFor();
  await page.locator('tally-ranking li[data-id=run]', { hasText: 'would be built' }).waitFor();
  await page.getByRole('button', { name: 'Pause' }).click();
  const version = await page.getAttribute('tally-ranking', 'data-version');
  await server.vote('live', 'v2', { choices: ['run'] });
  await page.waitForResponse((answer) => answer.url().includes('/ranking') && answer.status() === 200);
  await page.waitForTimeout(500); // that nothing is drawn has no end to wait for
  assert.equal(await page.getAttribute('tally-ranking', 'data-version'), version);
  await page.getByRole('button', { name: 'Pause' }).click();
  await page.locator('tally-ranking li[data-id=run] .figure', { hasText: /^2$/ }).waitFor();
  const older = await page.evaluate(async () => {
    const { isNewer } = await import(document.querySelector('link[href$="service.js"]').href);
    return [isNewer('e3-9', 'e3-10'), isNewer('e3-10', 'e3-9'), isNewer('e4-1', 'e3-10'), isNewer('e3-10', 'e3-10')];
  });
  assert.deepEqual(older, [false, true, true, false]);
  await done(seen);
});

test('the cut line: how much of it an idea below has, and why one is left out that the money does not reach', async () => {
  await server.putPoll('cut', { ballot: { type: 'choose', min: 1, max: 1 }, options: IDEAS, selection: { rule: 'top', count: 1 } });
  for (const [at, id] of ['run', 'run', 'run', 'run', 'market', 'cinema', 'cinema', 'cinema'].entries()) await server.vote('cut', `v${at}`, { choices: [id] });
  const seen = await open('cut');
  const { page } = seen;
  const row = (id, text) => page.locator(`tally-ranking li[data-id=${id}]`, { hasText: text }).waitFor();
  await row('run', 'would be built');
  await row('cinema', '1 below the line (75%)');
  await row('market', '3 below the line (25%)');
  assert.deepEqual(await page.locator('tally-ranking li.cut').evaluateAll((rows) => rows.map((found) => found.dataset.id)), ['cinema']);
  await server.putPoll('money', { ballot: { type: 'choose', min: 1, max: 1 }, options: IDEAS.map((idea, at) => ({ ...idea, cost: [900, 50, 80][at] })), selection: { rule: 'greedy', budget: 100 } });
  for (const [at, id] of ['run', 'run', 'cinema', 'market'].entries()) await server.vote('money', `v${at}`, { choices: [id] });
  await page.goto(`${server.url}/#/poll/money`);
  await row('run', 'would be built');
  await row('cinema', 'the money does not suffice');
  await row('market', 'the money does not suffice');
  await done(seen);
});
