// node lint.mjs openapi.yaml
//
// Lints the OpenAPI document: Redocly's rules, and ours (every body has an example, examples of
// NDJSON fit line by line, every operation documents what the transport may answer, every $ref leads
// somewhere and every component is used). Exit codes: 0
// clean, 1 findings, 2 usage.

import { resolve } from 'node:path';

import redocly from '@redocly/openapi-core';

import { lineFaults, METHODS, OpenApi } from './openapi.mjs';

const TRANSPORT = [400, 408, 411, 413, 414, 417, 429, 431, 500, 503, 505];

const RULES = {
  'operation-operationId': 'error',
  'operation-operationId-unique': 'error',
  'operation-operationId-url-safe': 'error',
  'operation-summary': 'error',
  'operation-2xx-response': 'error',
  'operation-4xx-response': 'error',
  'operation-singular-tag': 'error',
  'operation-tag-defined': 'error',
  'tag-description': 'error',
  'info-license': 'error',
  'no-unused-components': 'off', // does not see x-line-schema; ours below does
  'no-invalid-media-type-examples': 'error',
  'no-invalid-schema-examples': 'error',
  'no-invalid-parameter-examples': 'error',
  'no-ambiguous-paths': 'error',
  'no-identical-paths': 'error',
  'no-path-trailing-slash': 'error',
  'parameter-description': 'off',
  'path-parameters-defined': 'error',
  'security-defined': 'error',
};

async function lintByRedocly(file) {
  const config = await redocly.createConfig({ extends: ['recommended'], rules: RULES });
  const api = new OpenApi(file);
  const problems = await redocly.lint({ ref: file, config });
  // A handshake has done what it is for with 101.
  const switches = ({ ruleId, location }) => ruleId === 'operation-2xx-response'
    && api.lookUp(`${location[0]?.pointer}/101`) !== undefined;
  return problems.filter((problem) => !switches(problem)).map(({ ruleId, message, location }) =>
    `${location[0]?.pointer ?? '#'}: ${message} (${ruleId})`);
}

function* bodies(api, operation) {
  if (operation.value.requestBody) yield api.resolve([...operation.path, 'requestBody']);
  for (const status of Object.keys(operation.value.responses)) {
    yield api.resolve([...operation.path, 'responses', status]);
  }
}

function lintContent(api, { path, value }) {
  const found = [];
  for (const [type, media] of Object.entries(value.content ?? {})) {
    const place = [...path, 'content', type];
    const where = `#/${place.join('/')}`;
    const examples = Object.keys(media.examples ?? {});
    if (examples.length === 0) found.push(`${where}: has no example`);
    if (!media['x-line-schema']) continue;
    for (const name of examples) {
      const { value: example } = api.resolve([...place, 'examples', name]);
      for (const fault of lineFaults(api, [...place, 'x-line-schema'], example.value).values()) {
        found.push(`${where}/examples/${name}: ${fault}`);
      }
    }
  }
  return found;
}

function* references(node) {
  if (node === null || typeof node !== 'object') return;
  if (typeof node.$ref === 'string') yield node.$ref;
  for (const child of Object.values(node)) yield* references(child);
}

function lintReferences(api) {
  const used = new Set(references(api.document));
  const found = [...used].filter((ref) => api.lookUp(ref) === undefined).map((ref) => `${ref}: leads nowhere`);
  for (const [kind, components] of Object.entries(api.document.components)) {
    if (kind === 'securitySchemes') continue; // used by name
    for (const name of Object.keys(components)) {
      const ref = `#/components/${kind}/${name}`;
      if (!used.has(ref)) found.push(`${ref}: is never used`);
    }
  }
  return found;
}

function lintByOurRules(file) {
  const api = new OpenApi(file);
  const found = new Set(lintReferences(api));
  for (const template of Object.keys(api.document.paths)) {
    for (const method of METHODS) {
      const operation = api.operation(template, method);
      if (!operation) continue;
      for (const status of TRANSPORT.filter((code) => !operation.value.responses[code])) {
        found.add(`${method.toUpperCase()} ${template}: does not document ${status}`);
      }
      for (const body of bodies(api, operation)) {
        for (const text of lintContent(api, body)) found.add(text);
        const headers = Object.keys(body.value.headers ?? {});
        const isResponse = body.path.includes('responses');
        if (isResponse && !headers.includes('Request-Id')) found.add(`#/${body.path.join('/')}: no Request-Id`);
      }
    }
  }
  return [...found];
}

async function main() {
  const [file, ...rest] = process.argv.slice(2);
  if (!file || rest.length > 0) {
    console.error('usage: node lint.mjs openapi.yaml');
    return 2;
  }
  const found = [...await lintByRedocly(resolve(file)), ...lintByOurRules(file)];
  for (const text of found) console.log(`${file}: ${text}`);
  console.log(`${file}: ${found.length} findings`);
  return found.length === 0 ? 0 : 1;
}

process.exitCode = await main();
