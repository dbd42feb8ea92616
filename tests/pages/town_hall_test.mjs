// The admin's story: every type of poll is set up with a preview, opened, voted in and closed.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { Server, done, launch, message, visitor } from './stage.mjs';

let server;
let browser;
before(async () => { server = await Server.start(); browser = await launch(); });
after(async () => { await browser?.close(); await server?.stop(); });

const poll = async (id) => (await fetch(`${server.adminUrl}/v1/polls/${id}`, { headers: { 'Tallyd-Actor': 'test' } })).json();

async function hall() {
  const seen = await visitor(browser, server);
  await seen.page.goto(server.adminUrl);
  await seen.page.locator('#polls').waitFor({ state: 'attached' });
  await seen.page.fill('#actor', 'm.muster');
  await seen.page.fill('#poll-project', 'town');
  return seen;
}

async function previewAndCreate(page) {
  await page.getByRole('button', { name: 'Preview' }).click();
  await page.getByRole('heading', { name: 'Preview' }).waitFor();
  await page.getByRole('button', { name: 'Create as draft' }).click();
  await message(page, 'Created as draft');
}

async function move(page, id, act) {
  const item = page.locator(`#polls [data-poll=${id}]`);
  await item.getByRole('button', { name: act, exact: true }).click();
  await item.getByRole('button', { name: `Really: ${act}` }).click();
}

test('a poll with everything: boxes, window, rules, selection; opened, voted in three times by one person, closed', async () => {
  const seen = await hall();
  const { page } = seen;
  await page.fill('#poll-de', 'Was bauen wir?');
  await page.fill('#poll-en', 'What do we build?');
  assert.equal(await page.inputValue('#poll-id'), 'was-bauen-wir');
  await page.fill('#poll-ideas', 'Bänke am Fluss | Benches | 12000\nSpielplatz | Playground | 30.000\n\nBrunnen');
  await page.fill('#poll-max', '2');
  await page.getByText('Online and paper', { exact: true }).click();
  await page.fill('#poll-boxes', 'Rathaus\nBücherei Süd');
  await page.getByText('Begin and end', { exact: true }).click();
  await page.fill('#poll-closes', '2999-01-01T12:00');
  await page.getByText('Rules of voting', { exact: true }).click();
  await page.fill('#poll-ballots', '3');
  await page.getByLabel('a vote may be withdrawn').check();
  await page.getByText('What gets built?', { exact: true }).click();
  await page.selectOption('#poll-rule', 'greedy');
  await page.fill('#poll-budget', '35000');
  await page.getByRole('button', { name: 'Preview' }).click();
  await page.getByText('Choose up to 2. Chosen: 0.').waitFor();
  await page.locator('main .option', { hasText: 'Choose up to 2' }).getByLabel('Playground').check();
  await page.getByText('Choose up to 2. Chosen: 1.').waitFor();
  await page.getByRole('button', { name: 'Create as draft' }).click();
  await message(page, 'Created as draft: What do we build?');
  assert.equal(await page.inputValue('#poll-de'), '');
  const made = await poll('was-bauen-wir');
  assert.deepEqual([made.state, made.ballot, made.ballots_per_voter, made.withdraw, made.closes.slice(0, 4), made.selection, made.boxes],
    ['draft', { type: 'choose', min: 1, max: 2 }, 3, true, made.closes.slice(0, 4), { rule: 'greedy', budget: 35000 }, [{ id: 'rathaus', place: 'Rathaus' }, { id: 'buecherei-sued', place: 'Bücherei Süd' }]]);
  assert.ok(['2998', '2999'].includes(made.closes.slice(0, 4)));
  assert.deepEqual(made.options.map(({ id, cost }) => [id, cost]), [['baenke-am-fluss', 12000], ['spielplatz', 30000], ['brunnen', 0]]);
  await move(page, 'was-bauen-wir', 'Open');
  await message(page, 'What do we build?: open');

  const citizen = await visitor(browser, server);
  await citizen.page.goto(`${server.url}/#/poll/was-bauen-wir`);
  const ballot = citizen.page.locator('tally-ballot');
  for (const [at, id] of [[1, 'brunnen'], [2, 'spielplatz'], [3, 'spielplatz']]) {
    await ballot.getByText(`Ballot ${at} of 3`).waitFor();
    await ballot.locator(`.option[data-id=${id}] input`).check();
    await ballot.locator('button[type=submit]').click();
    await ballot.locator('code.receipt').waitFor();
    if (at < 3) await ballot.locator('.note').getByRole('button', { name: 'Next ballot' }).click();
  }
  const ranking = await server.ranking('was-bauen-wir');
  assert.deepEqual([ranking.totals.ballots, ranking.options.spielplatz.score, ranking.options.brunnen.score], [3, 2, 1]);
  // The second ballot is withdrawn; a new visit begins with it, since it is free.
  await ballot.getByRole('button', { name: 'Ballot before' }).click();
  await ballot.getByText('Ballot 2 of 3').waitFor();
  await ballot.getByRole('button', { name: 'Withdraw my vote' }).click();
  await ballot.getByRole('button', { name: 'Really withdraw' }).click();
  await ballot.locator('.note', { hasText: 'Your vote is withdrawn.' }).waitFor();
  await citizen.page.reload();
  await ballot.getByText('Ballot 2 of 3').waitFor();
  await ballot.locator('form').waitFor();
  // Sent without an answer, then a reload: the vote is of the same ballot still.
  await citizen.page.route('**/votes', async (route) => { await route.fetch(); await route.abort(); });
  await ballot.locator('.option[data-id=brunnen] input').check();
  await ballot.locator('button[type=submit]').click();
  await ballot.locator('.note', { hasText: 'No connection.' }).waitFor();
  await citizen.page.reload();
  await ballot.getByText('Ballot 2 of 3').waitFor();
  await citizen.page.unroute('**/votes');
  await ballot.locator('code.receipt').waitFor();
  await ballot.getByText('Ballot 2 of 3').waitFor();
  assert.equal((await server.ranking('was-bauen-wir')).totals.ballots, 3);
  await citizen.page.locator('tally-ranking li', { hasText: 'would be built' }).first().waitFor();
  await done(citizen);

  await move(page, 'was-bauen-wir', 'Close');
  await message(page, 'What do we build?: ended');
  await move(page, 'was-bauen-wir', 'Make final');
  await message(page, 'What do we build?: result is final');
  await done(seen);
});

test('points, ranks and up and down are set up', async () => {
  const seen = await hall();
  const { page } = seen;
  const cases = [
    ['points', { total: '7', max_per_option: '4' }, { type: 'points', total: 7, max_per_option: 4 }],
    ['rank', { max: '2' }, { type: 'rank', max: 2, scoring: 'borda' }],
    ['updown', {}, { type: 'updown' }],
  ];
  for (const [type, numbers, wanted] of cases) {
    await page.fill('#poll-project', 'town');
    await page.fill('#poll-de', `Frage ${type}`);
    await page.selectOption('#poll-type', type);
    for (const [name, value] of Object.entries(numbers)) await page.fill(`#poll-${name}`, value);
    await page.fill('#poll-ideas', 'A\nB\nC');
    await previewAndCreate(page);
    const made = await poll(`frage-${type}`);
    assert.deepEqual(made.ballot, wanted);
    assert.deepEqual(made.options.map(({ id }) => id), ['a', 'b', 'c']);
  }
  await done(seen);
});

test('a survey with two questions is set up, and answered by a citizen', async () => {
  const seen = await hall();
  const { page } = seen;
  await page.fill('#poll-de', 'Umfrage');
  await page.selectOption('#poll-type', 'survey');
  await page.getByRole('button', { name: 'Preview' }).click();
  await message(page, 'Please fill in: Ideas');
  await page.getByRole('button', { name: 'Add a question' }).click();
  await page.getByRole('button', { name: 'Add a question' }).click();
  const question = (at) => page.locator('fieldset.option').nth(at);
  await question(2).getByRole('button', { name: 'Remove the question' }).click();
  assert.equal(await page.locator('fieldset.option').count(), 2);
  await question(0).getByLabel('Title in German').fill('Wo?');
  await question(0).getByLabel('Ideas').fill('Nord\nSüd');
  await question(1).getByLabel('Title in German').fill('Wie sehr?');
  await question(1).getByLabel('How do people vote?').selectOption('updown');
  await question(1).getByLabel('Ideas').fill('Ruhe\nLeben');
  await previewAndCreate(page);
  await move(page, 'umfrage', 'Open');
  await message(page, 'Umfrage: open');
  const made = await poll('umfrage');
  assert.deepEqual(made.ballot.questions.map(({ id, ballot, options }) => [id, ballot.type, options.map((option) => option.id)]),
    [['wo', 'choose', ['nord', 'sued']], ['wie-sehr', 'updown', ['ruhe', 'leben']]]);
  const citizen = await visitor(browser, server);
  await citizen.page.goto(`${server.url}/#/poll/umfrage`);
  await citizen.page.locator('tally-ballot .option[data-id=sued] input').check();
  await citizen.page.locator('tally-ballot .option[data-id=leben]').getByLabel('for', { exact: true }).check();
  await citizen.page.locator('tally-ballot button[type=submit]').click();
  await citizen.page.locator('code.receipt').waitFor();
  assert.equal((await server.ranking('umfrage')).questions['wie-sehr'].options.leben.score, 1);
  await done(citizen);
  await done(seen);
});

test('what the server refuses is said with its place, and what was typed stays', async () => {
  const seen = await hall();
  const { page } = seen;
  await page.fill('#poll-de', 'Zu viel');
  await page.fill('#poll-ideas', 'A\nB');
  await page.fill('#poll-max', '-1');
  await page.getByRole('button', { name: 'Preview' }).click();
  await page.getByRole('button', { name: 'Create as draft' }).click();
  await message(page, '/ballot/max');
  assert.equal(await page.inputValue('#poll-ideas'), 'A\nB');
  await page.fill('#poll-max', '1');
  await previewAndCreate(page);
  // Once more under the same id: refused, not replaced.
  await page.fill('#poll-project', 'town');
  await page.fill('#poll-de', 'Zu viel');
  await page.fill('#poll-ideas', 'C');
  await page.getByRole('button', { name: 'Preview' }).click();
  await page.getByRole('button', { name: 'Create as draft' }).click();
  await message(page, 'That did not work');
  assert.equal((await poll('zu-viel')).options.length, 2);
  await done(seen);
});

test('once a day: the ballot is of the day in the time zone of the poll', async () => {
  await server.putPoll('daily', { ballot: { type: 'choose', min: 1, max: 1 }, options: [{ id: 'a' }, { id: 'b' }], ballots_per: 'day', time_zone: 'Pacific/Kiritimati' });
  const { page, context, faults } = await visitor(browser, server, { timezoneId: 'Pacific/Pago_Pago' });
  const bodies = [];
  page.on('request', (request) => { if (request.method() === 'POST') bodies.push(request.postDataJSON()); });
  await page.goto(`${server.url}/#/poll/daily`);
  await page.getByText('You can vote once each day.').waitFor();
  await page.locator('tally-ballot .option[data-id=a] input').check();
  await page.locator('tally-ballot button[type=submit]').click();
  await page.locator('code.receipt').waitFor();
  assert.match(bodies[0].day, /^\d{4}-\d\d-\d\d$/);
  await page.reload();
  await page.locator('tally-ballot .note', { hasText: 'You have voted.' }).waitFor();
  assert.deepEqual(faults, []);
  await context.close();
});
