// node validate_traffic.mjs [--spec FILE] LOG...
//
// Reads NDJSON logs of HTTP exchanges (traffic.mjs says what one looks like) and holds each to the
// OpenAPI document. Prints every violation with file, number of the exchange and pointer. Exit
// codes: 0 all fits, 1 a violation or nothing to check, 2 usage.

import { createReadStream, existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { OpenApi } from './openapi.mjs';
import { checkExchange } from './traffic.mjs';

const SHOWN_MAX = 200;

function defaultSpec() {
  const candidates = ['./openapi.yaml', '../../docs/openapi.yaml'];
  return candidates.map((name) => fileURLToPath(new URL(name, import.meta.url))).find(existsSync);
}

async function checkFile(api, file, totals) {
  const lines = createInterface({ input: createReadStream(file, 'utf8'), crlfDelay: Infinity });
  let number = 0;
  for await (const line of lines) {
    if (line.trim() === '') continue;
    number += 1;
    let exchange = {};
    let findings;
    try {
      exchange = JSON.parse(line);
      findings = checkExchange(api, exchange);
    } catch (error) {
      findings = [{ pointer: '', message: `cannot be checked: ${error.message}` }];
    }
    for (const { pointer, message } of findings) {
      totals.violations += 1;
      if (totals.violations > SHOWN_MAX) continue;
      console.log(`${file}: exchange ${number}: ${exchange?.method} ${exchange?.target} -> ${exchange?.status}: ` +
        `${pointer}: ${message}`);
    }
  }
  totals.exchanges += number;
}

async function main() {
  let options;
  try {
    options = parseArgs({ allowPositionals: true, options: { spec: { type: 'string' } } });
  } catch (error) {
    console.error(error.message);
    return 2;
  }
  const spec = options.values.spec ?? defaultSpec();
  if (options.positionals.length === 0 || !spec) {
    console.error('usage: node validate_traffic.mjs [--spec openapi.yaml] LOG...');
    return 2;
  }
  const api = new OpenApi(spec);
  const totals = { exchanges: 0, violations: 0 };
  for (const file of options.positionals) await checkFile(api, file, totals);
  if (totals.violations > SHOWN_MAX) console.log(`... and ${totals.violations - SHOWN_MAX} more`);
  if (totals.exchanges === 0) console.log('no exchange in any log: nothing was checked');
  console.log(`${totals.exchanges} exchanges, ${totals.violations} violations`);
  return totals.exchanges > 0 && totals.violations === 0 ? 0 : 1;
}

process.exitCode = await main();
