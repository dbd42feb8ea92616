// The moderator's story: a queue of ideas decided on, with a killed server, lost answers and two moderators
// at the same idea; with tokens; and options withdrawn with what becomes of their votes.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { ask, citizen, handIn, ideasOf, moderator, openIdea, pollOf, reject, sure, titles } from './idea_people.mjs';
import { IDEAS, POLLS, Server, done, launch, message, visitor } from './stage.mjs';

let server;
let browser;
before(async () => { server = await Server.start(); browser = await launch(); });
after(async () => { await browser?.close(); await server?.stop(); });

const ideas = (state, project) => ideasOf(server, state, project);

// A server that asks for tokens, and who they are made for.
async function withTokens(run) {
  const directory = mkdtempSync(join(tmpdir(), 'tallyd-pages-tokens-'));
  const secret = '0123456789abcdef0123456789abcdef';
  const encode = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
  const tokenFor = (sub, scope) => {
    const signed = `${encode({ alg: 'HS256', kid: 'k', typ: 'JWT' })}.${encode({ iss: 'https://town.example', aud: 'tallyd', sub, scope, exp: Math.floor(Date.now() / 1000) + 3600 })}`;
    return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
  };
  const keys = join(directory, 'keys.json');
  writeFileSync(keys, JSON.stringify({ keys: [{ kty: 'oct', kid: 'k', alg: 'HS256', k: encode(secret) }] }));
  chmodSync(keys, 0o600);
  const issuers = join(directory, 'issuers.json');
  writeFileSync(issuers, JSON.stringify({ issuers: [{ issuer: 'https://town.example', audience: 'tallyd', keys_file: 'keys.json', scopes_max: ['vote', 'admin', 'moderate', 'paper', 'analyse'] }] }));
  const guarded = await Server.start([], { issuers, token: tokenFor('chief', 'admin') });
  try {
    await run(guarded, tokenFor);
  } finally {
    await guarded.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

test('with tokens: ideas are those of the token, and a moderator may moderate and no more', () => withTokens(async (guarded, tokenFor) => {
  await guarded.putPoll('shown', { ...POLLS.one, project: 'guarded' });
  await guarded.putPoll('hidden', { ...POLLS.one, project: 'guarded', state: 'draft' });
  const seen = await visitor(browser, guarded);
  const { page } = seen;
  const arrive = async (token) => {
    await page.goto('about:blank');
    await page.goto(`${guarded.url}/${token ? `#token=${token}` : ''}`);
    await page.locator('.polls a').first().waitFor();
    await page.goto(`${guarded.url}/#/ideas/guarded`);
    await page.locator('#idea-title').waitFor();
  };
  await arrive(null);
  await handIn(page, 'Lake');
  await message(page, 'You need access to hand in an idea.');
  assert.equal(await page.inputValue('#idea-title'), 'Lake');
  await arrive(tokenFor('anna', 'vote'));
  assert.equal(await page.inputValue('#idea-title'), 'Lake');
  await page.getByRole('button', { name: 'Hand in the idea' }).click();
  await page.locator('#own-ideas li', { hasText: 'Lake' }).waitFor();
  await arrive(tokenFor('ben', 'vote'));
  await page.getByText('1 idea was handed in from this device with another access.').waitFor();
  assert.equal(await page.locator('#own-ideas li').count(), 0);
  await arrive(tokenFor('robot', 'analyse'));
  await handIn(page, 'Machine');
  await message(page, 'You may not hand in anything here');
  await done(seen);

  const hall = await visitor(browser, guarded);
  const { page: desk } = hall;
  await desk.goto(`${guarded.adminUrl}/#/ideas`);
  await desk.getByText('needs a valid token').first().waitFor();
  await desk.locator('summary').first().click();
  await desk.fill('#token', tokenFor('m.muster', 'moderate'));
  await desk.getByRole('button', { name: 'Use' }).click();
  await openIdea(desk, 'Lake');
  await desk.getByLabel('Accept: becomes an option at once').check();
  // Drafts are shown to administrators only; whoever knows the id may name it.
  await desk.locator('#approve-poll option', { hasText: 'Title shown' }).waitFor({ state: 'attached' });
  assert.equal(await desk.locator('#approve-poll option', { hasText: 'Title hidden' }).count(), 0);
  await desk.selectOption('#approve-poll', '*');
  await desk.fill('#approve-by-id', 'hidden');
  await desk.fill('#approve-option', 'lake');
  await ask(desk);
  await sure(desk);
  await message(desk, 'Accepted: Lake');
  await desk.goto(`${guarded.adminUrl}/#/ideas/approved/guarded`);
  await desk.locator('#ideas li').getByText('m.muster').waitFor();
  // Not the options, nor a poll's log; the project's log is for moderators too.
  await desk.goto(`${guarded.adminUrl}/#/options/shown`);
  await desk.getByRole('button', { name: 'Withdraw: Idea run' }).click();
  await desk.getByLabel('They stay with it').check();
  await desk.getByRole('button', { name: 'Carry out', exact: true }).click();
  await desk.getByRole('button', { name: 'Really carry out' }).click();
  await message(desk, 'You may not do that with this access.');
  await desk.goto(`${guarded.adminUrl}/#/audit/poll/shown`);
  await desk.getByText('You may not do that with this access.').first().waitFor();
  await desk.goto(`${guarded.adminUrl}/#/audit/project/guarded`);
  await desk.locator('#chain[data-chain=ok]').waitFor();
  await done(hall);
}));

test('a moderator decides while the server is killed and answers get lost: each decision holds once', async () => {
  const project = 'story';
  const many = Array.from({ length: 60 }, (_, i) => ({ id: `o${i}`, title: { en: `Option ${i}` } }));
  await server.putPoll('story', { ...POLLS.one, project, options: many });
  await server.putPoll('story-draft', { ...POLLS.one, project, state: 'draft' });
  const people = await citizen(browser, server, project);
  const names = ['Benches', 'Fountain', 'Fifty-nine again', 'Moon trip', 'Own words', 'Into the draft'];
  for (const name of names) {
    await handIn(people.page, name);
    await people.page.locator('#own-ideas li', { hasText: name }).waitFor();
  }
  const seen = await moderator(browser, server, 'm.muster', `#/ideas/pending/${project}`);
  const { page } = seen;
  const posts = [];
  page.on('response', (answer) => { if (answer.request().method() === 'POST') posts.push(answer.status()); });

  // The server dies before the decision, comes back, and the decision reaches it by itself.
  await openIdea(page, 'Benches');
  await page.fill('#actor', '');
  await ask(page);
  await message(page, 'every act is recorded');
  await page.fill('#actor', 'm.muster');
  await ask(page);
  await page.getByText('Please choose what is to become of the idea.').first().waitFor();
  await page.getByLabel('Accept: becomes an option at once').check();
  await ask(page);
  await page.getByText('Please choose the poll.').first().waitFor();
  await page.selectOption('#approve-poll', 'story');
  assert.equal(await page.inputValue('#approve-option'), 'benches');
  await ask(page);
  await server.kill();
  await page.getByRole('button', { name: 'Yes, decide so' }).dblclick();
  await message(page, 'The server cannot be reached. The decision is sent again by itself');
  await server.run();
  await message(page, 'Accepted: Benches');
  assert.equal((await pollOf(server, 'story')).options.filter(({ id }) => id === 'benches').length, 1);
  assert.deepEqual(posts.filter((status) => status === 200).length, 1);

  // The server has decided, but nobody heard it; it is the own decision, not somebody else's.
  await openIdea(page, 'Fountain');
  await page.route('**/decision', async (route) => { await route.fetch(); await route.abort(); });
  await reject(page, 'too_expensive');
  await sure(page);
  await message(page, 'The server cannot be reached. The decision is sent again by itself');
  assert.deepEqual(titles(await ideas('rejected', project)), ['Fountain']);
  await page.unroute('**/decision');
  await page.getByRole('button', { name: 'Send now' }).click();
  await message(page, 'Rejected: Fountain');

  // The target of a merge is searched for.
  await openIdea(page, 'Fifty-nine again');
  await page.getByLabel('Put together').check();
  await page.selectOption('#merge-poll', 'story');
  await page.getByText('50 of 61 shown').waitFor();
  await ask(page);
  await page.getByText('Please choose the option.').first().waitFor();
  await page.getByLabel('Search options').fill('ption 59');
  await page.locator('#merge-target-count', { hasText: '1 option' }).waitFor();
  await page.locator('input[name=merge-target]').check();
  await page.getByLabel('Search options').fill('ption 12');
  assert.equal(await page.locator('input[name=merge-target]').count(), 2); // what is chosen stays in sight
  await ask(page);
  await page.getByText('Put “Fifty-nine again” together with “Option 59”?').waitFor();
  await sure(page);
  await message(page, 'Put together: Fifty-nine again');

  // Two moderators at one idea: the second is told, and nothing of theirs is stored.
  const other = await moderator(browser, server, 'b.zwei', `#/ideas/pending/${project}`);
  await openIdea(other.page, 'Moon trip');
  await openIdea(page, 'Moon trip');
  await reject(other.page, 'not_in_town');
  await sure(other.page);
  await message(other.page, 'Rejected: Moon trip');
  await reject(page, 'not_feasible');
  await sure(page);
  await message(page, 'Meanwhile b.zwei has decided: rejected. Your decision is not stored.');
  await page.getByText('is not in this town').waitFor();
  assert.equal(await page.getByRole('button', { name: 'Decide', exact: true }).count(), 0);
  await done(other);

  // A reason of the city's own, and stopping to send.
  await page.getByRole('link', { name: 'To the ideas handed in' }).click();
  await openIdea(page, 'Own words');
  await reject(page, '*');
  await page.getByText('Please choose the reason.').first().waitFor();
  await page.locator('#reject-own').fill('Nicht jetzt');
  await ask(page);
  await page.getByText('A reason is made of').first().waitFor();
  await page.locator('#reject-own').fill('next_year');
  await ask(page);
  await page.route('**/decision', (route) => route.fulfill({ status: 503, headers: { 'Retry-After': '60', 'Content-Type': 'application/problem+json' }, body: '{"code":"overloaded","status":503}' }));
  await sure(page);
  await message(page, 'The server is overloaded. The decision is sent again by itself in 60 s');
  await page.getByRole('button', { name: 'Stop sending' }).click();
  await message(page, 'Not sent any more.');
  await page.unroute('**/decision');
  await reject(page, '*');
  await page.locator('#reject-own').fill('next_year');
  await ask(page);
  await sure(page);
  await message(page, 'Rejected: Own words');

  // The id is taken; then under another one, into a draft.
  await openIdea(page, 'Into the draft');
  await page.getByLabel('Accept: becomes an option at once').check();
  await page.selectOption('#approve-poll', 'story-draft');
  await page.fill('#approve-option', 'run');
  await ask(page);
  await sure(page);
  await message(page, 'This poll has an option with this id already.');
  await page.fill('#approve-option', 'into the draft');
  await ask(page);
  await page.getByText('The id is 1 to 64').first().waitFor();
  await page.fill('#approve-option', 'into-the-draft');
  await page.selectOption('#approve-poll', '*');
  await page.locator('#approve-by-id').fill('story-drafts');
  await page.fill('#approve-option', 'into-the-draft');
  await ask(page);
  await sure(page);
  await message(page, 'There is no such poll.');
  await page.locator('#approve-by-id').fill('story-draft');
  await ask(page);
  await sure(page);
  await message(page, 'Accepted: Into the draft');

  // Everything is there after one more crash, once.
  await server.kill();
  await server.run();
  assert.deepEqual(titles(await ideas('pending', project)), []);
  assert.deepEqual(titles(await ideas('approved', project)), ['Benches', 'Into the draft']);
  assert.deepEqual((await ideas('rejected', project)).map(({ title, moderator: by, reason_code: code }) => [title.en, by, code]),
    [['Fountain', 'm.muster', 'too_expensive'], ['Moon trip', 'b.zwei', 'not_in_town'], ['Own words', 'm.muster', 'next_year']]);
  assert.deepEqual((await ideas('merged', project)).map(({ title, option }) => [title.en, option]), [['Fifty-nine again', 'o59']]);
  assert.equal((await pollOf(server, 'story')).options.length, 61);
  assert.equal((await pollOf(server, 'story-draft')).options.length, IDEAS.length + 1);
  await page.reload();
  await page.getByRole('link', { name: 'Rejected' }).click();
  await page.locator('#ideas li', { hasText: 'Own words' }).getByText('next_year').waitFor();
  assert.equal(await page.locator('#ideas li').count(), 3);
  await done(seen);

  await people.page.getByRole('button', { name: 'Look again' }).click();
  const own = people.page.locator('#own-ideas li');
  await own.filter({ hasText: 'Into the draft' }).getByText('Its poll is not public yet.').waitFor();
  await own.filter({ hasText: 'Own words' }).getByText('Reason: next_year').waitFor();
  await done(people);
});

test('an idea becomes an option of a question of a survey', async () => {
  await server.putPoll('asked', { ...POLLS.survey, project: 'survey' });
  const people = await citizen(browser, server, 'survey');
  await handIn(people.page, 'At the lake');
  await people.page.locator('#own-ideas li').waitFor();
  const seen = await moderator(browser, server, 'm.muster', '#/ideas/pending/survey');
  await openIdea(seen.page, 'At the lake');
  await seen.page.getByLabel('Accept: becomes an option at once').check();
  await seen.page.selectOption('#approve-question', 'how');
  await ask(seen.page);
  await sure(seen.page);
  await message(seen.page, 'Accepted: At the lake');
  assert.deepEqual((await pollOf(server, 'asked')).ballot.questions.map(({ options }) => options.at(-1).id), ['run', 'at-the-lake']);
  await people.page.getByRole('button', { name: 'Look again' }).click();
  await people.page.getByText('Your idea is accepted').waitFor();
  await done(people);
  await done(seen);
});

test('an option is withdrawn, and its votes are kept, moved or released', async () => {
  await server.putPoll('fates', { ...POLLS.many, project: 'fates', options: [...IDEAS, { id: 'lake', title: { en: 'Idea lake' } }], boxes: [{ id: 'hall', place: 'Hall' }], paper: { confirm: true } });
  for (const [voter, choices] of [['a', ['cinema']], ['b', ['cinema', 'market']], ['c', ['run']], ['d', ['lake']]]) await server.vote('fates', voter, { choices });
  const seen = await moderator(browser, server, 'm.muster', '#/options/fates');
  const { page } = seen;
  const option = (id) => page.locator(`.option[data-id=${id}]`).first();
  const carry = () => page.getByRole('button', { name: 'Carry out', exact: true }).click();
  const carryOut = async () => {
    await carry();
    await page.getByRole('button', { name: 'Really carry out' }).click();
  };
  const scores = async () => Object.fromEntries(Object.entries((await server.ranking('fates')).options).map(([id, { score }]) => [id, score]));
  await page.getByRole('button', { name: 'Withdraw: Idea market' }).click();
  await carry();
  await page.getByText('Please choose what becomes of the votes.').first().waitFor();
  await page.getByLabel('They stay with it').check();
  await page.getByLabel('Reason (goes into the audit log)').fill('built already');
  await carryOut();
  await message(page, 'Done: Idea market');
  await option('market').getByText('withdrawn: its votes stay with it').waitFor();

  // Moved into another one: a ballot that names both counts once.
  await page.getByRole('button', { name: 'Withdraw: Idea cinema' }).click();
  await page.getByLabel('They count for another option').check();
  await carry();
  await page.getByText('Please choose the option.').first().waitFor();
  await page.locator('input[name=fate-target][value=run]').check();
  await carryOut();
  await message(page, 'Done: Idea cinema');
  await option('cinema').getByText('its votes count for “Idea run”').waitFor();
  assert.equal((await scores()).run, 3);
  assert.equal(await option('cinema').getByRole('button').count(), 0);

  // Kept votes may be moved later. Somebody else changed the poll meanwhile: look again first.
  await page.getByRole('button', { name: 'Move or release its votes: Idea market' }).click();
  assert.equal(await page.getByLabel('They stay with it').count(), 0);
  await server.admin('PUT', '/v1/polls/fates/options/lake', { title: { en: 'Idea pond' } });
  await page.getByLabel('They count no more').check();
  await carryOut();
  await message(page, 'The poll was changed meanwhile.');
  await page.getByText('Idea pond').first().waitFor();
  await page.getByRole('button', { name: 'Move or release its votes: Idea market' }).click();
  await page.getByLabel('They count no more').check();
  // The answer is lost: the list tells what became of it.
  await page.route('**/options/market*', async (route) => { await route.fetch(); await route.abort(); });
  await carryOut();
  await message(page, 'Whether it was done is shown by the list');
  await page.unroute('**/options/market*');
  await page.getByRole('button', { name: 'Load the list again' }).click();
  await option('market').getByText('its votes are released').waitFor();
  const { options } = await pollOf(server, 'fates');
  assert.deepEqual(options.map(({ id, fate, merged_into: into }) => [id, fate, into]), [['cinema', 'moved', 'run'], ['market', 'released', undefined], ['run', undefined, undefined], ['lake', undefined, undefined]]);

  // Paper was entered as sums, and a card may name two: the server says no, and why.
  await server.admin('PUT', '/v1/polls/fates/paper-batches/hall-1', { box: 'hall', counted_by: ['x'], cards: 3, invalid: 0, blank: 0, counts: { lake: 2, run: 2 } });
  await server.admin('POST', '/v1/polls/fates/paper-batches/hall-1/confirm', { cards: 3, invalid: 0, blank: 0, counts: { lake: 2, run: 2 } }, { 'Tallyd-Actor': 'second' });
  await page.getByRole('button', { name: 'Withdraw: Idea pond' }).click();
  await page.getByLabel('They count for another option').check();
  await page.locator('input[name=fate-target]').first().check();
  await carryOut();
  await message(page, 'That is not possible with these votes');
  assert.equal((await pollOf(server, 'fates')).options.at(-1).withdrawn, undefined);
  await done(seen);
});
