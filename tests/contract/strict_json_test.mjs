import assert from 'node:assert/strict';
import { test } from 'node:test';

import { DuplicateMember, parseStrict } from './strict_json.mjs';

test('gives what JSON.parse gives', () => {
  for (const text of ['{}', '[]', '0', '-1.5e3', 'null', '"a\\"b"', ' {"a": [1, {"b": "}"}], "c": "{,:"} ',
    '{"a":{"a":1},"b":[{"a":2},{"a":3}]}', '["a","a"]', '{"\\u0061":1,"b":"a"}']) {
    assert.deepEqual(parseStrict(text), JSON.parse(text), text);
  }
});

test('refuses a member that is there twice, however it is written', () => {
  for (const text of ['{"a":1,"a":1}', '{"b":{"a":1,"c":[],"a":2}}', '[{"x":[1,2],"x":3}]',
    '{"a":1,"\\u0061":2}', '{ "a" : "x,y" ,\n"a":{}}']) {
    assert.throws(() => parseStrict(text), DuplicateMember, text);
  }
});

test('refuses what is not JSON', () => {
  for (const text of ['', '{', '{"a":1,}', '01', "{'a':1}", '{} {}', 'NaN']) {
    assert.throws(() => parseStrict(text), SyntaxError, text);
  }
});
