// One tallyd and one Chromium for the tests of the pages.
//
// The server is the real program with a data directory of its own. Its ports are chosen once, so
// that it can be killed and come back under the same address. TALLYD_PROGRAM names it.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { chromium } from 'playwright-core';

const READY_MS_MAX = 60000;

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

export class Server {
  // `flags`: further flags of the program. With `issuers` (a file) it asks for tokens, and `token` is
  // what admin() shows.
  static async start(flags = [], { issuers, token } = {}) {
    const server = new Server();
    server.flags = [issuers ? `--token-issuers-file=${issuers}` : '--insecure-no-auth', ...flags];
    server.token = token;
    server.directory = mkdtempSync(join(tmpdir(), 'tallyd-pages-'));
    server.port = await freePort();
    server.adminPort = await freePort();
    server.url = `http://127.0.0.1:${server.port}`;
    server.adminUrl = `http://127.0.0.1:${server.adminPort}`;
    await server.run();
    return server;
  }

  async run() {
    const ready = join(this.directory, 'ready');
    rmSync(ready, { force: true });
    this.log = '';
    this.process = spawn(process.env.TALLYD_PROGRAM, ['serve',
      `--listen=127.0.0.1:${this.port}`, `--admin-listen=127.0.0.1:${this.adminPort}`,
      `--data-dir=${join(this.directory, 'data')}`, `--ready-file=${ready}`, ...this.flags]);
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream.on('data', (data) => { this.log += data; });
    }
    const deadline = Date.now() + READY_MS_MAX;
    while (!existsSync(ready) || readFileSync(ready, 'utf8') === '') {
      if (this.process.exitCode !== null || Date.now() > deadline) throw new Error(`tallyd is not ready: ${this.log}`);
      await sleep(20);
    }
  }

  async end(signal) {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    this.process.kill(signal);
    await once(this.process, 'exit');
  }

  kill() { return this.end('SIGKILL'); }

  async stop() {
    await this.end('SIGTERM');
    rmSync(this.directory, { recursive: true, force: true });
  }

  async admin(method, path, body, headers = {}) {
    const answer = await fetch(this.adminUrl + path, {
      method, headers: { 'Content-Type': 'application/json', ...(this.token ? { Authorization: `Bearer ${this.token}` } : { 'Tallyd-Actor': 'test' }), ...headers }, body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }

  putPoll(id, poll) {
    return this.admin('PUT', `/v1/polls/${id}`, { title: { de: `Titel ${id}`, en: `Title ${id}` }, project: 'town', state: 'open', ...poll }, { 'If-None-Match': '*' });
  }

  async ranking(id) {
    return (await fetch(`${this.url}/v1/polls/${id}/ranking`)).json();
  }

  async vote(id, voter, ballot) {
    const answer = await fetch(`${this.url}/v1/polls/${id}/votes`, {
      method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ voter, ...ballot }),
    });
    if (!answer.ok) throw new Error(`vote: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }
}

// A city's own site: serves `pages` (path to HTML), with a Content-Security-Policy if `policy` is set.
export class Site {
  static async start() {
    const site = new Site();
    site.pages = new Map();
    site.server = createHttpServer((request, response) => {
      const html = site.pages.get(request.url);
      response.writeHead(html === undefined ? 404 : 200, { 'Content-Type': 'text/html; charset=utf-8', ...(site.policy ? { 'Content-Security-Policy': site.policy } : {}) });
      response.end(html ?? '');
    }).listen(0, '127.0.0.1');
    await once(site.server, 'listening');
    site.url = `http://127.0.0.1:${site.server.address().port}`;
    return site;
  }

  async stop() {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}

export const launch = () => chromium.launch({
  executablePath: process.env.TALLYD_CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-dev-shm-usage'],
});

// A fresh visitor. Collects what must not happen: requests to other hosts and script errors.
export async function visitor(browser, server, { locale = 'en-GB', ...options } = {}) {
  const context = await browser.newContext({ locale, viewport: { width: 1000, height: 800 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(15000);
  const faults = [];
  page.on('pageerror', (error) => faults.push(`error: ${error.message}`));
  page.on('request', (request) => {
    const { origin } = new URL(request.url());
    if (origin !== server.url && origin !== server.adminUrl) faults.push(`foreign request: ${request.url()}`);
  });
  return { context, page, faults };
}

// Waits until the page says so.
export const message = (page, text) => page.locator('main .note', { hasText: text }).first().waitFor();

// The end of a visit: nothing went wrong in the page, nothing was asked of another host.
export async function done({ context, faults }) {
  assert.deepEqual(faults, []);
  await context.close();
}

// Goes on by Tab until the control with that name (label or text) has the focus.
export async function tabTo(page, name) {
  const seen = [];
  for (let i = 0; i < 120; i += 1) {
    const label = await page.evaluate(() => {
      const { activeElement: at } = document;
      return at.getAttribute('aria-label') ?? at.labels?.[0]?.textContent ?? at.textContent;
    });
    if (label === name) return;
    seen.push(label);
    await page.keyboard.press('Tab');
  }
  throw new Error(`Tab never reached ${name}, but ${[...new Set(seen)].map((label) => label.slice(0, 40)).join(' | ')}`);
}

export const IDEAS = ['cinema', 'market', 'run'].map((id) => ({ id, title: { de: `Idee ${id}`, en: `Idea ${id}` } }));

export const POLLS = {
  one: { ballot: { type: 'choose', min: 1, max: 1 }, options: IDEAS },
  many: { ballot: { type: 'choose', min: 1, max: 2 }, options: IDEAS, revote: 'replace', withdraw: true },
  points: { ballot: { type: 'points', total: 5, max_per_option: 3 }, options: IDEAS },
  rank: { ballot: { type: 'rank', max: 3, scoring: 'borda' }, options: IDEAS },
  updown: { ballot: { type: 'updown' }, options: IDEAS },
  survey: {
    ballot: {
      type: 'survey',
      questions: [
        { id: 'where', title: { de: 'Wo?', en: 'Where?' }, ballot: { type: 'choose', min: 1, max: 1 }, options: IDEAS },
        { id: 'how', title: { de: 'Wie?', en: 'How?' }, ballot: { type: 'points', total: 3, max_per_option: 3 }, options: IDEAS },
      ],
    },
    options: [],
  },
};
