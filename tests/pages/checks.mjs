// What every page and state is held to: accessible, valid, no wider than the window.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import { HtmlValidate } from 'html-validate';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export const validator = new HtmlValidate({
  extends: ['html-validate:recommended'],
  rules: { 'long-title': 'off', 'no-trailing-whitespace': 'off', 'prefer-native-element': 'off', 'no-inline-style': 'off',
    // The DOM as the browser writes it: hidden="", data-taken="".
    'attribute-boolean-style': 'off', 'attribute-empty-style': 'off',
    'aria-label-misuse': ['error', { allowAnyNamable: true }] },
  elements: ['html5', { 'tally-ballot': { flow: true }, 'tally-ranking': { flow: true }, 'tally-ideas': { flow: true } }],
});

export async function check(page, state) {
  // A script by way of the debugger is not held to the page's Content-Security-Policy.
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  assert.deepEqual(violations.map((v) => `${state}: ${v.id}: ${v.nodes.map((n) => n.html).join(' ')}`), []);
  const report = await validator.validateString(`<!DOCTYPE html>\n${await page.evaluate(() => document.documentElement.outerHTML)}`);
  assert.deepEqual(report.results.flatMap((r) => r.messages.map((m) => `${state}: ${m.ruleId}: ${m.message} (${m.selector})`)), []);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(wide <= 0, `${state}: ${wide} px wider than the window`);
}
