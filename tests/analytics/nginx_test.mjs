// docs/nginx.conf in a real nginx before a real tallyd. Streams are not tallyd's here but of a stand-in
// behind the same file, which says when it sends what: it shows that nothing waits in a buffer.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, get as ask } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';

import { Server, freePort, until } from './server.mjs';

const OPTIONS = Array.from({ length: 100 }, (_, i) => ({ id: `option-${i}`, title: { en: `Option ${i}` } }));

// The document's file with a port and a directory of the test's in place of three of its words.
class Nginx {
  static async start(upstreamPort) {
    const nginx = new Nginx();
    nginx.directory = mkdtempSync(join(tmpdir(), 'tallyd-nginx-'));
    nginx.port = await freePort();
    nginx.url = `http://127.0.0.1:${nginx.port}`;
    let text = readFileSync(process.env.TALLYD_NGINX_CONFIG, 'utf8');
    for (const [theirs, ours] of [
      ['listen 80;', `listen 127.0.0.1:${nginx.port};`],
      ['server 127.0.0.1:8080;', `server 127.0.0.1:${upstreamPort};`],
      ['proxy_cache_path /var/cache/nginx/tallyd ', `proxy_cache_path ${nginx.directory}/cache `],
    ]) {
      // The comment at the top names one of them too.
      const parts = text.split(`\n${theirs}`).length > 1 ? text.split(`\n${theirs}`) : text.split(`\n  ${theirs}`);
      assert.equal(parts.length, 2, theirs);
      text = parts.join(`\n${ours}`);
    }
    mkdirSync(join(nginx.directory, 'temp'));
    writeFileSync(join(nginx.directory, 'tallyd.conf'), text);
    const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path temp/${name};`).join(' ');
    writeFileSync(join(nginx.directory, 'nginx.conf'), `daemon off; master_process off; pid nginx.pid; error_log stderr warn;
      events { worker_connections 512; } http { access_log off; ${temp} include tallyd.conf; }`);
    nginx.process = spawn('nginx', ['-p', nginx.directory, '-c', 'nginx.conf', '-e', 'stderr'], {
      env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` },
    });
    nginx.log = '';
    nginx.process.stderr.on('data', (data) => { nginx.log += data; });
    nginx.process.on('error', (error) => { nginx.log += error.message; });
    await until('nginx listens', () => new Promise((resolve, reject) => {
      if (nginx.process.exitCode !== null) reject(new Error(`nginx ended: ${nginx.log}`));
      const probe = connect(nginx.port, '127.0.0.1', () => { probe.destroy(); resolve(true); });
      probe.on('error', () => resolve(false));
    }));
    return nginx;
  }

  async stop() {
    this.process.kill('SIGKILL');
    if (this.process.exitCode === null && this.process.signalCode === null) await once(this.process, 'exit');
    rmSync(this.directory, { recursive: true, force: true });
  }
}

// Bytes of the body as they are on the wire: fetch() would decode them.
function get(url, headers = {}) {
  return new Promise((resolve, reject) => {
    ask(url, { headers }, async (answer) => {
      const chunks = [];
      for await (const chunk of answer) chunks.push(chunk);
      resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(chunks) });
    }).on('error', reject);
  });
}

let server;
let nginx;

before(async () => {
  server = await Server.start(['--address-requests-per-s=1', '--address-requests-burst=200']);
  nginx = await Nginx.start(server.port);
  await server.putPoll('wide', { ballot: { type: 'choose', min: 1, max: 3 }, options: OPTIONS });
  await server.putPoll('draft', { state: 'draft', ballot: { type: 'choose', min: 1, max: 3 }, options: OPTIONS });
});
after(async () => {
  await nginx?.stop();
  await server?.stop();
});

test('votes and everything else pass through', async () => {
  const vote = await server.vote('wide', 'v1', { choices: ['option-3'] }, nginx.url);
  assert.equal(vote.status, 'counted');
  const refused = await fetch(`${nginx.url}/v1/polls/none/ranking`);
  assert.equal(refused.status, 404);
  assert.equal(refused.headers.get('content-type'), 'application/problem+json');
});

test('a ranking is cached for each coding, newer ones replace it, conditional requests are answered from it', async () => {
  const url = `${nginx.url}/v1/polls/wide/ranking`;
  const plain = await get(url);
  assert.equal(plain.headers['content-encoding'], undefined);
  const gzip = await get(url, { 'Accept-Encoding': 'gzip, deflate' });
  const brotli = await get(url, { 'Accept-Encoding': 'gzip, deflate, br' });
  assert.equal(gzip.headers['content-encoding'], 'gzip');
  assert.equal(brotli.headers['content-encoding'], 'br');
  assert.deepEqual(JSON.parse(gunzipSync(gzip.body)), JSON.parse(plain.body));
  assert.deepEqual(JSON.parse(brotliDecompressSync(brotli.body)), JSON.parse(plain.body));
  // Written in another way, the same entry.
  let hits = 0;
  await until('an answer from the cache', async () => {
    await get(url, { 'Accept-Encoding': 'br' });
    const again = await get(url, { 'Accept-Encoding': 'br, gzip;q=0.1' });
    hits += again.headers['x-cache'] === 'HIT' ? 1 : 0;
    return hits > 0;
  });
  const same = await get(url, { 'If-None-Match': plain.headers.etag });
  assert.equal(same.status, 304);
  assert.equal(same.body.length, 0);
  await server.vote('wide', 'v2', { choices: ['option-4'] });
  await until('the next version', async () => JSON.parse((await get(url)).body).totals.ballots === 2);
  assert.equal((await get(url, { 'If-None-Match': plain.headers.etag })).status, 200);
});

test('what a token shows is not kept for others', async () => {
  const url = `${nginx.url}/v1/polls/wide/ranking`;
  for (let i = 0; i < 3; ++i) {
    const answer = await get(url, { Authorization: 'Bearer x' });
    assert.equal(answer.headers['x-cache'], 'BYPASS');
  }
  assert.equal((await get(`${nginx.url}/v1/polls/draft/ranking`)).status, 404);
});

test('tallyd sees the client and believes no header of its own', async () => {
  // All of these come from 127.0.0.1, whatever they claim: one budget, and it ends.
  let refused = 0;
  for (let i = 0; i < 400 && refused === 0; ++i) {
    const answer = await get(`${nginx.url}/v1/polls/wide`, { 'X-Forwarded-For': `198.51.100.${i % 250}` });
    refused += answer.status === 429 ? 1 : 0;
  }
  assert.equal(refused, 1);
});

test('events come through at once, an upgrade is passed on', async () => {
  const sent = [];
  const source = createServer((request, response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    sent.push(() => response.write('id: e1-2\n\n'));
    response.write('id: e1-1\n\n');
  });
  source.on('upgrade', (request, socket) => {
    assert.equal(request.headers.upgrade, 'websocket');
    assert.equal(request.headers['x-forwarded-for'], '127.0.0.1');
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
    socket.on('error', () => {});
    socket.on('data', (data) => socket.write(data));
  });
  source.listen(0, '127.0.0.1');
  await once(source, 'listening');
  const proxy = await Nginx.start(source.address().port);
  try {
    const stream = await fetch(`${proxy.url}/v1/polls/p/ranking/stream`);
    const reader = stream.body.getReader();
    const next = async () => Buffer.from((await reader.read()).value).toString();
    // The second is written only once the first has come: a buffer would hold both back for ever.
    assert.equal(await next(), 'id: e1-1\n\n');
    sent[0]();
    assert.equal(await next(), 'id: e1-2\n\n');
    await reader.cancel();

    const socket = connect(proxy.port, '127.0.0.1');
    socket.write('GET /v1/polls/p/ranking/ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
    const [head] = await once(socket, 'data');
    assert.match(head.toString(), /^HTTP\/1\.1 101 /);
    socket.write('frame');
    const [echo] = await once(socket, 'data');
    assert.equal(echo.toString(), 'frame');
    socket.destroy();
  } finally {
    await proxy.stop();
    source.closeAllConnections?.();
    source.close();
  }
});
