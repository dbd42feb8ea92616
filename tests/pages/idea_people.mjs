// Who hands ideas in and who decides on them, for the tests.

import { visitor } from './stage.mjs';

export const ideasOf = async (server, state, project) => (await (await fetch(`${server.adminUrl}/v1/moderation/ideas?state=${state}&project=${project}`)).json()).ideas;
export const pollOf = async (server, id) => (await fetch(`${server.adminUrl}/v1/polls/${id}`)).json();
export const titles = (list) => list.map(({ title }) => Object.values(title)[0]);

export async function citizen(browser, server, project) {
  const seen = await visitor(browser, server);
  await seen.page.goto(`${server.url}/#/ideas/${project}`);
  await seen.page.locator('#idea-title').waitFor();
  return seen;
}

export async function handIn(page, title, text = '') {
  await page.fill('#idea-title', title);
  await page.fill('#idea-text', text);
  await page.getByRole('button', { name: 'Hand in the idea' }).click();
}

export async function moderator(browser, server, actor, address) {
  const seen = await visitor(browser, server);
  await seen.page.goto(`${server.adminUrl}/${address}`);
  await seen.page.locator('h1').waitFor();
  await seen.page.fill('#actor', actor);
  return seen;
}

export async function openIdea(page, title) {
  await page.getByRole('link', { name: title, exact: true }).click();
  await page.getByRole('heading', { name: title, level: 1 }).waitFor();
}

const decideButton = (page) => page.getByRole('button', { name: 'Decide', exact: true });
export const ask = (page) => decideButton(page).click();
export const sure = (page) => page.getByRole('button', { name: 'Yes, decide so' }).click();

export async function reject(page, reason) {
  await page.getByLabel('Reject', { exact: true }).check();
  await page.selectOption('#reject-reason', reason);
  await ask(page);
}
