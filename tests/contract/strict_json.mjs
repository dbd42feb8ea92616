// JSON as RFC 8259 has it, but an object with two members of one name is an error: JSON.parse would
// silently keep the last, and tallyd refuses such a body.

export class DuplicateMember extends SyntaxError {}

const TOKEN = /[ \t\r\n]*(?:([{}[\],:])|("(?:[^"\\\u0000-\u001f]|\\.)*")|([^\s{}[\],:"]+))/gy;

// Returns the value; throws SyntaxError if `text` is not JSON, DuplicateMember if a name is twice.
export function parseStrict(text) {
  const value = JSON.parse(text);
  // The text is valid JSON from here on; only the names are still to be looked at.
  const names = []; // one Set per open object, null per open array
  let expectName = false;
  for (const [, mark, string] of text.matchAll(TOKEN)) {
    if (mark === '{') {
      names.push(new Set());
      expectName = true;
    } else if (mark === '[') {
      names.push(null);
      expectName = false;
    } else if (mark === '}' || mark === ']') {
      names.pop();
      expectName = false;
    } else if (mark === ',') {
      expectName = names.at(-1) !== null;
    } else if (string !== undefined && expectName) {
      const name = JSON.parse(string);
      if (names.at(-1).has(name)) throw new DuplicateMember(`member "${name}" is there twice`);
      names.at(-1).add(name);
      expectName = false;
    }
  }
  return value;
}
