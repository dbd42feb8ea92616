// Pictures of the pages for docs/screenshots: cmake --build build/dev --target page_screenshots

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { Server, launch, visitor } from './stage.mjs';

// The paper desk: boxes, an entry card by card, two entries that differ, the record.
async function desk(page, shoot, device) {
  const box = device === 'desktop' ? 'Rathaus' : 'Fruchthalle';
  await page.goto(`${server.adminUrl}/#/paper/events`);
  await page.locator('#boxes').waitFor(); // the field moves to the new view, and what is typed meanwhile is lost
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

// Cards with codes, a table with faults, a survey's sheet, the report of the boxes.
async function deskMore(page, shoot, device) {
  const box = device === 'desktop' ? 'Rathaus' : 'Fruchthalle';
  const begin = (poll, name) => page.goto(`${server.adminUrl}/#/paper/${poll}`).then(() => page.getByRole('button', { name: `${name}: ${box}`, exact: true }).click());
  await begin('events', 'Karten mit Codes erfassen');
  for (const [code, marks] of [['K7QX-3M9P-2TRV', '1 4'], ['0ZD4-88QN-H1WC', '3'], ['5HJK-QW2M-79RT', '2 10']]) {
    await page.fill('#code', code);
    await page.press('#code', 'Enter');
    await page.fill('#marks', marks);
    await page.press('#marks', 'Enter');
  }
  await shoot('paper-codes');
  await page.goto(`${server.adminUrl}/#/paper/events`);
  await page.locator('#table-part summary').click();
  await page.setInputFiles('#table', { name: 'urne.csv', mimeType: 'text/csv', buffer: Buffer.from(['Urne;rathaus', 'Karten;hundert', 'Idee;Stimmen', 'altstadtfest;60', 'altstadfest;3'].join('\r\n')) });
  await page.getByRole('button', { name: 'Tabelle erfassen' }).click();
  await page.locator('.faults li').first().waitFor();
  await page.locator('#curve > summary').click();
  await page.locator('#curve svg[role=img]').waitFor();
  await shoot('paper-table');
  await begin('survey', 'Leerung erfassen');
  for (const [cell, text] of [['cards', '40'], ['invalid', '2'], ['blank', '1'], ['b:wo/nord', '20'], ['b:wo/sued', '17'], ['b:wie/ruhe', '30'], ['s:wie/ruhe', '50'], ['b:wie/leben', '12'], ['s:wie/leben', '20']]) await page.fill(`[data-cell="${cell}"]`, text);
  await shoot('paper-survey');
  await page.goto(`${server.adminUrl}/#/paper/events/+report`);
  await page.locator('.report').waitFor();
  await shoot('paper-report');
}

const SURVEY = { title: { de: 'Ein Platz für alle', en: 'A square for all' }, ballot: { type: 'survey', questions: [
  { id: 'wo', title: { de: 'Wo?', en: 'Where?' }, ballot: { type: 'choose', min: 1, max: 1 }, options: [{ id: 'nord', title: { de: 'Am Nordtor', en: 'North gate' } }, { id: 'sued', title: { de: 'Am Südufer', en: 'South bank' } }] },
  { id: 'wie', title: { de: 'Was ist wichtig?', en: 'What matters?' }, ballot: { type: 'points', total: 3, max_per_option: 3 }, options: [{ id: 'ruhe', title: { de: 'Ruhe', en: 'Quiet' } }, { id: 'leben', title: { de: 'Leben', en: 'Life' } }] }] }, options: [] };

const SAID = ['Mehr Bänke am Fluss', 'Kino auf der Wiese', 'Ein Tunnel nach Paris', 'Brunnen vor dem Theater'];

// A citizen's ideas, the moderator's queue and one idea in it, options, the audit log.
async function ideas(page, shoot, device) {
  await page.goto(`${server.url}/#/ideas/kaiserslautern`);
  for (const title of SAID) {
    await page.locator('#idea-title').waitFor();
    await page.fill('#idea-title', title);
    await page.fill('#idea-text', title === SAID[0] ? 'Am Ufer fehlen Bänke mit Lehne.\nAuch im Schatten.' : '');
    await page.getByRole('button', { name: 'Idee einreichen' }).click();
    await page.locator('#own-ideas li', { hasText: title }).waitFor();
  }
  const { ideas: waiting } = await (await fetch(`${server.adminUrl}/v1/moderation/ideas?state=pending`)).json();
  const decide = (title, body) => server.admin('POST', `/v1/moderation/ideas/${waiting.find((idea) => idea.title.de === title).id}/decision`, body, { 'Tallyd-Actor': 'm.muster', 'If-Match': '*' });
  await page.goto(`${server.adminUrl}/#/ideas`);
  await page.locator('#ideas li').first().waitFor();
  await shoot('ideas-queue');
  await page.getByRole('link', { name: SAID[0] }).click();
  await page.fill('#actor', 'm.muster');
  await page.getByLabel('Annehmen').check();
  await page.fill('#approve-cost', '4000');
  await page.getByRole('button', { name: 'Entscheiden', exact: true }).click();
  await page.getByText('Es steht dann sofort in').first().waitFor();
  await shoot('ideas-decide');
  await decide(SAID[0], { decision: 'approve', poll: 'events', option: `baenke-${device}`, cost: 4000 });
  await decide(SAID[1], { decision: 'merge', poll: 'events', merge_into: 'open-air-kino', reason_code: 'duplicate' });
  await decide(SAID[2], { decision: 'reject', reason_code: 'not_responsible' });
  await page.goto(`${server.url}/#/ideas/kaiserslautern`);
  await page.locator('#own-ideas [data-state=rejected]').waitFor();
  await page.fill('#idea-title', 'Mehr Schatten auf dem Marktplatz');
  await shoot('ideas');
  await page.goto(`${server.adminUrl}/#/options/events`);
  await page.getByRole('button', { name: 'Zurückziehen: Lichterfest im Japanischen Garten' }).click();
  await page.getByLabel('Sie zählen für einen anderen').check();
  await shoot('options');
  await page.goto(`${server.adminUrl}/#/audit/poll/events`);
  await page.locator('#chain').waitFor();
  await page.locator('#acts summary').first().click();
  await page.locator('#acts code', { hasText: 'previous' }).waitFor();
  await shoot('audit');
}

const [directory, demoPoll] = process.argv.slice(2);
const server = await Server.start();
const browser = await launch();
try {
  const poll = JSON.parse(readFileSync(demoPoll, 'utf8'));
  await server.putPoll('events', { ...poll, selection: { rule: 'top', count: 3 } });
  await server.putPoll('survey', { ...SURVEY, boxes: poll.boxes });
  await server.putPoll('sealed', { ballot: { type: 'choose', min: 1, max: 1 }, options: poll.options.slice(0, 4), title: { de: 'Verdeckt bis zum Ergebnis', en: 'Sealed' }, visibility: 'sealed', visible_from: 'final' });
  for (let i = 0; i < 40; i += 1) {
    await server.vote('events', `v${i}`, { choices: [poll.options[(i * i) % 10].id] });
    if (i % 10 === 9) await sleep(1000); // something for the curve
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
    await page.locator('#curve > summary').click();
    for (let i = 0; i < 24; i += 1) {
      await server.vote('events', `${device}-${i}`, { choices: [poll.options[(i * i * i) % 7].id] });
      if (i % 4 === 3) await sleep(1000);
    }
    await page.locator('#curve svg[role=img]').waitFor();
    await sleep(2500);
    await shoot('voted');
    await page.goto(`${server.url}/#/poll/sealed`);
    await page.locator('tally-ranking .rule:visible').waitFor();
    await shoot('sealed');
    await page.goto(server.adminUrl);
    await page.locator('#polls li').first().waitFor();
    await shoot('town-hall');
    await desk(page, shoot, device);
    await deskMore(page, shoot, device);
    await ideas(page, shoot, device);
    await context.close();
  }
} finally {
  await browser.close();
  await server.stop();
}
