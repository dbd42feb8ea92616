// Postcards with several questions at the paper desk: counts per question, a second entry without
// looking, differences by question, card by card.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { check } from './checks.mjs';
import { atDesk, batchOf } from './paper_people.mjs';
import { IDEAS, POLLS, Server, done, launch, message, tabTo, visitor } from './stage.mjs';

let server;
let browser;
before(async () => { server = await Server.start(); browser = await launch(); });
after(async () => { await browser?.close(); await server?.stop(); });

const BOXES = [{ id: 'rathaus', place: 'Foyer' }];
const cell = (page, name) => page.locator(`[data-cell="${name}"]`);
const focused = (page) => page.evaluate(() => document.activeElement.dataset.cell ?? document.activeElement.textContent);
const batch = (poll, name) => batchOf(server, poll, name);

const desk = (poll, actor, options) => atDesk(browser, server, poll, actor, options);

async function type(page, texts) {
  await cell(page, 'cards').focus();
  for (const text of texts) {
    await page.keyboard.type(text);
    await page.keyboard.press('Enter');
  }
}

for (const blind of [false, true]) {
  test(`a survey's cards are counted question by question and entered twice${blind ? ', blindly' : ''}`, async () => {
    const poll = blind ? 'blind' : 'plain';
    await server.putPoll(poll, { ...POLLS.survey, boxes: BOXES, paper: { confirm: true, blind } });
    const first = await desk(poll, 'a.beispiel', { viewport: { width: 320, height: 640 } });
    await check(first.page, 'boxes of a survey');
    await first.page.getByRole('button', { name: 'Enter an opening: Foyer' }).click();
    // Cards, invalid, blank; where: three ideas; how: cards and points of three ideas.
    await type(first.page, ['10', '1', '1', '5', '2', '', '6', '14', '3', '5', '', '']);
    assert.equal(await focused(first.page), 'Save the entry');
    await first.page.getByText('Valid 8, counted 7: 1 missing.').waitFor();
    await first.page.getByText('Valid 8; one question does not add up.').waitFor();
    await check(first.page, 'a survey that does not add up');
    await first.page.getByRole('button', { name: 'Save the entry' }).click();
    await first.page.getByText('That does not add up.').first().waitFor();
    await first.page.getByLabel('Where?: Idea run').fill('1');
    await first.page.getByText('Valid 8; every question adds up.').waitFor();
    await first.page.reload();
    assert.equal(await cell(first.page, 's:how/cinema').inputValue(), '14');
    await first.page.getByRole('button', { name: 'Save the entry' }).click();
    await message(first.page, 'Saved: rathaus-1.');
    await first.page.locator('.sheet', { hasText: '14' }).waitFor();
    await check(first.page, 'a survey entered');
    await done(first);
    assert.equal((await batch(poll, 'rathaus-1')).status, 'entered');

    const second = await desk(poll, 'b.zwei', { viewport: { width: 320, height: 640 } });
    const { page } = second;
    await page.goto(`${server.adminUrl}/#/paper/${poll}/rathaus-1`);
    await page.getByRole('link', { name: 'Begin the second entry' }).click();
    await page.getByText('without looking at the first entry').waitFor();
    await type(page, ['10', '1', '1', '4', '3', '1', '6', '13', '3', '5', '', '']);
    await page.getByRole('button', { name: 'Compare and confirm' }).click();
    await page.locator('.differences').waitFor();
    const rows = await page.locator('.differences tbody th').allInnerTexts();
    assert.deepEqual(rows.slice(0, 2), ['Where?: Idea cinema', 'Where?: Idea market']);
    assert.match(rows[2], /^How\?: Idea cinema/);
    await check(page, 'entries of a survey differ');
    await page.getByRole('button', { name: 'Change the second entry' }).click();
    assert.equal(await focused(page), 'b:where/cinema');
    await cell(page, 'b:where/cinema').fill('5');
    await cell(page, 'b:where/market').fill('2');
    await cell(page, 's:how/cinema').fill('14');
    await page.getByRole('button', { name: 'Compare and confirm' }).click();
    await message(page, 'Both entries agree. rathaus-1 counts now.');
    const { counts, confirmed } = await batch(poll, 'rathaus-1');
    assert.equal(confirmed.blind, true);
    assert.deepEqual(counts, { where: { cinema: 5, market: 2, run: 1 }, how: { cinema: { ballots: 6, score: 14 }, market: { ballots: 3, score: 5 } } });
    const ranking = await server.ranking(poll);
    assert.deepEqual([ranking.totals.paper, ranking.questions.where.options.cinema.paper, ranking.questions.how.options.cinema.score], [9, 5, 14]);
    // What is printed has every question.
    assert.match(await page.locator('.sheet').innerText(), /Where\?[^]*Idea run\s+1[^]*How\?[^]*6\s+14/);
    await done(second);
  });
}

test('postcards one by one, questions separated by a slash; a refusal marks the cell of its question', async () => {
  await server.putPoll('cards', { ...POLLS.survey, boxes: BOXES });
  const seen = await desk('cards', 'a.beispiel');
  const { page } = seen;
  await page.getByRole('button', { name: 'Enter an opening: Foyer' }).click();
  await page.getByText('Card by card').click();
  const card = async (text, answer) => {
    await page.fill('#card', text);
    await page.press('#card', 'Enter');
    await page.locator('.last-card', { hasText: answer }).waitFor();
  };
  await card('1', 'These are 1 parts; the card has 2 questions.');
  await card('1 / 1:4', 'How?: These are too many points.');
  await card(' / 1:1', 'Where?: These are 0; 1 are needed.');
  await card('3 / 1:2 2:1', 'Card 1: Idea run, Idea cinema (2), Idea market (1)');
  await card('1 /', 'Card 2: Idea cinema');
  await card('x', 'Card 3: invalid');
  await card('2/3:3', 'Card 4: Idea market, Idea run (3)');
  await card('z', 'Taken back: Idea market, Idea run (3)');
  await check(page, 'cards of a survey');
  await cell(page, 's:how/market').fill('9');
  await page.getByRole('button', { name: 'Save the entry' }).click();
  await page.getByText('That does not add up.').first().waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.dataset.cell), 'b:how/market');
  await cell(page, 's:how/market').fill('1');
  await page.getByRole('button', { name: 'Save the entry' }).click();
  await message(page, 'Saved: rathaus-1.');
  const stored = await batch('cards', 'rathaus-1');
  assert.deepEqual([stored.cards, stored.invalid, stored.counts],
    [3, 1, { where: { cinema: 1, run: 1 }, how: { cinema: { ballots: 1, score: 2 }, market: { ballots: 1, score: 1 } } }]);
  await done(seen);
});

test('a box is added to an open poll with withdrawn ideas, of a survey too', async () => {
  const unloved = [...IDEAS, { id: 'unloved', title: { en: 'Unloved' } }];
  await server.putPoll('gone', { ...POLLS.one, options: unloved });
  await server.admin('DELETE', '/v1/polls/gone/options/unloved');
  const [where, how] = POLLS.survey.ballot.questions;
  await server.putPoll('gone-survey', { ...POLLS.survey, ballot: { type: 'survey', questions: [{ ...where, options: unloved }, how] } });
  await server.admin('DELETE', '/v1/polls/gone-survey/questions/where/options/unloved');
  for (const poll of ['gone', 'gone-survey']) {
    const seen = await visitor(browser, server);
    const { page } = seen;
    await page.goto(`${server.adminUrl}/#/paper/${poll}`);
    await page.getByText('This poll has no ballot box yet.').waitFor();
    await page.fill('#actor', 'a.beispiel');
    await page.fill('#box-place', 'Markt');
    await page.getByRole('button', { name: 'Add a box' }).click();
    await message(page, 'Added: Markt');
    await page.locator('[data-box=markt]').waitFor();
    await done(seen);
  }
});

test('a survey is entered by keyboard alone', async () => {
  await server.putPoll('keys', { ...POLLS.survey, boxes: BOXES });
  const seen = await visitor(browser, server);
  const { page } = seen;
  await page.goto(`${server.adminUrl}/#/paper/keys`);
  await page.locator('#boxes').waitFor();
  await tabTo(page, 'Your name or initials');
  await page.keyboard.type('a.beispiel');
  await tabTo(page, 'Enter an opening: Foyer');
  await page.keyboard.press('Enter');
  await tabTo(page, 'Cards in the box');
  for (const text of ['2', '', '', '2', '', '', '1', '3', '', '', '', '']) {
    await page.keyboard.type(text);
    await page.keyboard.press('Enter');
  }
  assert.equal(await focused(page), 'Save the entry');
  await page.keyboard.press('Enter');
  await message(page, 'Saved: rathaus-1.');
  await done(seen);
});
