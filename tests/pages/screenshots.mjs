// Pictures of the pages for docs/screenshots: cmake --build build/dev --target page_screenshots

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { Server, launch, visitor } from './stage.mjs';

const [directory, demoPoll] = process.argv.slice(2);
const server = await Server.start();
const browser = await launch();
try {
  const poll = JSON.parse(readFileSync(demoPoll, 'utf8'));
  await server.putPoll('events', { ...poll, selection: { rule: 'top', count: 3 } });
  for (let i = 0; i < 40; i += 1) {
    await server.vote('events', `v${i}`, { choices: [poll.options[(i * i) % 10].id] });
  }
  for (const [device, viewport] of [['desktop', { width: 1000, height: 800 }], ['phone', { width: 360, height: 740 }]]) {
    const { page, context } = await visitor(browser, server, { locale: 'de-DE', viewport });
    const shoot = (name) => page.screenshot({ path: join(directory, `${name}-${device}.jpg`), type: 'jpeg', quality: 55, fullPage: true });
    await page.goto(server.url);
    await page.locator('.polls a').first().waitFor();
    await shoot('polls');
    await page.goto(`${server.url}/#/poll/events`);
    await page.locator('tally-ballot form').waitFor();
    await shoot('ballot');
    await page.locator('tally-ballot input[type=checkbox]').first().check();
    await page.locator('tally-ballot button[type=submit]').click();
    await page.locator('code.receipt').waitFor();
    await shoot('voted');
    await page.goto(server.adminUrl);
    await page.locator('#polls li').first().waitFor();
    await shoot('town-hall');
    await context.close();
  }
} finally {
  await browser.close();
  await server.stop();
}
