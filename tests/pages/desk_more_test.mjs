// The rest of the paper desk: counts from a table, cards by their codes, the report box by box,
// one-time codes on a sheet.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { check } from './checks.mjs';
import { atDesk, batchOf } from './paper_people.mjs';
import { POLLS, Server, done, launch, message, tabTo, visitor } from './stage.mjs';

let server;
let browser;
before(async () => { server = await Server.start(); browser = await launch(); });
after(async () => { await browser?.close(); await server?.stop(); });

const BOXES = [{ id: 'rathaus', place: 'Foyer', handed_out: 200 }, { id: 'museum', place: 'Museum' }];
const PHONE = { viewport: { width: 320, height: 640 } };
const batch = (poll, name) => batchOf(server, poll, name);

const desk = (poll, actor, options) => atDesk(browser, server, poll, actor, options);

const csv = (lines, encoding = 'utf8') => ({ name: 'urne.csv', mimeType: 'text/csv', buffer: Buffer.from(lines.join('\r\n'), encoding) });
const sendTable = async (page, file, name = 'Enter the table') => {
  await page.setInputFiles('#table', file);
  await page.getByRole('button', { name }).click();
};

test('a table: wrong lines are said in words beside the lines, the right one is entered and confirmed by another table', async () => {
  await server.putPoll('table', { ...POLLS.one, boxes: BOXES });
  const seen = await desk('table', 'a.beispiel', PHONE);
  const { page } = seen;
  await page.locator('#table-part summary').click();
  await page.getByRole('button', { name: 'Enter the table' }).click();
  await page.getByText('Please choose a file.').first().waitFor();
  // As Excel saves it in Germany: semicolons, Windows-1252.
  await sendTable(page, csv(['Urne;rathaus', 'Größe;7', 'Karten;hundert', 'ungültig;4', 'Idee;Stimmen', 'cinema;60', 'kino;10', 'cinema;3'], 'latin1'));
  await page.getByText('The table was not taken. 4 places are to be changed:').first().waitFor();
  assert.deepEqual((await page.locator('.faults li').allInnerTexts()).map((text) => text.replace(/\s*\n\s*/g, ' | ')), [
    'Line 2: The first word is none that belongs here (box, seal, cards, invalid, blank, option …). | Größe;7',
    'Line 3: In column 2 there must be a number in digits, without points and commas. | Karten;hundert',
    'Line 7: There is no such idea here; the id counts, not the title. | kino;10',
    'Line 8: This idea is in an earlier line already. | cinema;3']);
  await check(page, 'a table with faults');
  await sendTable(page, csv(['Karten;5', 'Idee;Stimmen', 'cinema;5']));
  await page.getByText('The line with the box is missing.').waitFor();
  await sendTable(page, csv(['Urne;rathaus', 'Karten;77', 'ungültig;4', 'Idee;Stimmen', 'cinema;60', 'market;10', 'run;4']));
  await page.getByText('The figures of the table do not add up.').first().waitFor();
  assert.match(await page.locator('#table-part .note').innerText(), /74[^]*73/);
  assert.equal((await fetch(`${server.adminUrl}/v1/polls/table/paper-batches/rathaus-1`, { headers: { 'Tallyd-Actor': 'test' } })).status, 404);

  // The answer is lost and the server dies: the same table again is one batch.
  await page.route('**/paper-batches/*', async (route) => { await route.fetch(); await server.kill(); await route.abort(); }, { times: 1 });
  await sendTable(page, csv(['Urne;rathaus', 'Karten;77', 'ungültig;4', 'Idee;Stimmen', 'cinema;60', 'market;10', 'run;3'], 'latin1'));
  await page.getByText('The server cannot be reached.').first().waitFor();
  await check(page, 'a table without a server');
  await server.run();
  await message(page, 'Saved: rathaus-1.');
  const { batches } = await (await fetch(`${server.adminUrl}/v1/polls/table/paper-batches`, { headers: { 'Tallyd-Actor': 'test' } })).json();
  assert.deepEqual(batches.map((found) => [found.batch, found.cards]), [['rathaus-1', 77]]);

  // The same file once more is asked about; as another opening it has another name.
  await page.getByRole('link', { name: 'To the boxes' }).click();
  await page.locator('#table-part summary').click();
  const file = csv(['Urne;rathaus', 'Karten;77', 'ungültig;4', 'Idee;Stimmen', 'cinema;60', 'market;10', 'run;3'], 'latin1');
  await sendTable(page, file);
  await page.getByText('Just this table is entered as rathaus-1 already.').first().waitFor();
  await check(page, 'a table taken twice');
  await page.getByRole('button', { name: 'Store as rathaus-2' }).click();
  await message(page, 'Saved: rathaus-2.');
  await server.admin('POST', '/v1/polls/table/paper-batches/rathaus-2/void', { reason: 'twice' });
  await page.goto(`${server.adminUrl}/#/paper/table/rathaus-1`);

  await page.fill('#actor', 'b.zwei');
  await page.getByRole('link', { name: 'Begin the second entry' }).click();
  await page.locator('#table-part summary').click();
  const second = 'Compare with the table and confirm';
  await sendTable(page, csv(['box,rathaus', 'cards,77', 'invalid,4', 'option,count', 'cinema,59', 'market,11', 'run,3']), second);
  await page.locator('.differences').waitFor();
  assert.deepEqual(await page.locator('.differences tbody tr').allInnerTexts(), ['Idea cinema\t60\t59', 'Idea market\t10\t11']);
  await check(page, 'a second table that differs');
  await sendTable(page, csv(['box,rathaus', 'cards,77', 'invalid,4', 'option,count', 'cinema,60', 'market,10', 'run,3']), second);
  await message(page, 'Both entries agree. rathaus-1 counts now.');
  assert.equal((await batch('table', 'rathaus-1')).confirmed.blind, true);
  assert.equal((await server.ranking('table')).options.cinema.paper, 60);
  await done(seen);
});

test('a table of a survey needs its questions', async () => {
  await server.putPoll('table-survey', { ...POLLS.survey, boxes: BOXES });
  const seen = await desk('table-survey', 'a.beispiel', { locale: 'de-DE' });
  const { page } = seen;
  await page.locator('#table-part summary').click();
  await sendTable(page, csv(['Urne;museum', 'Karten;1', 'Idee;Stimmen', 'cinema;1']), 'Tabelle erfassen');
  await page.getByText('Zeile 3: Eine Umfrage braucht die Frage in der ersten Spalte').waitFor();
  await sendTable(page, csv(['Urne;museum', 'Karten;1', 'Frage;Idee;Karten;Punkte', 'where;cinema;1', 'how;run;1;3']), 'Tabelle erfassen');
  await message(page, 'Gespeichert: museum-1.');
  assert.deepEqual((await batch('table-survey', 'museum-1')).counts, { where: { cinema: 1 }, how: { run: { ballots: 1, score: 3 } } });
  await done(seen);
});

// Types as a scanner and a clerk do.
async function card(page, code, marks, answer) {
  await page.focus('#code');
  await page.keyboard.type(code);
  await page.keyboard.press('Enter');
  if (marks !== null) {
    await page.keyboard.type(marks);
    await page.keyboard.press('Enter');
  }
  await page.locator('.last-card', { hasText: answer }).waitFor();
}

test('cards by their codes: line by line, kept over a reload, sent once, decided by the rule of the poll', async () => {
  await server.putPoll('coded', { ...POLLS.many, boxes: BOXES, channel_rule: 'first' });
  await server.vote('coded', 'K1', { choices: ['run'] });
  const seen = await desk('coded', 'a.beispiel', PHONE);
  const { page } = seen;
  await page.getByRole('button', { name: 'Enter cards with codes: Foyer' }).click();
  await page.getByRole('button', { name: 'Save the entry' }).click();
  await page.getByText('No card entered yet.').first().waitFor();
  await card(page, 'K1', '1', 'Card 1, K1: Idea cinema');
  await card(page, 'K2', '1 2', 'Card 2, K2: Idea cinema, Idea market');
  await card(page, 'K2', null, 'K2 is in line 2 already.');
  await page.fill('#code', '');
  await card(page, 'K3', '1 2 3', 'These are 3; 2 are allowed.');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'marks');
  await page.keyboard.press('Control+A');
  await page.keyboard.type('3');
  await page.getByRole('button', { name: 'Save the entry' }).click();
  await page.getByText('One card is not finished').first().waitFor();
  await page.focus('#marks');
  await page.keyboard.press('Enter');
  await page.locator('.last-card', { hasText: 'Card 3, K3: Idea run' }).waitFor();
  await card(page, 'x', null, 'Invalid cards: 1');
  await card(page, 'K4', '0', 'Blank cards: 1');
  await card(page, 'K5', '2', 'Card 4, K5: Idea market');
  await card(page, 'z', null, 'Taken back: K5');
  await page.getByText('Cards: 5. With a code: 3, invalid: 1, blank: 1.').waitFor();
  await check(page, 'cards with codes');
  await page.reload();
  await page.getByText('Cards: 5. With a code: 3, invalid: 1, blank: 1.').waitFor();
  await page.goto(`${server.adminUrl}/#/paper/coded`);
  await page.locator('#drafts', { hasText: 'rathaus-1: cards with codes, 3 cards' }).waitFor();
  await page.getByRole('link', { name: 'Go on' }).click();
  await page.route('**/cards?*', async (route) => { await route.fetch(); await server.kill(); await route.abort(); }, { times: 1 });
  await page.getByRole('button', { name: 'Save the entry' }).dblclick();
  await page.getByText('The server cannot be reached.').first().waitFor();
  await check(page, 'cards with codes without a server');
  // What was sent stays as it is until it is answered.
  await page.getByRole('button', { name: 'Remove K2' }).click();
  await page.getByText('Cards: 5. With a code: 3, invalid: 1, blank: 1.').waitFor();
  await server.run();
  await message(page, 'Saved: rathaus-1.');
  await page.getByText('2 cards count, 1 does not count: voted online before').waitFor();
  await page.getByText('1 card to look at').click();
  await page.getByText('Card 1: voted online before').waitFor();
  await check(page, 'a batch by cards');
  // Whoever entered the cards cannot confirm; another person can, by the sums of the stack.
  await page.getByRole('link', { name: 'Begin the second entry' }).click();
  await message(page, 'You entered this opening yourself');
  await page.fill('#actor', 'b.zwei');
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByText('without looking at the first entry').waitFor();
  for (const [name, text] of [['cards', '5'], ['invalid', '1'], ['blank', '1'], ['b:cinema', '2'], ['b:market', '1'], ['b:run', '1']]) await page.fill(`[data-cell="${name}"]`, text);
  await page.getByRole('button', { name: 'Compare and confirm' }).click();
  await message(page, 'Both entries agree.');
  // The blank card is a ballot on paper too.
  const ranking = await server.ranking('coded');
  assert.deepEqual([ranking.totals.online, ranking.totals.paper, ranking.options.cinema.paper, ranking.options.run.score], [1, 3, 1, 2]);
  await done(seen);
});

for (const [type, marks, wanted] of [
  ['points', '1:2 3:1', { cinema: 2, run: 1 }], ['rank', '3 1', { run: 3, cinema: 2 }], ['updown', '1+ 2-', { cinema: 1, market: -1 }],
  ['survey', '2 / 3:3', { 'where/market': 1, 'how/run': 3 }],
]) {
  test(`a card with a code says what a vote would: ${type}`, async () => {
    await server.putPoll(`coded-${type}`, { ...POLLS[type], boxes: BOXES, paper: { confirm: false } });
    const seen = await desk(`coded-${type}`, 'a.beispiel');
    const { page } = seen;
    await page.getByRole('button', { name: 'Enter cards with codes: Foyer' }).click();
    await card(page, 'C0', marks, 'Card 1, C0');
    await page.getByRole('button', { name: 'Save the entry' }).click();
    await message(page, 'Saved and counted: rathaus-1.');
    const { options, questions } = await server.ranking(`coded-${type}`);
    const rows = options ? Object.entries(options) : Object.entries(questions).flatMap(([id, question]) => Object.entries(question.options).map(([option, row]) => [`${id}/${option}`, row]));
    assert.deepEqual(Object.fromEntries(rows.filter(([, row]) => row.paper !== 0).map(([id, row]) => [id, row.paper])), wanted);
    await done(seen);
  });
}

test('an announced batch gets its cards; as many as were announced', async () => {
  await server.putPoll('announced', { ...POLLS.one, boxes: BOXES });
  await server.admin('PUT', '/v1/polls/announced/paper-batches/rathaus-1', { box: 'rathaus', cards: 3, invalid: 1 });
  const seen = await desk('announced', 'a.beispiel', PHONE);
  const { page } = seen;
  await page.getByText('waits for its cards').waitFor();
  await page.getByRole('link', { name: 'rathaus-1' }).click();
  await message(page, 'Announced: 2 cards. They are still missing.');
  await check(page, 'an announced batch');
  await page.getByRole('button', { name: 'Enter the cards' }).click();
  await card(page, 'A1', '1', 'Card 1');
  await page.getByRole('button', { name: 'Save the entry' }).click();
  await page.getByText('There must be as many cards as were announced.').first().waitFor();
  await card(page, 'A2', '2', 'Card 2');
  await page.getByRole('button', { name: 'Save the entry' }).click();
  await message(page, 'Saved: rathaus-1.');
  assert.equal((await batch('announced', 'rathaus-1')).status, 'entered');
  await done(seen);
});

test('the report box by box: what went out is entered, what came back is compared, printed and hidden where it must be', async () => {
  await server.putPoll('report', { ...POLLS.one, boxes: BOXES, paper: { confirm: true, blind: true } });
  const put = (name, box, body, actor) => server.admin('PUT', `/v1/polls/report/paper-batches/${name}`, { box, ...body }, { 'Tallyd-Actor': actor });
  const figures = { cards: 120, invalid: 3, blank: 1, counts: { run: 116 } };
  await put('rathaus-1', 'rathaus', figures, 'a.beispiel');
  await server.admin('POST', '/v1/polls/report/paper-batches/rathaus-1/confirm', figures, { 'Tallyd-Actor': 'b.zwei' });
  await put('museum-1', 'museum', { cards: 7, counts: { run: 7 } }, 'a.beispiel');
  const seen = await desk('report', 'c.drei', PHONE);
  const { page } = seen;
  await page.getByRole('link', { name: 'Boxes compared' }).click();
  const row = (box) => page.locator(`.report [data-box=${box}] td`).allInnerTexts();
  await page.locator('.report').waitFor();
  assert.deepEqual(await row('rathaus'), ['200', '0', '120', '3', '1', '0', '80']);
  assert.deepEqual(await row('museum'), ['–', 'hidden', '0', '0', '0', '0', '–']);
  assert.deepEqual(await page.locator('.report tfoot td').allInnerTexts(), ['–', '–', '120', '3', '1', '0', '–']);
  await message(page, '1 opening still waits for the second person.');
  await check(page, 'the report');
  await page.getByText('Enter what was handed out').click();
  await page.getByLabel('Handed out: Museum').fill('5');
  await check(page, 'what was handed out');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await message(page, 'Entered.');
  assert.equal((await row('museum'))[0], '5');
  await server.admin('POST', '/v1/polls/report/paper-batches/museum-1/confirm', { cards: 7, counts: { run: 7 } }, { 'Tallyd-Actor': 'b.zwei' });
  await page.reload();
  await page.locator('.report').waitFor();
  assert.deepEqual(await row('museum'), ['5', '0', '7', '0', '0', '0', '-2']);
  assert.deepEqual(await page.locator('.report tfoot td').allInnerTexts(), ['205', '0', '127', '3', '1', '0', '78']);
  await page.evaluate(() => { window.printed = 0; window.print = () => { window.printed += 1; }; });
  await page.getByRole('button', { name: 'Print the report' }).click();
  assert.equal(await page.evaluate(() => window.printed), 1);
  await page.emulateMedia({ media: 'print' });
  await page.getByText('Signatures').waitFor();
  assert.equal(await page.getByRole('button', { name: 'Print the report' }).isVisible(), false);
  await done(seen);
});

test('one-time codes are made, shown once on a sheet, and vote', async () => {
  await server.putPoll('codes', { ...POLLS.one, boxes: BOXES, eligible: { roll: true } });
  const seen = await visitor(browser, server, PHONE);
  const { page } = seen;
  await page.goto(`${server.adminUrl}/#/paper/codes/+codes`);
  await tabTo(page, 'Your name or initials');
  await page.keyboard.type('chefin');
  await tabTo(page, 'How many');
  await page.keyboard.press('Control+A');
  await page.keyboard.type('0');
  await check(page, 'making codes');
  await page.keyboard.press('Enter');
  await message(page, '“0” is no number.');
  await page.fill('#codes-count', '3');
  await tabTo(page, 'Name of this series (empty: one is given)');
  await page.keyboard.type('briefe-1');
  await tabTo(page, 'Make codes');
  await page.keyboard.press('Enter');
  await message(page, '3 codes, series briefe-1. Print now');
  const codes = await page.locator('.codes code').allInnerTexts();
  assert.equal(new Set(codes).size, 3);
  await check(page, 'a sheet of codes');
  await page.emulateMedia({ media: 'print' });
  assert.equal(await page.locator('.codes').isVisible(), true);
  assert.equal(await page.locator('#actor').isVisible(), false);
  await page.emulateMedia({ media: 'screen' });
  await server.vote('codes', codes[1], { choices: ['run'] });
  await assert.rejects(server.vote('codes', 'guessed', { choices: ['run'] }), /not_on_roll/);
  // Not once more: neither by going back nor under the same name.
  await page.reload();
  await page.locator('#codes-name').waitFor();
  assert.equal(await page.locator('.codes').count(), 0);
  await page.fill('#codes-name', 'briefe-1');
  await page.getByRole('button', { name: 'Make codes' }).click();
  await message(page, 'There is a series briefe-1 already');
  assert.equal((await server.ranking('codes')).options.run.online, 1);
  await done(seen);
});
