// Ballots that an operator took out of the count: whoever sees how many ballots there are sees how many
// are not among them, in the ranking, in the table and in the widget, and nothing where that is hidden.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { check, validator } from './checks.mjs';
import { POLLS, Server, Site, done, launch, visitor } from './stage.mjs';

const PHONE = { viewport: { width: 320, height: 640 } };
const BURST = 10;
const FRAUD = { poll_burst: { ballots: BURST, window_s: 60 } };

let city;
let server;
let browser;
before(async () => {
  city = await Site.start();
  server = await Server.start([`--cors-origins=${city.url}`]);
  browser = await launch();
});
after(async () => { await browser?.close(); await server?.stop(); await city?.stop(); });

const decide = (poll, group, decision) => server.admin('POST', `/v1/polls/${poll}/flags/${group}/decision`, { decision, reason: 'all at once' });
const figures = (page, words) => page.locator('tally-ranking p', { hasText: words }).first().waitFor();

// Group 1 has the first ten voters. A group that was decided about takes no more, so the next is in group 2.
async function burst(poll) {
  for (let at = 0; at < BURST; at += 1) await server.vote(poll, `v${at}`, { choices: ['run'] });
}

test('what is not counted is said beside the number of ballots, as it changes', async () => {
  await server.putPoll('held', { ...POLLS.one, fraud: FRAUD });
  await burst('held');
  const seen = await visitor(browser, server, PHONE);
  const { page } = seen;
  await page.goto(`${server.url}/#/poll/held`);
  await figures(page, /^10 ballots · online 10, paper 0 · As of/); // a flag alone is nobody's business
  await decide('held', 1, 'quarantine');
  await figures(page, /^0 ballots · online 0, paper 0 · not counted: 10 held for review · As of/);
  await decide('held', 1, 'void');
  await figures(page, /^0 ballots · online 0, paper 0 · not counted: 10 taken out · As of/);
  await server.vote('held', 'late', { choices: ['market'] });
  await decide('held', 2, 'quarantine');
  await figures(page, /not counted: 1 held for review, 10 taken out · As of/);
  await check(page, 'not counted');

  const german = await visitor(browser, server, { ...PHONE, locale: 'de-DE' });
  await german.page.goto(`${server.url}/#/poll/held`);
  await figures(german.page, /nicht gezählt: 1 zur Prüfung zurückgestellt, 10 herausgenommen · Stand/);
  await check(german.page, 'nicht gezählt');
  await german.page.goto(`${server.url}/table/held`);
  await german.page.locator('p', { hasText: /^Nicht gezählt: 1 zur Prüfung zurückgestellt, 10 herausgenommen$/ }).waitFor();
  const report = await validator.validateString(await (await fetch(`${server.url}/table/held`)).text());
  assert.deepEqual(report.results.flatMap((r) => r.messages.map((m) => m.message)), []);
  await done(german);

  city.pages.set('/', `<!DOCTYPE html><html lang="en"><head><title>City</title><link rel="icon" href="data:,">
<script type="module" src="${server.url}/widget.js"></script></head><body><tally-ranking poll="held"></tally-ranking></body></html>`);
  const context = await browser.newContext();
  const site = await context.newPage();
  await site.goto(city.url);
  await figures(site, /not counted: 1 held for review, 10 taken out · As of/);
  await context.close();

  for (const group of [1, 2]) await decide('held', group, 'release');
  await figures(page, /^11 ballots · online 11, paper 0 · As of/);
  await done(seen);
});

test('where a small number is hidden nothing is said of it', async () => {
  await server.putPoll('small', { ...POLLS.one, fraud: FRAUD, visibility: 'coarse', coarse: { k: 2 } });
  await burst('small');
  await decide('small', 1, 'void');
  await server.vote('small', 'late', { choices: ['market'] });
  await decide('small', 2, 'quarantine');
  for (let at = 0; at < 3; at += 1) await server.vote('small', `honest${at}`, { choices: ['cinema'] });
  for (const to of ['closed', 'final']) await server.admin('POST', '/v1/polls/small/transitions', { to });
  const { totals } = await server.ranking('small');
  assert.deepEqual([totals.ballots, totals.quarantined, totals.voided], [3, null, null]);
  const seen = await visitor(browser, server);
  await seen.page.goto(`${server.url}/#/poll/small`);
  await figures(seen.page, /^3 ballots · online 3, paper 0 · As of/);
  assert.doesNotMatch(await (await fetch(`${server.url}/table/small`)).text(), /ot counted/);
  await done(seen);
});
