import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isAsExpected, parseCommand, parseConsole } from './console.ts';
import { parseDocument } from './document.ts';

const fence = '```';
const sample = `# Title

## First: \`code\` & more

Some \`app.ts\` and a [link](README.md#x),
on two lines with [another](#first-code--more).

### Part

| a | b |
|---|---|
| \`npm run x\` | c |

<details>
<summary>Hint</summary>

${fence}diff steps/a.ts
-old
+new
${fence}

</details>

### Part

1. In a list: \`session.ts\`

${fence}console
before
$ one "two three" four
out
^C
${fence}
`;

test('a document is parsed, with the line of each item', () => {
  const { headings, blocks, links, codeSpans } = parseDocument('X.md', sample);
  assert.deepEqual(headings.map(({ anchor, place }) => [anchor, place]), [
    ['title', 'X.md:1'], ['first-code--more', 'X.md:3'], ['part', 'X.md:8'], ['part-1', 'X.md:24'],
  ]);
  assert.deepEqual(links.map(({ text }) => text), ['README.md#x', '#first-code--more']);
  assert.deepEqual(codeSpans.map(({ text, place }) => [text, place]), [
    ['code', 'X.md:3'], ['app.ts', 'X.md:5'], ['npm run x', 'X.md:12'], ['session.ts', 'X.md:26'],
  ]);
  assert.deepEqual(blocks.map(({ language, file, text, chapter, section, place }) => (
    [language, file, text, chapter, section, place]
  )), [
    ['diff', 'steps/a.ts', '-old\n+new', 'First: code & more', 'Part', 'X.md:17'],
    ['console', '', 'before\n$ one "two three" four\nout\n^C', 'First: code & more', 'Part',
      'X.md:28'],
  ]);
});

test('a console block consists of commands, keys and their output', () => {
  const [block] = parseDocument('X.md', sample).blocks.slice(1);
  assert.ok(block);
  assert.deepEqual(parseConsole(block), [
    { command: '', expected: ['before'], place: 'X.md:29' },
    { command: 'one "two three" four', expected: ['out'], place: 'X.md:30' },
    { command: '^C', expected: [], place: 'X.md:32' },
  ]);
});

test('a command is split as a shell splits it', () => {
  assert.deepEqual(parseCommand(`node -e "a('b c') => d" x`), ['node', '-e', "a('b c') => d", 'x']);
  assert.deepEqual(parseCommand("curl -b 'a b' x"), ['curl', '-b', 'a b', 'x']);
});

test('what varies between runs is compared by pattern, everything else exactly', () => {
  const id = 'a'.repeat(32);
  const signature = 'b'.repeat(43);
  const printed = `Set-Cookie: connect.sid=s%3A${id}.${signature}; Path=/\nvisit 2 on 54321\n`;
  const other = `Set-Cookie: connect.sid=s%3A${'c'.repeat(32)}.${'d'.repeat(40)}%2Fe; Path=/`;
  assert.ok(isAsExpected([other, 'visit 2 on 4000'], printed, 54321));
  assert.ok(isAsExpected(['…', 'visit … 4000'], printed, 54321));
  assert.ok(isAsExpected(['Set-Cookie: …', '…', 'visit 2 on 4000', '…'], printed, 54321));
  assert.ok(!isAsExpected([other, 'visit 3 on 4000'], printed, 54321));
  assert.ok(!isAsExpected([other], printed, 54321), 'a line more than the text shows');
  assert.ok(!isAsExpected(['visit 2 on 4000'], printed, 54321), 'a line before');
  assert.ok(!isAsExpected([other.replace('; Path=/', ''), '…'], printed, 54321));
});
