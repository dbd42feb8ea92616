// The live ranking under a flood of votes: the page stays usable, shows the newest version and never
// counts backwards. And with very many options it is drawn in reasonable time.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { Server, launch, visitor } from './stage.mjs';

const VOTES_PER_S = 500;
const FLOOD_MS = 8000;
const STEP_MS = 10;
const MEDIAN_FRAME_MS_MAX = 50;
const LATE_FRAME_MS_MAX = 250; // 95 of 100
const CLICK_MS_MAX = 500;

let server;
let browser;
before(async () => { server = await Server.start(); browser = await launch(); });
after(async () => { await browser?.close(); await server?.stop(); });

// Votes by the clock, some in each step, all by other voters; resolves to how many.
async function flood(poll, options) {
  const begin = Date.now();
  let sent = 0;
  while (Date.now() - begin < FLOOD_MS) {
    const due = Math.floor((Date.now() - begin) * VOTES_PER_S / 1000);
    let lines = '';
    for (; sent < due; sent += 1) lines += `${JSON.stringify({ voter: `flood-${sent}`, choices: [`o${(sent * sent) % options}`] })}\n`;
    if (lines !== '') {
      const answer = await fetch(`${server.url}/v1/polls/${poll}/votes/batch`, { method: 'POST', headers: { 'Content-Type': 'application/x-ndjson' }, body: lines });
      const { rejected } = await answer.json();
      assert.equal(rejected, 0);
    }
    await sleep(STEP_MS);
  }
  return sent;
}

// In the page: every frame's length, every drawn version, the score of every option at each.
function watch() {
  window.frames_ = [];
  window.versions = [];
  window.backwards = [];
  const scores = new Map();
  const element = document.querySelector('tally-ranking');
  new MutationObserver(() => {
    window.versions.push(element.dataset.version);
    queueMicrotask(() => {
      for (const item of element.querySelectorAll('li[data-id]')) {
        const score = Number(item.querySelector('.figure').textContent.replace(/\D/g, ''));
        if (score < (scores.get(item.dataset.id) ?? 0)) window.backwards.push(`${item.dataset.id}: ${scores.get(item.dataset.id)} then ${score}`);
        scores.set(item.dataset.id, score);
      }
    });
  }).observe(element, { attributes: true, attributeFilter: ['data-version'] });
  let last = performance.now();
  const frame = (now) => { window.frames_.push(now - last); last = now; requestAnimationFrame(frame); };
  requestAnimationFrame(frame);
}

for (const options of [60, 2000]) test(`${VOTES_PER_S} votes a second for ${options} ideas: responsive, newest, never backwards`, async () => {
  const id = `flood-${options}`;
  await server.putPoll(id, { ballot: { type: 'choose', min: 1, max: 3 }, options: Array.from({ length: options }, (_, i) => ({ id: `o${i}`, title: { en: `Idea ${i}` } })) });
  const { page, context, faults } = await visitor(browser, server);
  await page.goto(`${server.url}/#/poll/${id}`);
  await page.locator('tally-ranking .figure').first().waitFor();
  // With the curve open, which follows too.
  await page.locator('#curve > summary').click();
  await page.locator('#curve svg[role=img]').waitFor();
  await page.locator('tally-ranking .bars li').nth(9).scrollIntoViewIfNeeded();
  await page.evaluate(watch);
  const flooding = flood(id, options);
  // Somebody fills in the ballot meanwhile.
  const clicks = [];
  for (let i = 0; i < 10; i += 1) {
    clicks.push(await page.evaluate((at) => new Promise((resolve) => {
      const begin = performance.now();
      document.querySelectorAll('tally-ballot input')[at].click();
      requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - begin), 0));
    }), i % 3));
    await sleep(FLOOD_MS / 12);
  }
  const sent = await flooding;
  const newest = await server.ranking(id);
  assert.equal(newest.totals.ballots, sent);
  await page.locator(`tally-ranking[data-version="${newest.version}"]`).waitFor();
  const { frames, versions, backwards } = await page.evaluate(() => ({ frames: window.frames_, versions: window.versions, backwards: window.backwards }));
  frames.sort((a, b) => a - b);
  clicks.sort((a, b) => a - b);
  const at = (list, share) => list[Math.min(list.length - 1, Math.floor(list.length * share))];
  console.log(`${Math.round(sent / FLOOD_MS * 1000)} votes/s, ${versions.length} versions drawn; frame p50 ${at(frames, 0.5).toFixed(1)} ms, p95 ${at(frames, 0.95).toFixed(1)}, max ${frames.at(-1).toFixed(1)}; click to frame max ${clicks.at(-1).toFixed(1)} ms`);
  assert.ok(sent >= VOTES_PER_S * FLOOD_MS / 1000 * 0.9, `only ${sent} votes sent`);
  assert.ok(versions.length >= 3, `${versions.length} versions`);
  assert.deepEqual(backwards, []);
  const numbers = versions.map((version) => Number(version.split('-')[1]));
  assert.deepEqual(numbers, [...numbers].sort((a, b) => a - b));
  assert.ok(at(frames, 0.5) <= MEDIAN_FRAME_MS_MAX && at(frames, 0.95) <= LATE_FRAME_MS_MAX, `frames ${at(frames, 0.5)} ${at(frames, 0.95)}`);
  assert.ok(clicks.at(-1) <= CLICK_MS_MAX, `a click took ${clicks.at(-1)} ms`);
  // The figures are those of the server, option by option.
  const shown = await page.locator('tally-ranking li[data-id]').evaluateAll((items) => Object.fromEntries(items.map((item) => [item.dataset.id, Number(item.querySelector('.figure').textContent.replace(/\D/g, ''))])));
  assert.ok(Object.keys(shown).length >= 20); // of very many those in sight
  assert.deepEqual(shown, Object.fromEntries(Object.keys(shown).map((option) => [option, newest.options[option].score])));
  if (options < 200) assert.equal(Object.keys(shown).length, options);
  const best = Object.values(newest.options).reduce((most, { score }) => Math.max(most, score), 0);
  await page.locator(`#curve svg[aria-label*=" ${best}"]`).waitFor();
  assert.equal(await page.locator('#curve .gap').count(), 0);
  assert.deepEqual(faults, []);
  await context.close();
});

test('2,000 options: drawn, searched and voted for', async () => {
  await server.putPoll('many', { ballot: { type: 'choose', min: 1, max: 3 }, options: Array.from({ length: 2000 }, (_, i) => ({ id: `o${i}`, title: { en: `Idea number ${i}` } })) });
  const { page, context, faults } = await visitor(browser, server);
  const begin = Date.now();
  await page.goto(`${server.url}/#/poll/many`);
  await page.locator('tally-ballot form').waitFor();
  const drawn = Date.now() - begin;
  await page.getByLabel('Search ideas').fill('number 1999');
  await page.locator('tally-ballot .option:visible').first().locator('input').check();
  assert.equal(await page.locator('tally-ballot .option:visible').count(), 1);
  await page.locator('tally-ballot button[type=submit]').click();
  await page.locator('code.receipt').waitFor();
  assert.equal((await server.ranking('many')).options.o1999.score, 1);
  console.log(`2,000 options: form after ${drawn} ms`);
  assert.deepEqual(faults, []);
  await context.close();
});
