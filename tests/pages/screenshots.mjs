// Pictures of the pages for docs/screenshots: cmake --build build/dev --target page_screenshots

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { Server, launch, visitor } from './stage.mjs';

// The paper desk: boxes, an entry card by card, two entries that differ, the record.
async function desk(page, shoot, device) {
  const box = device === 'desktop' ? 'Rathaus' : 'Fruchthalle';
  await page.goto(`${server.adminUrl}/#/paper/events`);
  await page.fill('#actor', 'a.beispiel');
  await page.getByRole('button', { name: `Leerung erfassen: ${box}`, exact: true }).click();
  await page.getByText('Karte für Karte').click();
  for (const card of ['1 4', '3', 'x', '2 3 10']) {
    await page.fill('#card', card);
    await page.press('#card', 'Enter');
  }
  await shoot('paper-entry');
  await page.getByRole('button', { name: 'Erfassung speichern' }).click();
  await page.getByText('Gespeichert:').first().waitFor();
  await page.fill('#actor', 'b.zwei');
  await page.getByRole('link', { name: 'Zweite Erfassung beginnen' }).click();
  for (const [cell, text] of [['cards', '4'], ['invalid', '1'], ['b:altstadtfest', '1'], ['b:open-air-kino', '1'], ['b:lichterfest', '1'], ['b:lange-nacht-der-kultur', '2'], ['b:weihnachtsmarkt', '1']]) {
    await page.fill(`[data-cell="${cell}"]`, text);
  }
  await page.getByRole('button', { name: 'Vergleichen' }).click();
  await page.locator('.differences').waitFor();
  await shoot('paper-differ');
  await page.getByRole('button', { name: 'Zweite Erfassung ändern' }).click();
  await page.fill('[data-cell="b:open-air-kino"]', '2');
  await page.fill('[data-cell="b:lange-nacht-der-kultur"]', '1');
  await page.getByRole('button', { name: 'Vergleichen' }).click();
  await page.getByText('stimmen überein').first().waitFor();
  await shoot('paper-record');
  await page.goto(`${server.adminUrl}/#/paper/events`);
  await page.locator('#boxes').waitFor();
  await shoot('paper-boxes');
}

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
    await desk(page, shoot, device);
    await context.close();
  }
} finally {
  await browser.close();
  await server.stop();
}
