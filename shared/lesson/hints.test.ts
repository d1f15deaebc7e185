import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMoves } from './hints.ts';
import { renderMarkdown } from '../terminal/markdown.ts';
import { stripVTControlCharacters } from 'node:util';

const text = `
## Step 1: One
### Move 1: Other
<details>
<summary>Hint 1: a nudge</summary>
not this
</details>
## Step 2: Two

### Move 1: First

Text of the move.

<details>
<summary>Hint 1: a nudge</summary>

Think of \`app.use()\`, which
takes **every** request. See [the text](#step-2).

</details>
<details>
<summary>Hint 3: the code</summary>

\`\`\`diff steps/02-two/app.ts
 context
-## Step 3: not a heading
+fresh
\`\`\`

</details>

### Move 2: Second
### Try it out
<details>
<summary>Something else</summary>
</details>
`;

test('reads the moves of a step and their hints, with any line endings', () => {
  for (const source of [text, text.replaceAll('\n', '\r\n')]) {
    const moves = parseMoves(source, 2);
    const titles = moves.map(({ number, title }) => `${number} ${title}`);
    assert.deepEqual(titles, ['1 First', '2 Second']);
    assert.deepEqual(moves[0]?.hints.map(({ number, name }) => [number, name]), [
      [1, 'a nudge'], [3, 'the code'],
    ]);
    assert.match(moves[0].hints[0]?.text ?? '', /^Think of[^]*step-2\)\.$/);
    assert.match(moves[0].hints[1]?.text ?? '', /\+fresh\n```$/);
  }
});

test('a hint fits the width of the terminal, with colour where allowed', () => {
  const [nudge, code] = parseMoves(text, 2)[0]?.hints ?? [];
  assert.deepEqual(renderMarkdown(nudge?.text ?? '', { columns: 34, color: false }), [
    'Think of `app.use()`, which takes',
    'every request. See the text.',
  ]);
  const colored = renderMarkdown(code?.text ?? '', { columns: 60, color: true });
  assert.deepEqual(colored.map(stripVTControlCharacters), [
    'steps/02-two/app.ts:', '     context', '    -## Step 3: not a heading', '    +fresh',
  ]);
  assert.match(colored.at(-1) ?? '', /\[32m/);
});
