// The ranking in a city's own site, which is another origin with a policy of its own, and the
// citizens' page in a frame there.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';

import { POLLS, Server, Site, launch } from './stage.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

let city;
let stranger;
let server;
let browser;

const pageWith = (inner, origin) => `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>City</title>
<link rel="icon" href="data:,">
<script type="module" src="${origin}/widget.js?ver=6.1"></script></head><body><main><h1>City</h1>${inner}</main></body></html>`;

before(async () => {
  city = await Site.start();
  stranger = await Site.start();
  server = await Server.start([`--cors-origins=${city.url}`, `--frame-ancestors=${city.url}`]);
  browser = await launch();
  await server.putPoll('here', { ...POLLS.one, selection: { rule: 'top', count: 1 } });
  await server.putPoll('questions', POLLS.survey);
  await server.vote('here', 'v1', { choices: ['run'] });
});
after(async () => {
  await browser?.close();
  await server?.stop();
  await city?.stop();
  await stranger?.stop();
});

// A page of a site. Collects script errors and requests to others than the site and the server.
async function visit(url, options) {
  const context = await browser.newContext({ locale: 'en-GB', viewport: { width: 1000, height: 800 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(15000);
  const faults = [];
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('request', (request) => {
    const { origin, protocol } = new URL(request.url());
    if (protocol !== 'data:' && origin !== server.url && origin !== new URL(url).origin) faults.push(request.url());
  });
  await page.goto(url);
  return { context, page, faults };
}

test('a page of another origin shows the ranking, keeps it current and stays itself', async () => {
  city.pages.set('/', pageWith(`<style>p { color: rgb(1, 2, 3); } .bars { display: none; }</style><p id="own">Own text</p>
    <tally-ranking poll="here" top="2"><a href="${server.url}/#/poll/here">The ranking</a></tally-ranking>
    <tally-ranking poll="questions"></tally-ranking><tally-ranking poll="none">No such poll</tally-ranking>`, server.url));
  const seen = await visit(`${city.url}/`);
  const { page } = seen;
  const first = page.locator('tally-ranking[poll=here]');
  await first.locator('li[data-id=run] .figure', { hasText: /^1$/ }).waitFor();
  assert.equal(await first.locator('h2').innerText(), 'Title here');
  assert.match(await first.locator('li[data-id=run]').innerText(), /would be built/);
  assert.equal(await first.locator('li:visible').count(), 2);
  await first.getByText('and 1 more. Vote and see all ideas').waitFor();
  assert.equal(await first.getByRole('link').getAttribute('href'), `${server.url}/#/poll/here`);
  await page.locator('tally-ranking[poll=questions] li[data-id=market]').first().waitFor();
  assert.equal(await page.locator('tally-ranking[poll=none]').innerText(), 'No such poll');
  await server.vote('here', 'v2', { choices: ['run'] });
  await first.locator('li[data-id=run] .figure', { hasText: /^2$/ }).waitFor();
  // Neither page's style reaches the other's, and nothing is kept in the city's storage.
  assert.equal(await page.locator('#own').evaluate((own) => getComputedStyle(own).color), 'rgb(1, 2, 3)');
  assert.deepEqual(await page.evaluate(() => [Object.keys(localStorage), Object.keys(sessionStorage), document.cookie]), [[], [], '']);
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(' ')}`), []);
  // Taken out and put back: no second feed, no second list.
  await page.evaluate(() => { const one = document.querySelector('tally-ranking'); const { parentNode } = one; one.remove(); parentNode.append(one); });
  await first.locator('li[data-id=run] .figure', { hasText: /^2$/ }).waitFor();
  assert.equal(await first.locator('h2').count(), 1);
  assert.deepEqual(seen.faults, []);
  await seen.context.close();
});

test('a sealed poll: when its ranking will be there, and the way to vote', async () => {
  await server.putPoll('sealed', { ...POLLS.one, visibility: 'sealed', visible_from: 'final' });
  await server.vote('sealed', 'v1', { choices: ['run'] });
  city.pages.set('/sealed', pageWith('<tally-ranking poll="sealed">Nothing</tally-ranking>', server.url));
  const { context, page, faults } = await visit(`${city.url}/sealed`);
  const widget = page.locator('tally-ranking');
  await widget.getByText('only once the result is final').waitFor();
  assert.equal(await widget.locator('li').count(), 0);
  assert.equal(await widget.getByRole('link', { name: 'Vote and see all ideas' }).isVisible(), true);
  for (const to of ['closed', 'final']) await server.admin('POST', '/v1/polls/sealed/transitions', { to });
  await widget.locator('li[data-id=run] .figure', { hasText: /^1$/ }).waitFor();
  assert.deepEqual(faults, []);
  await context.close();
});

test('under a strict policy of the site two sources are enough; the language of the element is taken', async () => {
  city.policy = `default-src 'none'; script-src ${server.url}; connect-src ${server.url}; img-src data:`;
  city.pages.set('/strict', pageWith('<tally-ranking poll="here" lang="de"></tally-ranking>', server.url));
  const seen = await visit(`${city.url}/strict`);
  city.policy = null;
  await seen.page.locator('tally-ranking h2', { hasText: 'Titel here' }).waitFor();
  await seen.page.locator('tally-ranking li[data-id=run]', { hasText: 'würde zurzeit gebaut' }).waitFor();
  // Its own sheet is there in spite of the policy: the bars are as wide as their scores.
  assert.equal(await seen.page.locator('tally-ranking .bar').first().evaluate((bar) => getComputedStyle(bar).display), 'flex');
  assert.deepEqual(seen.faults, []);
  await seen.context.close();
});

test('without the origin in cors_origins the page keeps what stands between the tags', async () => {
  stranger.pages.set('/', pageWith('<tally-ranking poll="here"><a href="/x">The ranking</a></tally-ranking>', server.url));
  const { page, context } = await visit(`${stranger.url}/`);
  await page.waitForLoadState('networkidle');
  assert.equal(await page.locator('tally-ranking').innerText(), 'The ranking');
  await context.close();
});

test('the citizens page stands in a frame of the city, and of nobody else', async () => {
  const framed = `<!DOCTYPE html><html lang="en"><head><title>City</title><link rel="icon" href="data:,"></head><body><iframe title="Poll" src="${server.url}/#/poll/here"></iframe></body></html>`;
  city.pages.set('/frame', framed);
  stranger.pages.set('/frame', framed);
  const ours = await visit(`${city.url}/frame`);
  await ours.page.frameLocator('iframe').locator('tally-ballot form').waitFor();
  await ours.context.close();
  const theirs = await visit(`${stranger.url}/frame`);
  await theirs.page.waitForLoadState('networkidle');
  assert.equal(await theirs.page.frameLocator('iframe').locator('tally-ballot').count(), 0);
  await theirs.context.close();
});
