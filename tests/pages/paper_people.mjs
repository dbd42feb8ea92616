// Clerks at the paper desk: what the tests of the desk share.

import { visitor } from './stage.mjs';

export async function atDesk(browser, server, poll, actor, options) {
  const seen = await visitor(browser, server, options);
  await seen.page.goto(`${server.adminUrl}/#/paper/${poll}`);
  await seen.page.locator('#boxes').waitFor();
  await seen.page.fill('#actor', actor);
  return seen;
}

export async function batchOf(server, poll, name) {
  const path = `${server.adminUrl}/v1/polls/${poll}/paper-batches/${name}`;
  return (await fetch(path, { headers: { 'Tallyd-Actor': 'test' } })).json();
}
