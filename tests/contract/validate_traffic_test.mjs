// The program: what it prints and how it ends.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('./validate_traffic.mjs', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'validate_traffic_'));
after(() => rmSync(directory, { recursive: true }));

const GOOD = {
  method: 'GET', target: '/livez', request_headers: {}, request_body: null, status: 200,
  response_headers: { 'request-id': 'r', 'content-type': 'text/plain; charset=utf-8' }, response_body: 'ok\n',
};

function run(...lines) {
  const file = join(directory, 'log.ndjson');
  writeFileSync(file, lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line)) + '\n').join(''));
  return spawnSync(process.execPath, [program, file], { encoding: 'utf8' });
}

test('ends with 0 if all fits', () => {
  const { status, stdout } = run(GOOD, '', GOOD);
  assert.equal(status, 0, stdout);
  assert.match(stdout, /^2 exchanges, 0 violations$/m);
});

test('names the exchange and the place', () => {
  const { status, stdout } = run(GOOD, { ...GOOD, status: 418 });
  assert.equal(status, 1);
  assert.match(stdout, /log\.ndjson: exchange 2: GET \/livez -> 418: \/response_headers\/content-type: /);
});

test('fails on an empty log', () => assert.equal(run().status, 1));
test('fails on a line that is no JSON', () => assert.equal(run('{').status, 1));
test('fails on a line that is no object', () => assert.equal(run('null').status, 1));
test('fails on a missing log', () => {
  assert.notEqual(spawnSync(process.execPath, [program, join(directory, 'none')]).status, 0);
});
test('says how it is used', () => assert.equal(spawnSync(process.execPath, [program]).status, 2));
