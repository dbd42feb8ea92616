// docs/openapi.yaml as something to ask: which operation answers a request, and does a value fit
// the schema at a place of the document?

import { readFileSync } from 'node:fs';

import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { parse } from 'yaml';

import { parseStrict } from './strict_json.mjs';

export const METHODS = ['get', 'put', 'post', 'delete', 'patch'];
const BASE = 'contract:openapi';

const escapeToken = (token) => String(token).replaceAll('~', '~0').replaceAll('/', '~1');
const toFragment = (path) => path.map((token) => `/${encodeURIComponent(escapeToken(token))}`).join('');
const fromFragment = (ref) => ref.slice(2).split('/')
  .map((token) => decodeURIComponent(token).replaceAll('~1', '/').replaceAll('~0', '~'));

export class OpenApi {
  constructor(file) {
    this.document = parse(readFileSync(file, 'utf8'), { maxAliasCount: -1, uniqueKeys: true });
    // The structure of the schemas is the linter's business; the document around them is none.
    this.ajv = new Ajv2020.default({ strict: false, allErrors: true, validateSchema: false });
    addFormats.default(this.ajv);
    this.ajv.addSchema(this.document, BASE);
    this.validators = new Map();
    this.routes = Object.keys(this.document.paths).map((template) => ({
      template,
      segments: template.split('/').slice(1),
    }));
  }

  get problemStatuses() {
    return this.document.components.schemas.ProblemCode['x-status'];
  }

  at(path) {
    return path.reduce((node, token) => node?.[token], this.document);
  }

  // What "#/components/..." names, or undefined.
  lookUp(ref) {
    return ref.startsWith('#/') ? this.at(fromFragment(ref)) : undefined;
  }

  // Follows $ref at `path` (an array of names) and returns {path, value}.
  resolve(path) {
    let value = this.at(path);
    while (value && typeof value.$ref === 'string' && Object.keys(value).length === 1) {
      path = fromFragment(value.$ref);
      value = this.at(path);
    }
    return { path, value };
  }

  // What does not fit the schema at `path`: [{pointer, message}], empty if all does.
  check(path, value) {
    const key = toFragment(path);
    let validate = this.validators.get(key);
    if (!validate) {
      validate = this.ajv.compile({ $ref: `${BASE}#${key}` });
      this.validators.set(key, validate);
    }
    if (validate(value)) return [];
    return validate.errors.map((error) => ({
      pointer: error.instancePath,
      message: error.message + describeParams(error),
    }));
  }

  // {template, params} of the route of a path, or undefined; a literal segment wins over a param.
  findRoute(pathname) {
    const segments = pathname.split('/').slice(1);
    let best;
    for (const route of this.routes) {
      if (route.segments.length !== segments.length) continue;
      const params = {};
      let literals = '';
      const fits = route.segments.every((segment, i) => {
        const name = /^\{(.+)\}$/.exec(segment)?.[1];
        const decoded = decodeSegment(segments[i]);
        literals += name ? '0' : '1';
        if (name === undefined) return segment === decoded;
        params[name] = decoded;
        return decoded !== undefined && decoded !== '';
      });
      if (fits && (!best || literals > best.literals)) best = { template: route.template, params, literals };
    }
    return best;
  }

  // The operation of a route: {path, value, parameters: [{path, value}]}, or undefined.
  operation(template, method) {
    const item = this.document.paths[template];
    const value = item[method];
    if (!value) return undefined;
    const path = ['paths', template, method];
    const parameters = [];
    for (const base of [['paths', template], path]) {
      const list = this.at(base).parameters ?? [];
      list.forEach((_, i) => parameters.push(this.resolve([...base, 'parameters', i])));
    }
    const servers = value.servers ?? item.servers ?? this.document.servers;
    const listeners = servers.map((server) => server.description.split(' ')[0].toLowerCase());
    return { path, value, parameters, listeners };
  }
}

// The lines that do not fit: line number (from 1) -> what is wrong. Blank lines are skipped.
export function lineFaults(api, path, text) {
  const faults = new Map();
  text.split('\n').forEach((line, i) => {
    if (line.trim() === '') return;
    try {
      const [fault] = api.check(path, parseStrict(line));
      if (fault) faults.set(i + 1, `line ${i + 1}${fault.pointer}: ${fault.message}`);
    } catch (error) {
      faults.set(i + 1, `line ${i + 1}: ${error.message}`);
    }
  });
  return faults;
}

function decodeSegment(segment) {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined; // a broken escape fits no route
  }
}

function describeParams({ keyword, params }) {
  if (keyword === 'additionalProperties') return `: "${params.additionalProperty}"`;
  if (keyword === 'const') return `: ${JSON.stringify(params.allowedValue)}`;
  if (keyword === 'enum') return `: ${params.allowedValues.join(', ')}`;
  return '';
}
