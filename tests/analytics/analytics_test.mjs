// The programs of docs/analytics.md as they stand there: what they pull, once and again, is what the
// ranking says.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';

import { DuckDBInstance } from '@duckdb/node-api';

import { Server, codeBlock } from './server.mjs';

const run = promisify(execFile);
const DOCUMENT = process.env.TALLYD_ANALYTICS_DOCUMENT;
const OPTIONS = ['run', 'swim', 'read'];

let server;
let directory;

before(async () => {
  server = await Server.start();
  directory = mkdtempSync(join(tmpdir(), 'tallyd-analysts-'));
});
after(async () => {
  await server?.stop();
  rmSync(directory, { recursive: true, force: true });
});

// Ballots of many kinds: cast, changed, taken back, blank.
async function castSome(poll, round) {
  const voter = (number) => `${round}:${number}`;
  for (let number = 0; number < 40; ++number) {
    await server.vote(poll, voter(number), { choices: OPTIONS.filter((_, option) => (number >> option) & 1) });
  }
  for (let number = 0; number < 10; ++number) await server.vote(poll, voter(number), { choices: ['read'] });
  for (let number = 10; number < 15; ++number) {
    const answer = await fetch(`${server.url}/v1/polls/${poll}/votes/me`, { method: 'DELETE', headers: { 'Tallyd-Voter': voter(number) } });
    assert.equal(answer.status, 200);
  }
}

async function makePoll(id) {
  await server.putPoll(id, {
    ballot: { type: 'choose', min: 0, max: 3 }, revote: 'replace', withdraw: true,
    options: OPTIONS.map((option) => ({ id: option, title: { en: option } })),
  });
  await castSome(id, 'first');
}

async function expectedScores(poll) {
  const { options } = await server.ranking(poll);
  return Object.fromEntries(Object.entries(options).map(([id, { score }]) => [id, score]));
}

async function linesOf(poll) {
  const text = await (await fetch(`${server.adminUrl}/v1/polls/${poll}/export/ballots.ndjson?limit=100000`)).text();
  return text.trim().split('\n');
}

// Small pages, so that a run follows links.
const withSmallPages = (program) => {
  assert.ok(program.includes('100000'));
  return program.replaceAll('100000', '20');
};

test('DuckDB: increments go into a table once, the Parquet file adds up to the ranking', async () => {
  await makePoll('duck');
  // Beside the installed package, which is looked for from where the program stands.
  const program = join(process.cwd(), 'pull_of_document.mjs');
  writeFileSync(program, withSmallPages(codeBlock(DOCUMENT, 'pull.mjs')));
  const database = join(directory, 'ballots.duckdb');
  const parquet = join(directory, 'ballots.parquet');
  const sums = readFileSync(DOCUMENT, 'utf8').match(/```sql\n([^`]*)```/)[1].replace('ballots.parquet', parquet);
  for (const round of ['second', 'third', null]) {
    await run(process.execPath, [program, server.adminUrl, 'duck', database, parquet]);
    const db = await (await DuckDBInstance.create(':memory:')).connect();
    await db.run(`ATTACH '${database}' AS pulled (READ_ONLY)`);
    const lines = await db.runAndReadAll('SELECT line::VARCHAR FROM pulled.ballots ORDER BY rowid');
    assert.deepEqual(lines.getRows().map(([line]) => JSON.parse(line)), (await linesOf('duck')).map((line) => JSON.parse(line)));
    const counted = await db.runAndReadAll(sums);
    assert.deepEqual(Object.fromEntries(counted.getRows().map(([id, ballots]) => [id, Number(ballots)])), await expectedScores('duck'));
    await db.run('DETACH pulled'); // it holds a lock on the file
    db.closeSync();
    if (round) await castSome('duck', round);
  }
});

test('pandas: the same, with a table as NDJSON', async () => {
  await makePoll('panda');
  const program = join(directory, 'pull.py');
  writeFileSync(program, withSmallPages(codeBlock(DOCUMENT, 'pull.py')));
  const table = join(directory, 'ballots.ndjson');
  for (const round of ['second', null, null]) {
    const { stdout } = await run(process.env.TALLYD_PYTHON3 ?? 'python3', [program, server.adminUrl, 'panda', table]);
    assert.deepEqual(JSON.parse(stdout), await expectedScores('panda'));
    if (round) await castSome('panda', round);
  }
});

test('curl: one file, the same lines', async () => {
  await makePoll('curl');
  const program = join(directory, 'pull.sh');
  writeFileSync(program, withSmallPages(codeBlock(DOCUMENT, 'pull.sh')));
  const file = join(directory, 'lines');
  for (const round of ['second', null, null]) {
    await run('bash', [program, server.adminUrl, 'curl', file]);
    assert.deepEqual(readFileSync(file, 'utf8').trim().split('\n'), await linesOf('curl'));
    if (round) await castSome('curl', round);
  }
});
