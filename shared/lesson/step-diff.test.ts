import assert from 'node:assert/strict';
import { test } from 'node:test';
import { diffCode } from './step-diff.ts';

const code = `
// A comment.
app.use(session({
  secret: 'x',
  name: 'sid',
}));
app.get('/', (req, res) => {
  res.send(\`visit \${n}\`);
});
`;

test('formatting, comments, quotes, semicolons and line breaks make no difference', () => {
  assert.deepEqual(diffCode(code, `
    /* Another one. */ app.use(session({ secret: "x", name: "sid" }))  // here too

    app.get("/", (req, res) => { res.send(\`visit \${n}\`) })`), []);
  assert.deepEqual(diffCode(code.replaceAll('\n', '\r\n'), code), []);
});

test('a difference is shown as written, with its line number', () => {
  const fresh = code.replace("name: 'sid'", "name: 'id'").replace('});\n', '});\nextra();\n');
  assert.deepEqual(diffCode(code, fresh), [
    { line: 5, before: ["  name: 'sid',"], after: ["  name: 'id',"] },
    { line: 9, before: [], after: ['extra();'] },
  ]);
  const inText = diffCode("a('// no comment');", "a('// a comment');");
  assert.equal(inText.length, 1, 'a text that looks like a comment is none');
});

test('half-written code is compared too', () => {
  assert.equal(diffCode('app.use(session(', 'app.use(session());').length, 1);
});
