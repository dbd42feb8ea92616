// ranking.html of docs/analytics.md as it stands there, on another origin: it shows the ranking, follows
// it, and goes on when the server comes back.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { POLLS, Server, Site, launch } from './stage.mjs';

let site;
let server;
let browser;
let path;

before(async () => {
  site = await Site.start();
  server = await Server.start([`--cors-origins=${site.url}`]);
  browser = await launch();
  await server.putPoll('here', POLLS.one);
  await server.vote('here', 'v1', { choices: ['run'] });
  const document = readFileSync(process.env.TALLYD_ANALYTICS_DOCUMENT, 'utf8');
  const page = document.match(/`ranking.html`:\n\n```html\n([^]*?)```/)[1];
  path = `/ranking.html?ranking=${encodeURIComponent(`${server.url}/v1/polls/here/ranking`)}`;
  site.pages.set(path, page);
});
after(async () => {
  await browser?.close();
  await server?.stop();
  await site?.stop();
});

test('the page of thirty lines shows and follows a ranking, also over a restart', async () => {
  const page = await browser.newPage();
  page.setDefaultTimeout(30000);
  const faults = [];
  page.on('pageerror', (error) => faults.push(error.message));
  await page.goto(site.url + path);
  await page.locator('li', { hasText: /^run: 1$/ }).waitFor();
  await server.vote('here', 'v2', { choices: ['market'] });
  await server.vote('here', 'v3', { choices: ['market'] });
  await page.locator('li:first-child', { hasText: /^market: 2$/ }).waitFor();
  await server.kill();
  await server.run();
  await server.vote('here', 'v4', { choices: ['run'] });
  await server.vote('here', 'v5', { choices: ['run'] });
  await page.locator('li:first-child', { hasText: /^run: 3$/ }).waitFor();
  assert.deepEqual(faults, []);
});
