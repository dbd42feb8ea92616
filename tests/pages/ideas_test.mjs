// Ideas as citizens see them: handed in once whatever happens, and what becomes of them; by keyboard from
// the poll to the vote for one's own idea.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { citizen, handIn, ideasOf, pollOf, titles } from './idea_people.mjs';
import { IDEAS, POLLS, Server, done, launch, message, tabTo, visitor } from './stage.mjs';

let server;
let browser;
before(async () => { server = await Server.start(); browser = await launch(); });
after(async () => { await browser?.close(); await server?.stop(); });

const ideas = (state, project) => ideasOf(server, state, project);

test('by keyboard alone: handed in, accepted, merged and rejected, in German', async () => {
  const project = 'keyboard';
  await server.putPoll('summer', { ...POLLS.one, project });
  const seen = await visitor(browser, server, { locale: 'de-DE' });
  const { page } = seen;
  const { keyboard } = page;
  await page.goto(`${server.url}/#/poll/summer`);
  await page.locator('tally-ballot form').waitFor();
  await tabTo(page, 'Eigene Idee einreichen und meine Ideen sehen');
  await keyboard.press('Enter');
  await page.locator('#idea-title').waitFor();
  for (const [title, text] of [['Mehr Bänke am Fluss', 'Am Ufer fehlen Bänke.\nMit Lehne.'], ['Laufen im Park', ''], ['Ein Haus in Rom', '']]) {
    await page.locator('#idea-title').waitFor();
    await tabTo(page, 'Ihre Idee in einem Satz');
    await keyboard.type(title);
    await tabTo(page, 'Beschreibung (freiwillig)');
    await keyboard.insertText(text);
    await tabTo(page, 'Idee einreichen');
    await keyboard.press('Enter');
    await page.locator('#own-ideas li', { hasText: title }).getByText('Ihre Idee wartet auf die Prüfung.').waitFor();
    assert.match(await page.evaluate(() => document.activeElement.textContent), /eingereicht/);
  }
  assert.deepEqual((await ideas('pending', project)).map(({ title, text }) => [title.de, text?.de]), [['Mehr Bänke am Fluss', 'Am Ufer fehlen Bänke.\nMit Lehne.'], ['Laufen im Park', undefined], ['Ein Haus in Rom', undefined]]);

  const hall = await visitor(browser, server, { locale: 'de-DE' });
  const { page: desk } = hall;
  const type = async (name, text) => { await tabTo(desk, name); await desk.keyboard.type(text); };
  const press = async (name, key = 'Enter') => { await tabTo(desk, name); await desk.keyboard.press(key); };
  await desk.goto(server.adminUrl);
  await desk.locator('#polls li').first().waitFor();
  await type('Ihr Kürzel', 'm.muster');
  await press('Eingereichte Ideen prüfen');
  // Oldest first.
  await desk.locator('#ideas li').nth(2).waitFor();
  assert.deepEqual(await desk.locator('#ideas li a').allTextContents(), ['Mehr Bänke am Fluss', 'Laufen im Park', 'Ein Haus in Rom']);
  await press('Mehr Bänke am Fluss');
  await desk.getByText('Am Ufer fehlen Bänke.').waitFor();
  await press('Annehmen: wird sofort ein Vorschlag', ' ');
  await type('Kosten', '4000');
  await press('Entscheiden');
  await desk.getByText('„Mehr Bänke am Fluss“ annehmen?').first().waitFor();
  await desk.keyboard.press('Enter'); // the focus is on "Ja, so entscheiden"
  await message(desk, 'Angenommen: Mehr Bänke am Fluss');

  await press('Laufen im Park');
  await desk.getByRole('heading', { name: 'Laufen im Park' }).waitFor();
  await tabTo(desk, 'Annehmen: wird sofort ein Vorschlag');
  await desk.keyboard.press('ArrowDown');
  await desk.keyboard.press('ArrowDown');
  await press('Idee cinema cinema', ' ');
  await desk.keyboard.press('ArrowDown');
  await desk.keyboard.press('ArrowDown');
  await press('Entscheiden');
  await desk.keyboard.press('Enter');
  await message(desk, 'Zusammengelegt: Laufen im Park');

  await press('Ein Haus in Rom');
  await desk.getByRole('heading', { name: 'Ein Haus in Rom' }).waitFor();
  await tabTo(desk, 'Annehmen: wird sofort ein Vorschlag');
  await desk.keyboard.press('ArrowDown');
  await tabTo(desk, 'Grund (sieht, wer die Idee eingereicht hat)');
  await desk.keyboard.type('liegt nicht');
  await press('Entscheiden');
  await desk.getByText('Grund: liegt nicht in der Stadt.').first().waitFor();
  await desk.keyboard.press('Enter');
  await message(desk, 'Abgelehnt: Ein Haus in Rom');
  await desk.getByText('Keine Idee wartet auf die Prüfung.').waitFor();
  const { options } = await pollOf(server, 'summer');
  assert.deepEqual(options.at(-1), { id: 'mehr-baenke-am-fluss', title: { de: 'Mehr Bänke am Fluss' }, cost: 4000 });
  assert.equal(options.length, IDEAS.length + 1);
  await done(hall);

  // What the citizen sees of it, in both languages; and the idea can be voted for.
  await tabTo(page, 'Stand neu abfragen');
  await keyboard.press('Enter');
  const own = page.locator('#own-ideas li');
  await own.filter({ hasText: 'Mehr Bänke am Fluss' }).getByText('Ihre Idee ist angenommen und steht zur Wahl.').waitFor();
  await own.filter({ hasText: 'Laufen im Park' }).getByText('zusammengelegt mit „Idee run“').waitFor();
  await own.filter({ hasText: 'Ein Haus in Rom' }).getByText('Grund: liegt nicht in der Stadt').waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Stand neu abfragen');
  await page.getByRole('button', { name: 'English' }).click();
  await own.filter({ hasText: 'Ein Haus in Rom' }).getByText('Reason: is not in this town').waitFor();
  await own.filter({ hasText: 'Mehr Bänke am Fluss' }).getByRole('link', { name: 'Poll: Title summer' }).click();
  await page.locator('tally-ballot .option[data-id=mehr-baenke-am-fluss] input').check();
  await page.getByRole('button', { name: 'Vote' }).click();
  await page.locator('code.receipt').waitFor();
  assert.equal((await server.ranking('summer')).options['mehr-baenke-am-fluss'].score, 1);
  await done(seen);
});

test('an idea that was sent into silence arrives once', async () => {
  const project = 'silence';
  await server.putPoll('silent', { ...POLLS.one, project });
  const seen = await citizen(browser, server, project);
  const { page } = seen;
  const count = async () => titles(await ideas('pending', project));

  // The server takes it, the answer is lost, the tab is loaded anew.
  await page.route('**/ideas', async (route) => { await route.fetch(); await route.abort(); });
  await handIn(page, 'Lost answer');
  await message(page, 'No connection. Your idea is kept');
  assert.deepEqual(await count(), ['Lost answer']);
  await page.unroute('**/ideas');
  await page.reload();
  await page.locator('#own-ideas li', { hasText: 'Lost answer' }).waitFor();
  assert.deepEqual(await count(), ['Lost answer']);

  // Killed before it is sent; what was typed in another language is still there.
  await page.fill('#idea-title', 'Killed server');
  await page.getByRole('button', { name: 'Deutsch' }).click();
  await page.getByRole('button', { name: 'Idee einreichen' }).waitFor();
  assert.equal(await page.inputValue('#idea-title'), 'Killed server');
  await page.getByRole('button', { name: 'English' }).click();
  await page.getByRole('button', { name: 'Hand in the idea' }).waitFor();
  await server.kill();
  await page.getByRole('button', { name: 'Hand in the idea' }).dblclick();
  await message(page, 'No connection. Your idea is kept');
  await server.run();
  await page.locator('#own-ideas li', { hasText: 'Killed server' }).waitFor();
  assert.equal(await page.inputValue('#idea-title'), '');

  // Overloaded, under the same key; then not to be sent after all, and sent.
  const keys = [];
  await page.route('**/ideas', (route) => {
    keys.push(route.request().headers()['idempotency-key']);
    return route.fulfill({ status: 503, headers: { 'Retry-After': '1', 'Content-Type': 'application/problem+json' }, body: '{"code":"overloaded","status":503}' });
  });
  await handIn(page, 'Overloaded');
  await message(page, 'It is busy at the moment. Your idea is sent again by itself in 1 s');
  while (keys.length < 3) await page.waitForTimeout(100);
  assert.equal(new Set(keys).size, 1);
  await page.getByRole('button', { name: 'Do not send' }).click();
  await message(page, 'Not sent. Your text is back in the form.');
  assert.equal(await page.inputValue('#idea-title'), 'Overloaded');
  await page.unroute('**/ideas');
  await page.getByRole('button', { name: 'Hand in the idea' }).click();
  await page.locator('#own-ideas li', { hasText: 'Overloaded' }).waitFor();
  assert.deepEqual(await count(), ['Lost answer', 'Killed server', 'Overloaded']);
  assert.deepEqual(await page.locator('#own-ideas li strong').allTextContents(), ['Overloaded', 'Killed server', 'Lost answer']);
  await done(seen);

  // Another person sees none of them, and may not read them.
  const other = await citizen(browser, server, project);
  await other.page.getByText('You have handed in no idea on this device yet.').waitFor();
  await other.page.evaluate((id) => localStorage.setItem('tallyd.ideas.silence', JSON.stringify([id])), (await ideas('pending', project))[0].id);
  await other.page.reload();
  await other.page.getByText('1 idea was handed in from this device with another access.').waitFor();
  await done(other);
});

test('two tabs: each sends what waits, none loses what was typed in the other', async () => {
  await server.putPoll('tabs', { ...POLLS.one, project: 'tabs' });
  const seen = await citizen(browser, server, 'tabs');
  const { page, context } = seen;
  const other = await context.newPage();
  await other.goto(`${server.url}/#/ideas/tabs`);
  await other.fill('#idea-title', 'Second tab');
  const third = await context.newPage();
  await third.goto(`${server.url}/#/ideas/tabs`);
  await third.fill('#idea-title', 'Third tab');
  await context.route('**/ideas', (route) => route.abort());
  await handIn(page, 'First tab');
  await message(page, 'No connection.');
  await other.getByRole('button', { name: 'Hand in the idea' }).click();
  await message(other, 'Another idea from this device is still being sent.');
  // A third one sends it, in place of the first; what was typed there stays.
  await third.reload();
  await message(third, 'No connection.');
  await context.unroute('**/ideas');
  await third.locator('#own-ideas li', { hasText: 'First tab' }).waitFor();
  await page.locator('#own-ideas li', { hasText: 'First tab' }).waitFor();
  assert.equal(await third.inputValue('#idea-title'), 'Third tab');
  assert.equal(await other.inputValue('#idea-title'), 'Second tab');
  await other.getByRole('button', { name: 'Hand in the idea' }).click();
  await other.locator('#own-ideas li', { hasText: 'Second tab' }).waitFor();
  assert.deepEqual(titles(await ideas('pending', 'tabs')), ['First tab', 'Second tab']);
  // Closed before it was sent; the next tab has it, and gives it back.
  await context.route('**/ideas', (route) => route.abort());
  await third.fill('#idea-title', '');
  await handIn(page, 'Closed tab', 'With words');
  await message(page, 'No connection.');
  await page.close();
  await third.reload();
  await message(third, 'No connection.');
  await third.getByRole('button', { name: 'Do not send' }).click();
  assert.deepEqual([await third.inputValue('#idea-title'), await third.inputValue('#idea-text')], ['Closed tab', 'With words']);
  await done(seen);
});

test('the code of the page for ideas comes when it is asked for, and is asked for again where it did not come', async () => {
  await server.putPoll('lazy', { ...POLLS.one, project: 'lazy' });
  const { page, context } = await visitor(browser, server);
  const code = [];
  page.on('request', (request) => { if (/\/(ideas|idea_outbox|texts_ideas)\.js$/.test(request.url())) code.push(request.url()); });
  await page.goto(`${server.url}/#/poll/lazy`);
  await page.locator('tally-ballot form').waitFor();
  await page.waitForTimeout(300); // that nothing is asked for has no end to wait for
  assert.deepEqual(code, []);
  await page.route('**/ideas.js', (route) => route.abort());
  await page.getByRole('link', { name: 'Hand in an idea of your own' }).click();
  await message(page, 'The server does not answer.');
  await page.unroute('**/ideas.js');
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.locator('#idea-title').waitFor();
  await context.close();
});

test('what the server refuses a citizen is said, and the text stays', async () => {
  await server.putPoll('busy', { ...POLLS.one, project: 'busy' });
  const seen = await citizen(browser, server, 'busy');
  const { page } = seen;
  await page.getByRole('button', { name: 'Hand in the idea' }).click();
  await page.getByText('Please write your idea down in one sentence.').first().waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.id), 'idea-title');
  for (let i = 1; i <= 10; i += 1) {
    await handIn(page, `Number ${i}`);
    await page.locator('#own-ideas li', { hasText: `Number ${i}` }).first().waitFor();
  }
  await handIn(page, 'Number 11', 'One too many');
  await message(page, 'Too many ideas are waiting');
  assert.deepEqual([await page.inputValue('#idea-title'), await page.inputValue('#idea-text')], ['Number 11', 'One too many']);
  assert.equal((await ideas('pending', 'busy')).length, 10);
  // As long as may be, with what does not print.
  await server.putPoll('long', { ...POLLS.one, project: 'long' });
  await page.goto(`${server.url}/#/ideas/long`);
  await page.getByText('About: Title long').waitFor();
  await handIn(page, `\u0007${'ä'.repeat(499)}`, `a\tb\n${'ö'.repeat(3996)}`);
  await page.locator('#own-ideas li').waitFor();
  const [long] = await ideas('pending', 'long');
  assert.equal(Object.values(long.title)[0], 'ä'.repeat(499));
  assert.equal(Object.values(long.text)[0], `a b\n${'ö'.repeat(3996)}`);
  // Too long in bytes, where the characters would be allowed; no such project; no access.
  await page.route('**/ideas', (route) => route.fulfill({ status: 413, headers: { 'Content-Type': 'application/problem+json' }, body: '{"code":"body_too_large","status":413}' }));
  await handIn(page, 'Short');
  await message(page, 'The text is too long.');
  await page.unroute('**/ideas');
  for (const [status, code, words] of [[401, 'unauthorized', 'You need access'], [403, 'forbidden', 'You may not hand in anything']]) {
    await page.route('**/ideas', (route) => route.fulfill({ status, headers: { 'Content-Type': 'application/problem+json' }, body: JSON.stringify({ code, status }) }));
    await handIn(page, 'Short');
    await message(page, words);
    await page.unroute('**/ideas');
  }
  await page.goto(`${server.url}/#/ideas/nowhere`);
  await page.getByText('You have handed in no idea').waitFor();
  await handIn(page, 'To nobody');
  await message(page, 'No ideas are collected here.');
  // The polls are over.
  await server.putPoll('past', { ...POLLS.one, project: 'past' });
  for (const to of ['closed', 'final']) await server.admin('POST', '/v1/polls/past/transitions', { to });
  await page.goto(`${server.url}/#/ideas/past`);
  await message(page, 'The polls on this have ended.');
  await done(seen);
});
