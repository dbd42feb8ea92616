// Readers of every kind while votes come in and the server is killed and comes back: no reader ever
// sees a version go back, patches lead to what others get whole, and the result is what was
// acknowledged. Short by default; the long form, ten million reads by a hundred readers of each kind:
//   TALLYD_READS=10000000 TALLYD_READERS=100 TALLYD_KILL_EVERY_MS=15000
//     ctest --test-dir build/release -R pages_readers --timeout 86400

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import WebSocket from 'ws';

import {
  canonical, CurlFollower, LongPoller, PipelinedPoller, Poller, SocketFollower, Witnesses,
} from './followers.mjs';
import { Server, launch, visitor } from './stage.mjs';

const READS_MIN = Number(process.env.TALLYD_READS ?? 500);
const READERS = Number(process.env.TALLYD_READERS ?? 4);
const KILLS_MIN = 3;
const KILL_EVERY_MS = Number(process.env.TALLYD_KILL_EVERY_MS ?? 1500);
const OPTIONS = 12;
const VOTERS = 5000;
const BATCH = 20;
const KINDS = [Poller, PipelinedPoller, LongPoller, CurlFollower, SocketFollower];

const document = (revote) => ({
  title: { de: 'Probe' }, project: 'stadt', state: 'open', revote, ballot: { type: 'choose', min: 1, max: 3 },
  changes_max: 1000000,
  options: Array.from({ length: OPTIONS }, (_, i) => ({ id: `o${i}` })),
});

let server;
before(async () => { server = await Server.start(); });
after(async () => { await server?.stop(); });

// One batch, sent until it is answered: what is acknowledged is what was sent last.
async function vote(poll, ballots) {
  const body = [...ballots].map(([voter, choices]) => `${JSON.stringify({ voter, choices })}\n`).join('');
  for (;;) {
    try {
      const answer = await fetch(`${server.url}/v1/polls/${poll}/votes/batch`, {
        method: 'POST', headers: { 'Content-Type': 'application/x-ndjson' }, body,
      });
      const result = await answer.json();
      if (answer.status === 200 && result.rejected === 0) return;
      if (answer.status === 200) throw new Error(JSON.stringify(result));
    } catch (error) {
      if (!/fetch failed|terminated/.test(error.message)) throw error;
    }
    await sleep(20);
  }
}

// A fixed sequence, so that a run can be repeated.
function randomly(seed) {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

test('readers of every kind, votes, kill -9', async (t) => {
  const seed = Number(process.env.TALLYD_TEST_SEED ?? 1);
  t.diagnostic(`TALLYD_TEST_SEED=${seed}`);
  const random = randomly(seed);
  await server.putPoll('torture', document('replace'));
  const witnesses = new Witnesses();
  const followers = KINDS.flatMap((Kind) => Array.from({ length: READERS }, () => new Kind(server, 'torture', witnesses)));
  const running = followers.map((follower) => follower.run());

  const inForce = new Map();
  let voting = true;
  const voter = (async () => {
    while (voting) {
      const ballots = new Map();
      for (let i = 0; i < BATCH; ++i) {
        const first = random(OPTIONS);
        const choices = [...new Set([first, random(OPTIONS)])].map((option) => `o${option}`);
        ballots.set(`v${random(VOTERS)}`, choices);
      }
      await vote('torture', ballots);
      for (const [name, choices] of ballots) inForce.set(name, choices);
      await sleep(2);
    }
  })();

  let kills = 0;
  while (kills < KILLS_MIN || witnesses.reads < READS_MIN) {
    await sleep(KILL_EVERY_MS);
    await server.kill();
    await server.run();
    kills += 1;
    if (kills % 10 === 0) t.diagnostic(`${witnesses.reads} reads so far, ${kills} kills`);
    if (witnesses.faults.length > 0) break;
  }
  voting = false;
  await voter;
  for (const to of ['closed', 'final']) await server.admin('POST', '/v1/polls/torture/transitions', { to });
  await Promise.all(running);

  const counted = Object.fromEntries(Array.from({ length: OPTIONS }, (_, i) => [`o${i}`, 0]));
  for (const choices of inForce.values()) for (const option of choices) counted[option] += 1;
  assert.deepEqual(witnesses.faults, []);
  const result = await (await fetch(`${server.url}/v1/polls/torture/ranking?form=live`)).json();
  for (const follower of followers) {
    assert.equal(canonical(follower.live), canonical(result), follower.name);
    assert.ok(follower.reads > kills, `${follower.name} has read ${follower.reads} times`);
  }
  const scores = Object.fromEntries(Object.entries(result.options).map(([id, { score }]) => [id, score]));
  assert.deepEqual(scores, counted);
  assert.equal(result.totals.ballots, inForce.size);
  assert.ok(witnesses.compared > 0, 'no form was seen both whole and patched');
  t.diagnostic(`${witnesses.reads} reads, ${witnesses.compared} forms compared, ${kills} kills, ${inForce.size} ballots`);
});

test('a browser follows with its own EventSource, over a restart, to the end', async () => {
  await server.putPoll('browser', document('refuse'));
  const browser = await launch();
  try {
    const { page } = await visitor(browser, server);
    await page.goto(server.url);
    await page.evaluate(() => {
      window.events = [];
      const source = new EventSource('/v1/polls/browser/ranking/stream');
      window.source = source;
      for (const name of ['snapshot', 'delta', 'final', 'bye']) {
        source.addEventListener(name, (event) => window.events.push([name, event.lastEventId, JSON.parse(event.data)]));
      }
    });
    // The page's policy forbids what page.waitForFunction() does.
    const until = async (look, argument) => {
      for (const deadline = Date.now() + 60000; !await page.evaluate(look, argument);) {
        assert.ok(Date.now() < deadline, `${look} ${argument}`);
        await sleep(20);
      }
    };
    const wait = (name, count) => until(([n, c]) => window.events.filter((e) => e[0] === n).length >= c, [name, count]);
    await wait('snapshot', 1);
    await vote('browser', new Map([['v1', ['o1']]]));
    await wait('delta', 1);
    await server.end('SIGTERM');
    await wait('bye', 1);
    await server.run();
    await vote('browser', new Map([['v2', ['o1']]]));
    await wait('delta', 2); // it came back by itself, with Last-Event-ID
    for (const to of ['closed', 'final']) await server.admin('POST', '/v1/polls/browser/transitions', { to });
    await wait('final', 1);
    const events = await page.evaluate(() => window.events);
    assert.equal(events.filter(([name]) => name === 'snapshot').length, 1, 'resumed, not begun anew');
    assert.equal(events.at(-1)[2].options.o1.score, 2);
    // 204: the browser does not come again.
    await until(() => window.source.readyState === EventSource.CLOSED);
  } finally {
    await browser.close();
  }
});

test('npm ws: pings are answered, what is said to a ranking is refused', async () => {
  await server.putPoll('sockets', document('refuse'));
  const open = () => new WebSocket(`${server.url.replace('http', 'ws')}/v1/polls/sockets/ranking/ws`, 'tallyd.ranking.v1');
  const pinged = open();
  await new Promise((resolve, reject) => {
    pinged.on('error', reject);
    pinged.on('open', () => pinged.ping('here'));
    pinged.on('pong', (data) => { assert.equal(data.toString(), 'here'); pinged.close(3001, 'enough'); });
    pinged.on('close', (code) => { assert.equal(code, 3001); resolve(); });
  });
  const talking = open();
  assert.equal(await new Promise((resolve, reject) => {
    talking.on('error', reject);
    talking.on('open', () => talking.send('hello'));
    talking.on('close', resolve);
  }), 1003);
});
