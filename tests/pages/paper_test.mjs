// Two clerks count what was in a box: the paper desk from the first keystroke to the ranking.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { atDesk, batchOf } from './paper_people.mjs';
import { IDEAS, POLLS, Server, done, launch, message, tabTo, visitor } from './stage.mjs';

let server;
let browser;
before(async () => { server = await Server.start(); browser = await launch(); });
after(async () => { await browser?.close(); await server?.stop(); });

const BOXES = [{ id: 'rathaus', place: 'Foyer of the town hall' }, { id: 'museum', place: 'Museum' }];

const desk = (poll, actor, options) => atDesk(browser, server, poll, actor, options);

const cell = (page, name) => page.locator(`[data-cell="${name}"]`);
const openBox = async (page, place) => {
  await page.getByRole('button', { name: `Enter an opening: ${place}` }).click();
  await cell(page, 'cards').waitFor();
};
const focused = (page) => page.evaluate(() => document.activeElement.dataset.cell ?? document.activeElement.textContent);
const batch = (poll, name) => batchOf(server, poll, name);
const batches = async (poll) => (await (await fetch(`${server.adminUrl}/v1/polls/${poll}/paper-batches`, { headers: { 'Tallyd-Actor': 'test' } })).json()).batches;

// Types totals as a clerk does: number, Enter, number, Enter.
async function typeTotals(page, totals) {
  await cell(page, 'cards').focus();
  for (const text of totals) {
    await page.keyboard.type(text);
    await page.keyboard.press('Enter');
  }
}

// The way of the second person from the record of an opening to the sheet.
async function beginSecond(page, actor) {
  await page.fill('#actor', actor);
  await page.getByRole('link', { name: 'Begin the second entry' }).click();
  await page.getByText('without looking at the first entry').waitFor();
}

test('a clerk pair: entered, differing, corrected, counted, printed, taken back; with a killed server in between', async () => {
  await server.putPoll('pair', { ...POLLS.one, boxes: BOXES });
  await server.vote('pair', 'online', { choices: ['run'] });
  const seen = await desk('pair', 'a.beispiel');
  const { page } = seen;
  const puts = [];
  page.on('response', (answer) => { if (answer.request().method() === 'PUT') puts.push(answer.status()); });

  await openBox(page, 'Foyer of the town hall');
  await page.fill('#head-seal', '0412');
  await typeTotals(page, ['50+27', '4', '', '60', '10', '3']); // cards, invalid, blank, three ideas
  assert.equal(await focused(page), 'Save the entry');
  assert.equal(await cell(page, 'cards').inputValue(), '77');
  await page.getByText('Valid 73, counted 73: that adds up.').waitFor();

  // Nothing typed is lost by a reload, nor by a server that is gone when it is to be saved.
  await page.reload();
  await cell(page, 'b:market').waitFor();
  assert.equal(await cell(page, 'b:market').inputValue(), '10');
  await server.kill();
  await page.getByRole('button', { name: 'Save the entry' }).dblclick();
  await message(page, 'The server cannot be reached. The figures are kept');
  await server.run();
  await message(page, 'Saved: rathaus-1.');
  assert.deepEqual(puts.filter((status) => status === 201).length, 1);
  assert.equal((await batches('pair')).length, 1);
  assert.equal((await server.ranking('pair')).totals.paper, 0);
  await page.locator('.sheet', { hasText: '77' }).waitFor();

  // The second person: figures are out of sight as soon as the name changes.
  await page.fill('#actor', 'b.zwei');
  assert.equal(await page.locator('.sheet:visible').count(), 0);
  await beginSecond(page, 'b.zwei');
  assert.equal(await cell(page, 'cards').inputValue(), '');
  await typeTotals(page, ['77', '4', '', '59', '11', '3']);
  await page.getByRole('button', { name: 'Compare and confirm' }).click();
  await page.locator('.differences').waitFor();
  assert.deepEqual(await page.locator('.differences tbody tr').allInnerTexts(), ['Idea cinema\t60\t59', 'Idea market\t10\t11']);
  assert.equal((await batch('pair', 'rathaus-1')).status, 'entered');
  await page.getByRole('button', { name: 'Change the second entry' }).click();
  assert.equal(await focused(page), 'b:cinema');
  assert.equal(await page.locator('[aria-invalid=true]').count(), 2);
  await page.keyboard.type('60');
  await page.keyboard.press('Enter');
  await page.keyboard.type('10');

  // The confirmation is taken, its answer is lost, the server dies and comes back.
  let lost = 0;
  await page.route('**/confirm', async (route) => {
    lost += 1;
    await route.fetch();
    await server.kill();
    await route.abort();
  }, { times: 1 });
  await page.getByRole('button', { name: 'Compare and confirm' }).click();
  await message(page, 'The server cannot be reached.');
  await server.run();
  await message(page, 'Both entries agree. rathaus-1 counts now.');
  assert.equal(lost, 1);
  const stored = await batch('pair', 'rathaus-1');
  assert.deepEqual([stored.status, stored.entered.by, stored.confirmed.by, stored.confirmed.blind, stored.seal], ['counted', 'a.beispiel', 'b.zwei', true, '0412']);
  const ranking = await server.ranking('pair');
  assert.deepEqual([ranking.totals.paper, ranking.totals.invalid, ranking.options.cinema.paper, ranking.options.run.score], [73, 4, 60, 4]);

  // The record that is printed.
  await page.evaluate(() => { window.printed = 0; window.print = () => { window.printed += 1; }; });
  await page.getByRole('button', { name: 'Print the record' }).click();
  assert.equal(await page.evaluate(() => window.printed), 1);
  await page.emulateMedia({ media: 'print' });
  await page.getByText('Record of the opening').waitFor();
  await page.getByText('Signatures').waitFor();
  assert.equal(await page.locator('#actor').isVisible(), false);
  assert.match(await page.locator('main').innerText(), /by a blind second entry/);
  await page.emulateMedia({ media: 'screen' });

  // The citizens see it at once.
  const citizen = await visitor(browser, server);
  await citizen.page.goto(`${server.url}/#/poll/pair`);
  await citizen.page.locator('tally-ranking li[data-id=cinema]', { hasText: 'paper 60' }).waitFor();
  await page.getByRole('button', { name: 'Take back', exact: true }).click();
  await page.getByRole('button', { name: 'Really take back' }).click();
  await message(page, 'Please give the reason.');
  await page.fill('#reason', 'counted the wrong box');
  await page.getByRole('button', { name: 'Take back', exact: true }).click();
  await page.getByRole('button', { name: 'Really take back' }).click();
  await message(page, 'rathaus-1 is taken back and counts no more.');
  await citizen.page.locator('tally-ranking li[data-id=cinema]', { hasText: 'paper 0' }).waitFor();
  await done(citizen);
  await page.getByRole('link', { name: 'To the boxes' }).click();
  await page.locator('[data-batch=rathaus-1]', { hasText: 'taken back' }).waitFor();
  await done(seen);
});

test('cards are entered one by one, refused where they break the rules, and taken back', async () => {
  await server.putPoll('cards', { ballot: { type: 'points', total: 5, max_per_option: 3 }, options: IDEAS, boxes: BOXES });
  const seen = await desk('cards', 'a.beispiel');
  const { page } = seen;
  await openBox(page, 'Museum');
  await page.getByText('Card by card').click();
  const type = async (text, answer) => {
    await page.fill('#card', text);
    await page.press('#card', 'Enter');
    await page.locator('.last-card', { hasText: answer }).waitFor();
  };
  await type('z', 'There is no card to take back.');
  await type('1:3 3:2', 'Card 1: Idea cinema (3), Idea run (2)');
  await type('1:3 3:3', 'too many points');
  await type('1:4', 'too many points');
  await type('4:1', 'There is no idea number 4.');
  await type('1:1 1:1', 'Number 1 is there twice.');
  await type('1', 'is no card');
  await page.fill('#card', '');
  await type('x', 'Card 2: invalid');
  await type('0', 'Card 3: blank');
  await type('2:1', 'Card 4: Idea market (1)');
  await type('z', 'Taken back: Idea market (1)');
  await type('3:1', 'Card 4: Idea run (1)');
  await page.reload();
  await cell(page, 's:run').waitFor();
  await type('z', 'Taken back: Idea run (1)');
  await type('3:1', 'Card 4: Idea run (1)');
  await page.getByRole('button', { name: 'Save the entry' }).click();
  await message(page, 'Saved: museum-1.');
  const stored = await batch('cards', 'museum-1');
  assert.deepEqual([stored.cards, stored.invalid, stored.blank, stored.counts], [4, 1, 1, { cinema: { ballots: 1, score: 3 }, run: { ballots: 2, score: 3 } }]);
  await done(seen);
});

test('every type of card is read by its rules', async () => {
  const { page, context } = await visitor(browser, server);
  await page.goto(server.adminUrl);
  const read = (text, ballot) => page.evaluate(async ([line, rules]) => {
    await import(document.querySelector('link[href$="texts_town_hall.js"]').href);
    const { readCard } = await import(document.querySelector('link[href$="paper_cards.js"]').href);
    const card = readCard(line, rules, 4);
    return card.fault ? 'fault' : card.marks ? card.marks.map(({ at, value }) => `${at}=${value}`).join(' ') : card.kind;
  }, [text, ballot]);
  const cases = [
    ['3', { type: 'choose', min: 1, max: 1 }, '3=1'], ['3 1', { type: 'choose', min: 1, max: 1 }, 'fault'], ['3, 1', { type: 'choose', min: 2, max: 2 }, '3=1 1=1'],
    ['3', { type: 'choose', min: 2, max: 2 }, 'fault'], ['0', { type: 'choose', min: 2, max: 2 }, 'blank'],
    ['3 1', { type: 'rank', max: 3, scoring: 'borda' }, '3=3 1=2'], ['3 1', { type: 'rank', max: 3, scoring: 'borda_ballot' }, '3=2 1=1'], ['1 2 3 4', { type: 'rank', max: 3, scoring: 'borda' }, 'fault'],
    ['3+ 4-', { type: 'updown' }, '3=1 4=-1'], ['3', { type: 'updown' }, 'fault'], ['X', { type: 'updown' }, 'invalid'], ['Z', { type: 'updown' }, 'undo'],
    ['2:0', { type: 'points', total: 3, max_per_option: 3 }, '2=0'], ['-1', { type: 'choose', min: 1, max: 1 }, 'fault'],
  ];
  for (const [text, ballot, wanted] of cases) assert.equal(await read(text, ballot), wanted, `${text} ${JSON.stringify(ballot)}`);
  await context.close();
});

test('a blind poll: the second person sees no figure of the first entry, and after a difference only its cells', async () => {
  await server.putPoll('blind', { ...POLLS.one, boxes: BOXES, paper: { confirm: true, blind: true } });
  const first = await desk('blind', 'a.beispiel');
  await openBox(first.page, 'Museum');
  await typeTotals(first.page, ['77', '4', '', '60', '10', '3']);
  await first.page.getByRole('button', { name: 'Save the entry' }).click();
  await message(first.page, 'Saved: museum-1.');
  await first.page.locator('.sheet', { hasText: '77' }).waitFor();
  await done(first);

  const second = await desk('blind', 'b.zwei');
  const { page } = second;
  await page.goto(`${server.adminUrl}/#/paper/blind/museum-1`);
  await page.getByText('The figures are hidden until the second entry agrees.').first().waitFor();
  assert.equal(await page.getByRole('button', { name: 'Show the figures' }).count(), 0);
  assert.doesNotMatch(await page.locator('main').innerText(), /77|60/);
  await beginSecond(page, 'b.zwei');
  await typeTotals(page, ['77', '4', '', '59', '11', '3']);
  await page.getByRole('button', { name: 'Compare and confirm' }).click();
  await page.locator('.differences').waitFor();
  assert.deepEqual(await page.locator('.differences tbody tr').allInnerTexts(), ['Idea cinema\t60\t59', 'Idea market\t10\t11']);
  await page.getByRole('button', { name: 'Change the second entry' }).click();
  assert.equal(await focused(page), 'b:cinema');
  await page.keyboard.type('60');
  await page.keyboard.press('Enter');
  await page.keyboard.type('10');
  await page.getByRole('button', { name: 'Compare and confirm' }).click();
  await message(page, 'Both entries agree. museum-1 counts now.');
  await page.locator('.sheet', { hasText: '77' }).waitFor();
  await done(second);
});

test('figures that do not add up are said before and after they are sent; a word is no number', async () => {
  await server.putPoll('sums', { ...POLLS.one, boxes: BOXES });
  const seen = await desk('sums', 'a.beispiel');
  const { page } = seen;
  await openBox(page, 'Museum');
  await page.getByRole('button', { name: 'Save the entry' }).click();
  await page.getByText('How many cards were in the box?').first().waitFor();
  assert.equal(await focused(page), 'cards');
  await typeTotals(page, ['10', '1', '1', '4x']);
  await page.getByRole('button', { name: 'Save the entry' }).click();
  await page.getByText('“4x” is no number.').first().waitFor();
  assert.equal(await focused(page), 'b:cinema');
  await cell(page, 'b:cinema').fill('5');
  await page.getByText('Valid 8, counted 5: 3 missing.').waitFor();
  await page.getByRole('button', { name: 'Save the entry' }).click();
  await page.getByText('That does not add up.').first().waitFor();
  await cell(page, 'b:run').fill('4');
  await page.getByText('Valid 8, counted 9: 1 too many.').waitFor();
  await cell(page, 'b:run').fill('3');
  await page.getByRole('button', { name: 'Save the entry' }).click();
  await message(page, 'Saved: museum-1.');
  await done(seen);
});

test('two desks: the same name for other figures is told apart, one person cannot confirm the own entry', async () => {
  await server.putPoll('desks', { ...POLLS.one, boxes: BOXES });
  const one = await desk('desks', 'a.beispiel');
  const two = await desk('desks', 'c.drei');
  for (const [{ page }, run] of [[one, '1'], [two, '2']]) {
    await openBox(page, 'Museum');
    await typeTotals(page, [run, '', '', '', '', run]);
  }
  const puts = [];
  one.page.on('request', (request) => { if (request.method() === 'PUT') puts.push(request.url()); });
  await one.page.getByRole('button', { name: 'Save the entry' }).dblclick();
  await message(one.page, 'Saved: museum-1.');
  assert.equal(puts.length, 1);
  await two.page.keyboard.press('Enter');
  await message(two.page, 'Other figures are stored as museum-1 already.');
  assert.deepEqual((await two.page.locator('.differences tbody tr').allInnerTexts()), ['Cards in the box\t1\t2', 'Idea run\t1\t2']);
  await two.page.getByRole('button', { name: 'Store as museum-2' }).click();
  await message(two.page, 'Saved: museum-2.');
  assert.deepEqual((await batches('desks')).map((found) => [found.batch, found.entered.by]), [['museum-1', 'a.beispiel'], ['museum-2', 'c.drei']]);
  await two.page.getByRole('link', { name: 'Begin the second entry' }).click();
  await message(two.page, 'You entered this opening yourself (c.drei).');
  // Who only looks confirms in another way, and it is recorded as such.
  await one.page.goto(`${server.adminUrl}/#/paper/desks/museum-2`);
  await one.page.getByRole('button', { name: 'Show the figures' }).click();
  await one.page.getByRole('button', { name: 'Confirm without a second entry' }).click();
  await one.page.getByRole('button', { name: 'Really: Confirm without' }).click();
  await message(one.page, 'museum-2 is confirmed and counts now.');
  assert.equal((await batch('desks', 'museum-2')).confirmed.blind, false);
  await done(one);
  await done(two);
});

test('a draft is resumed from the list or discarded; boxes are added while the poll is open', async () => {
  await server.putPoll('drafts', POLLS.one);
  const seen = await visitor(browser, server);
  const { page } = seen;
  await page.goto(`${server.adminUrl}/#/paper/drafts`);
  await page.getByText('This poll has no ballot box yet.').waitFor();
  await page.fill('#actor', 'a.beispiel');
  await page.fill('#box-place', 'Bücherei Süd');
  await page.getByRole('button', { name: 'Add a box' }).click();
  await message(page, 'Added: Bücherei Süd');
  await page.fill('#box-place', 'Bücherei Süd');
  await page.getByRole('button', { name: 'Add a box' }).click();
  await page.locator('[data-box=buecherei-sued-2]').waitFor();
  assert.equal((await (await fetch(`${server.url}/v1/polls/drafts`)).json()).state, 'open');
  await page.getByRole('button', { name: 'Enter an opening: Bücherei Süd' }).first().click();
  await cell(page, 'cards').fill('12');
  await page.getByRole('link', { name: 'To the boxes' }).click();
  await page.locator('#drafts', { hasText: 'buecherei-sued-1: first entry, 12 cards' }).waitFor();
  await page.getByRole('link', { name: 'Go on' }).click();
  assert.equal(await cell(page, 'cards').inputValue(), '12');
  await page.getByRole('link', { name: 'To the boxes' }).click();
  await page.getByRole('button', { name: 'Discard' }).click();
  await page.getByRole('button', { name: 'Really discard' }).click();
  await page.locator('#drafts').waitFor({ state: 'detached' });
  assert.equal((await batches('drafts')).length, 0);
  await done(seen);
});

test('a browser that stores nothing says so', async () => {
  await server.putPoll('unkept', { ...POLLS.one, boxes: BOXES });
  const seen = await desk('unkept', 'a.beispiel');
  const { page } = seen;
  await page.evaluate(() => { Storage.prototype.setItem = () => { throw new Error('full'); }; });
  await openBox(page, 'Museum');
  await cell(page, 'cards').fill('1');
  await message(page, 'This device does not let anything be stored.');
  await cell(page, 'b:run').fill('1');
  await page.getByRole('button', { name: 'Save the entry' }).click();
  await message(page, 'Saved: museum-1.');
  await done(seen);
});

test('a whole opening by keyboard alone, from the address to the second person', async () => {
  await server.putPoll('keys', { ...POLLS.one, boxes: BOXES });
  const seen = await visitor(browser, server);
  const { page } = seen;
  const { keyboard } = page;
  const press = async (name) => { await tabTo(page, name); await keyboard.press('Enter'); };
  const type = async (name, text) => { await tabTo(page, name); await keyboard.type(text); };
  await page.goto(`${server.adminUrl}/#/paper/keys`);
  await page.locator('#boxes').waitFor();
  await type('Your name or initials', 'a.beispiel');
  await press('Enter an opening: Museum');
  await page.getByText('First entry: museum-1').waitFor();
  await type('Seal', '99');
  await type('Cards in the box', '3');
  for (const text of ['', '0', '0', '1', '1', '1']) {
    await keyboard.type(text);
    await keyboard.press('Enter');
  }
  await keyboard.press('Enter'); // the focus is on the button by now
  await message(page, 'Saved: museum-1.');
  assert.equal(await focused(page), 'Opening museum-1');
  await tabTo(page, 'Your name or initials');
  await keyboard.press('Control+A');
  await keyboard.type('b.zwei');
  await press('Begin the second entry');
  await page.getByText('Second entry: museum-1').waitFor();
  await press('Card by card');
  await tabTo(page, 'Next card');
  for (const card of ['1', '2', '3']) {
    await keyboard.type(card);
    await keyboard.press('Enter');
  }
  await press('Compare and confirm');
  await message(page, 'Both entries agree.');
  assert.equal((await server.ranking('keys')).totals.paper, 3);
  await done(seen);
});
