// One tallyd with a data directory and ports of its own; TALLYD_PROGRAM names it. And what a test of
// a program beside it needs: free ports, code blocks of a document.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const READY_MS_MAX = 60000;

export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

// Until `ask` returns something true.
export async function until(what, ask) {
  const deadline = Date.now() + READY_MS_MAX;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > deadline) throw new Error(`waited in vain: ${what}`);
    await sleep(20);
  }
}

// The block of `document` that follows a line "`name`:".
export function codeBlock(document, name) {
  const text = readFileSync(document, 'utf8');
  const begin = text.indexOf(`\n\`${name}\`:\n\n\`\`\``);
  if (begin < 0) throw new Error(`${document} has no ${name}`);
  const from = text.indexOf('\n', text.indexOf('```', begin)) + 1;
  return text.slice(from, text.indexOf('\n```', from) + 1);
}

export class Server {
  // `flags`: further flags of the program.
  static async start(flags = []) {
    const server = new Server();
    server.directory = mkdtempSync(join(tmpdir(), 'tallyd-analytics-'));
    server.port = await freePort();
    server.adminPort = await freePort();
    server.url = `http://127.0.0.1:${server.port}`;
    server.adminUrl = `http://127.0.0.1:${server.adminPort}`;
    const ready = join(server.directory, 'ready');
    server.process = spawn(process.env.TALLYD_PROGRAM, ['serve', '--insecure-no-auth',
      `--listen=127.0.0.1:${server.port}`, `--admin-listen=127.0.0.1:${server.adminPort}`,
      `--data-dir=${join(server.directory, 'data')}`, `--ready-file=${ready}`, ...flags]);
    let log = '';
    for (const stream of [server.process.stdout, server.process.stderr]) stream.on('data', (data) => { log += data; });
    await until('tallyd is ready', () => {
      if (server.process.exitCode !== null) throw new Error(`tallyd ended: ${log}`);
      return existsSync(ready) && readFileSync(ready, 'utf8') !== '';
    });
    return server;
  }

  async stop() {
    if (this.process.exitCode === null) {
      this.process.kill('SIGTERM');
      await once(this.process, 'exit');
    }
    rmSync(this.directory, { recursive: true, force: true });
  }

  async putPoll(id, poll) {
    const answer = await fetch(`${this.adminUrl}/v1/polls/${id}`, {
      method: 'PUT',
      headers: { 'Content-Type': 'application/json', 'Tallyd-Actor': 'test', 'If-None-Match': '*' },
      body: JSON.stringify({ title: { en: id }, project: 'town', state: 'open', ...poll }),
    });
    if (!answer.ok) throw new Error(`${id}: ${answer.status} ${await answer.text()}`);
  }

  async vote(id, voter, ballot, base = this.url, headers = {}) {
    const answer = await fetch(`${base}/v1/polls/${id}/votes`, {
      method: 'POST', headers: { 'Content-Type': 'application/json', ...headers }, body: JSON.stringify({ voter, ...ballot }),
    });
    if (!answer.ok) throw new Error(`${voter}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }

  async ranking(id) {
    return (await fetch(`${this.url}/v1/polls/${id}/ranking`)).json();
  }
}
