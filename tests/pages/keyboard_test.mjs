// By keyboard alone: voting in every type of poll (ranking is in citizens_test.mjs), changing and
// withdrawing, checking the receipt; setting up a poll at the town hall and opening it; cards with codes,
// withdrawing an option, reading the audit log. Never a click. (Openings of boxes are in paper_test.mjs and
// survey_paper_test.mjs, one-time codes in desk_more_test.mjs, ideas in ideas_test.mjs.)

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { check } from './checks.mjs';
import { POLLS, Server, done, launch, tabTo, visitor } from './stage.mjs';

let server;
let browser;
before(async () => { server = await Server.start(); browser = await launch(); });
after(async () => { await browser?.close(); await server?.stop(); });

const PHONE = { viewport: { width: 320, height: 640 } };
const note = (page, text) => page.locator('tally-ballot .note', { hasText: text }).waitFor();
// What has the focus, and whether one sees it.
const focus = (page) => page.evaluate(() => {
  const at = document.activeElement;
  const box = at.getBoundingClientRect();
  return { name: at.getAttribute('aria-label') ?? at.labels?.[0]?.textContent ?? at.textContent, group: at.closest('fieldset')?.querySelector('legend')?.textContent,
    outline: getComputedStyle(at).outlineStyle, inSight: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth };
});
async function press(page, name, key = 'Enter') {
  await tabTo(page, name);
  const at = await focus(page);
  assert.ok(at.inSight, `${name} has the focus out of sight`);
  assert.notEqual(at.outline, 'none', `${name} has the focus and nobody sees it`);
  await page.keyboard.press(key);
}

async function open(id) {
  const seen = await visitor(browser, server, PHONE);
  await seen.page.goto(`${server.url}/#/poll/${id}`);
  await seen.page.locator('tally-ballot form').waitFor();
  return seen;
}

test('choose: from the list of polls to the receipt, changed and withdrawn', async () => {
  await server.putPoll('many', POLLS.many);
  const seen = await visitor(browser, server, PHONE);
  const { page } = seen;
  await page.goto(server.url);
  await page.locator('.polls a').first().waitFor();
  await press(page, 'Title many');
  await page.locator('tally-ballot form').waitFor();
  await press(page, 'Vote');
  await page.getByText('Please choose at least 1.').first().waitFor();
  assert.match((await focus(page)).name, /^Idea /); // the first control of what is wrong
  await check(page, 'keyboard: too few');
  await press(page, 'Idea run', 'Space');
  await press(page, 'Vote');
  await note(page, 'Your vote is counted.');
  await check(page, 'keyboard: chosen');
  await press(page, 'Change my vote');
  await page.locator('tally-ballot form').waitFor();
  await press(page, 'Idea cinema', 'Space');
  await press(page, 'Change my vote');
  await note(page, 'Your vote is changed.');
  await press(page, 'Check my receipt');
  await page.getByText('This vote counts.').first().waitFor();
  await check(page, 'keyboard: receipt');
  await press(page, 'Poll: Title many');
  await note(page, 'You have voted.');
  const { options } = await server.ranking('many');
  assert.deepEqual([options.run.score, options.cinema.score, options.market.score], [1, 1, 0]);
  await press(page, 'Withdraw my vote');
  await press(page, 'Really withdraw');
  await note(page, 'Your vote is withdrawn.');
  assert.equal((await server.ranking('many')).totals.ballots, 0);
  await done(seen);
});

test('one of several: arrows choose among radio buttons', async () => {
  await server.putPoll('one', POLLS.one);
  const seen = await open('one');
  const { page } = seen;
  await press(page, 'All polls', 'Tab');
  while ((await page.evaluate(() => document.activeElement.type)) !== 'radio') await page.keyboard.press('Tab');
  await page.keyboard.press('Space');
  await page.keyboard.press('ArrowDown');
  const chosen = await page.evaluate(() => document.activeElement.value);
  await check(page, 'keyboard: one');
  await press(page, 'Vote');
  await note(page, 'Your vote is counted.');
  assert.equal((await server.ranking('one')).options[chosen].score, 1);
  await done(seen);
});

test('points: typed, too many, corrected', async () => {
  await server.putPoll('points', POLLS.points);
  const seen = await open('points');
  const { page } = seen;
  const give = async (idea, text) => { await tabTo(page, `Points for Idea ${idea}`); await page.keyboard.press('Control+A'); await page.keyboard.type(text); };
  await give('cinema', '3');
  await give('run', '3');
  await page.getByText('Points too many: 1.').first().waitFor();
  await press(page, 'Vote');
  await page.locator('form .note.warn', { hasText: 'Points too many: 1.' }).waitFor();
  await check(page, 'keyboard: too many points');
  await give('run', '2');
  await press(page, 'Vote');
  await note(page, 'Your vote is counted.');
  await check(page, 'keyboard: points');
  const { options } = await server.ranking('points');
  assert.deepEqual([options.cinema.score, options.run.score], [3, 2]);
  await done(seen);
});

// The group of radio buttons of an idea, and the answer by arrows from "neutral".
async function answer(page, idea, key) {
  for (let i = 0; i < 60; i += 1) {
    const at = await focus(page);
    if (at.group === idea) {
      await page.keyboard.press(key);
      return;
    }
    await page.keyboard.press('Tab');
  }
  assert.fail(`Tab never reached ${idea}`);
}

test('for and against: arrows from neutral', async () => {
  await server.putPoll('updown', POLLS.updown);
  const seen = await open('updown');
  const { page } = seen;
  await press(page, 'Vote');
  await page.getByText('Please vote for or against at least once.').first().waitFor();
  assert.equal((await focus(page)).name, 'neutral');
  await check(page, 'keyboard: nothing for or against');
  await answer(page, 'Idea cinema', 'ArrowUp');
  await answer(page, 'Idea run', 'ArrowDown');
  await press(page, 'Vote');
  await note(page, 'Your vote is counted.');
  const { options } = await server.ranking('updown');
  assert.deepEqual([options.cinema.score, options.run.score, options.market.score], [1, -1, 0]);
  await done(seen);
});

test('survey: question by question, told which one is missing', async () => {
  await server.putPoll('survey', POLLS.survey);
  const seen = await open('survey');
  const { page } = seen;
  while ((await page.evaluate(() => document.activeElement.type)) !== 'radio') await page.keyboard.press('Tab');
  assert.equal((await focus(page)).group, 'Where?');
  await page.keyboard.press('Space');
  const where = await page.evaluate(() => document.activeElement.value);
  await press(page, 'Vote');
  await page.getByText('How?: Please give at least one point.').first().waitFor();
  assert.equal((await focus(page)).group, 'How?');
  await check(page, 'keyboard: a question is missing');
  await tabTo(page, 'Points for Idea run');
  await page.keyboard.type('2');
  await press(page, 'Vote');
  await note(page, 'Your vote is counted.');
  await check(page, 'keyboard: survey');
  const { questions } = await server.ranking('survey');
  assert.deepEqual([questions.where.options[where].score, questions.how.options.run.score], [1, 2]);
  await done(seen);
});

test('the town hall: a poll is set up with boxes, rules and a survey\'s questions, tried out, made and opened', async () => {
  const seen = await visitor(browser, server, PHONE);
  const { page } = seen;
  await page.goto(server.adminUrl);
  await page.locator('#polls').waitFor({ state: 'attached' });
  const type = async (name, text) => { await tabTo(page, name); await page.keyboard.type(text); };
  await type('Your name or initials', 'm.muster');
  await type('Title in German', 'Was bauen wir?');
  await type('Title in English', 'What do we build?');
  await type('Project (a–z, 0–9, -)', 'town');
  await tabTo(page, 'How do people vote?');
  await page.keyboard.type('Giving');
  await type('Ideas, one a line', 'Brunnen | Fountain\nBank | Bench');
  await press(page, 'Online and paper');
  await press(page, 'paper counts only after a second person has confirmed it', 'Tab');
  await page.keyboard.type('Rathaus\nMarkt');
  await press(page, 'Rules of voting');
  await press(page, 'a vote may be changed', 'Space');
  await tabTo(page, 'Ranking');
  await page.keyboard.type('only once the result');
  await press(page, 'Preview');
  assert.equal((await focus(page)).name, 'Preview');
  await check(page, 'keyboard: preview');
  await type('Points for Fountain', '4');
  await page.getByText('6 of 10 points left.').waitFor();
  await press(page, 'Create as draft');
  await page.locator('main .note', { hasText: 'Created as draft: What do we build?' }).waitFor();
  await check(page, 'keyboard: created');
  const read = async () => (await fetch(`${server.adminUrl}/v1/polls/was-bauen-wir`, { headers: { 'Tallyd-Actor': 'test' } })).json();
  const made = await read();
  assert.deepEqual([made.state, made.ballot, made.boxes.map(({ id }) => id), made.revote, made.visibility, made.visible_from],
    ['draft', { type: 'points', total: 10, max_per_option: 5 }, ['rathaus', 'markt'], 'replace', 'sealed', 'final']);
  await press(page, 'Open');
  await press(page, 'Really: Open');
  await page.locator('main .note', { hasText: 'What do we build?: open' }).waitFor();
  assert.equal((await read()).state, 'open');
  await check(page, 'keyboard: opened');

  await type('Title in German', 'Umfrage');
  await type('Project (a–z, 0–9, -)', 'town');
  await tabTo(page, 'How do people vote?');
  await page.keyboard.type('Survey');
  await page.locator('fieldset.option').first().waitFor();
  for (const [at, title] of ['Wo?', 'Wie?'].entries()) {
    if (at > 0) await press(page, 'Add a question');
    // In the question by now: after adding it the focus is on its title.
    if (at === 0) while ((await focus(page)).group !== 'Question') await page.keyboard.press('Tab');
    await page.keyboard.type(title);
    await type('Ideas, one a line', 'Nord\nMitte');
  }
  await press(page, 'Preview');
  await page.getByRole('heading', { name: 'Preview' }).waitFor();
  await check(page, 'keyboard: preview of a survey');
  await press(page, 'Create as draft');
  await page.locator('main .note', { hasText: 'Created as draft: Umfrage' }).waitFor();
  const survey = await (await fetch(`${server.adminUrl}/v1/polls/umfrage`, { headers: { 'Tallyd-Actor': 'test' } })).json();
  assert.deepEqual(survey.ballot.questions.map(({ title, options }) => [title.de, options.length]), [['Wo?', 2], ['Wie?', 2]]);
  await done(seen);
});

test('the town hall: cards with codes, an option withdrawn, and the log that tells it', async () => {
  await server.putPoll('rest', { ...POLLS.many, boxes: [{ id: 'rathaus', place: 'Foyer' }], paper: { confirm: false } });
  const seen = await visitor(browser, server, PHONE);
  const { page } = seen;
  const type = async (name, text) => { await tabTo(page, name); await page.keyboard.type(text); };
  await page.goto(`${server.adminUrl}/#/paper/rest`);
  await page.locator('#boxes').waitFor();
  await type('Your name or initials', 'm.muster');
  await press(page, 'Enter cards with codes: Foyer');
  await tabTo(page, 'Code of the card');
  for (const text of ['K1', '1 3', 'K2', '2']) { // Enter goes on to the marks and back to the next code
    await page.keyboard.type(text);
    await page.keyboard.press('Enter');
  }
  await page.locator('.last-card', { hasText: 'Card 2, K2: Idea market' }).waitFor();
  await press(page, 'Remove K2');
  await press(page, 'Save the entry');
  await page.locator('main .note', { hasText: 'Saved and counted: rathaus-1.' }).waitFor();
  assert.deepEqual((await server.ranking('rest')).totals.paper, 1);

  await page.goto(`${server.adminUrl}/#/options/rest`);
  await page.locator('.option').first().waitFor();
  await press(page, 'Withdraw: Idea market');
  await tabTo(page, 'They stay with it; it takes no new ones.');
  await page.keyboard.press('Space');
  await type('Reason (goes into the audit log)', 'built already');
  await press(page, 'Carry out');
  await press(page, 'Really carry out');
  await page.locator('main .note', { hasText: 'Done: Idea market' }).waitFor();

  await page.goto(`${server.adminUrl}/#/audit/poll/rest`);
  await page.getByText('Reason: built already').waitFor();
  await type('Search for a checksum from before', '0'.repeat(64));
  await page.locator('#earlier-found', { hasText: 'It is not in this log.' }).waitFor();
  await tabTo(page, 'Download the log');
  const [file] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('Enter')]);
  assert.equal(file.suggestedFilename(), 'rest.audit');
  await done(seen);
});
