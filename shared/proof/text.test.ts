/*
 * Executes the documents: runs every command and compares its output, applies and tests every
 * hint's code, and checks that every file, link, anchor and script mentioned exists. A learner's
 * work in steps/ doesn't count: this uses the kept starters.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { access, readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import { executeChapter } from './text/chapter.ts';
import { readDocument, type Block, type Document, type Heading, type Mention }
  from './text/document.ts';
import { root, steps, textOf, texts } from '../lesson/steps.ts';

const documents = await Promise.all(
  [...texts, 'README.md', 'CONTRIBUTING.md'].map(readDocument),
);
const blocks = documents.flatMap((document) => document.blocks);
const { scripts } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>;
};

const isCi = process.env.CI === 'true';
const hasCurl = spawnSync('curl', ['--version']).status === 0;

describe('the text is executed', () => {
  let executed = 0;

  describe('chapter by chapter', { concurrency: 2 }, () => {
    for (const [title, chapter] of executableChapters()) {
      test(title, async (t) => {
        if (!isCi && !hasCurl && chapter.some(({ text }) => text.includes('$ curl'))) {
          t.skip('there is no curl on this machine');
          return;
        }
        await executeChapter(chapter);
        executed += chapter.length;
      });
    }
  });

  test('every code excerpt is in the file it names', async () => {
    for (const block of blocks.filter(({ language, file }) => language === 'ts' && file !== '')) {
      await expectExcerpt(block);
      executed++;
    }
  });

  test('the amount of text executed', (t) => {
    t.diagnostic(`Text: ${executed} blocks executed.`);
  });
});

describe('everything mentioned in the text exists', () => {
  test('every block is of a known kind', () => {
    const known = ['console', 'diff', 'ts', 'text', 'mermaid', 'json', 'html'];
    for (const { language, place } of blocks) {
      assert.ok(known.includes(language), `${place}: what kind of block is “${language}”?`);
    }
  });

  test('links and anchors', async () => {
    for (const { file, links } of documents) {
      // On GitHub, `../../` leads to the repository's other pages.
      for (const link of links.filter(({ text }) => !/^(https?:|\.\.\/\.\.\/)/.test(text))) {
        const [target = '', anchor] = link.text.split('#');
        await expectFile(link, target || file);
        if (anchor !== undefined) await expectAnchor(link, target || file, anchor);
      }
    }
  });

  test('files', async () => {
    for (const span of documents.flatMap(({ codeSpans }) => codeSpans)) {
      const isPath = /^[\w.-]+(\/[\w.-]*)+$/.test(span.text);
      const isFile = /^[\w-]+(\.test)?\.(ts|md|json)$|^\.env\.example$|^LICENSE$/.test(span.text);
      if (isFile) await expectNamedFile(span);
      // `application/json` only looks like a path: check those that begin with one of our folders.
      else if (isPath && /^(steps|solutions|shared)\//.test(span.text)) {
        await expectFile(span, span.text);
      }
    }
  });

  test('npm scripts', () => {
    for (const { name, place } of mentionedScripts()) {
      assert.ok(name in scripts, `${place}: package.json has no script “${name}”.`);
    }
  });

  test('every npm script is documented', () => {
    // `npm run hint:3` means the same as `npm run hint 3`, and `step 3` the same as `step:3`.
    const base = (name: string) => name.replace(/:\d+$/, '');
    const named = new Set(mentionedScripts()
      .filter(({ place }) => !texts.some((text) => place.startsWith(text)))
      .map(({ name }) => base(name)));
    for (const name of Object.keys(scripts)) {
      assert.ok(named.has(base(name)), `README.md doesn't say what npm run ${name} does.`);
    }
  });

  test('every step has a chapter', async () => {
    for (const step of steps) {
      const workshop = await readDocument(textOf(step.number));
      const title = `Step ${step.number}: ${step.title}`;
      const chapter = workshop.headings.find(({ text }) => text === title);
      assert.ok(chapter, `${workshop.file} has no chapter “${title}”.`);
      const sections = sectionsOf(workshop, chapter);
      for (const name of ['Try it out', 'Check', 'What just happened', 'Common mistakes']) {
        assert.ok(sections.includes(name), `${chapter.place}: “${title}” has no “${name}”.`);
      }
      const moves = sections.flatMap((text) => /^Move (\d): ./.exec(text)?.[1] ?? []).join();
      assert.ok('1,2,3,4,5'.startsWith(moves), `${chapter.place}: its moves are ${moves}.`);
    }
  });
});

/** The blocks to execute, by chapter: all chapters, or the one of the step that is to be proved. */
function executableChapters(): Map<string, Block[]> {
  const only = process.env.PROVED_STEP;
  const chapters = new Map<string, Block[]>();
  for (const { file, blocks } of documents) {
    for (const block of blocks.filter(({ language }) => /^(console|diff)$/.test(language))) {
      if (only !== undefined && !block.chapter.startsWith(`Step ${only}:`)) continue;
      const title = `${file} › ${block.chapter}`;
      chapters.set(title, [...chapters.get(title) ?? [], block]);
    }
  }
  return chapters;
}

/** The npm scripts mentioned in the texts; `step:N` stands for those of all steps. */
function mentionedScripts() {
  const mentions = documents.flatMap(({ codeSpans, blocks }) => [
    ...codeSpans,
    ...blocks.filter(({ language }) => language !== 'diff'),
  ]);
  return mentions.flatMap(({ text, place }) => (
    [...text.matchAll(/npm (?:run ([\w:-]+)|(test|start)\b)/g)].flatMap(([, run, short]) => {
      const name = run ?? short ?? '';
      if (!name.endsWith(':N')) return [{ name, place }];
      // Only part two has attacks.
      const numbered = steps.filter(({ number }) => name !== 'attack:N' || number > 4);
      return numbered.map(({ number }) => ({ name: name.replace(/N$/, String(number)), place }));
    })
  ));
}

function sectionsOf({ headings }: Document, chapter: Heading): string[] {
  const rest = headings.slice(headings.indexOf(chapter) + 1);
  const end = rest.findIndex(({ depth }) => depth <= chapter.depth);
  return rest.slice(0, end === -1 ? undefined : end).map(({ text }) => text);
}

/** The path of a file that a document names; for steps/, look among the kept starters. */
function pathOf(file: string): string {
  const kept = file.endsWith('.test.ts') ? file : file.replace(/^steps\//, 'shared/lesson/starters/');
  return path.join(root, kept);
}

async function expectExcerpt({ file, text, place, placeOf }: Block): Promise<void> {
  const lines = await readFile(pathOf(file), 'utf8').then(
    (content) => content.split(/\r?\n/).map((line) => line.trim()),
    () => assert.fail(`${place}: there is no file ${file}.`),
  );
  let from = 0;
  for (const [index, line] of text.split('\n').entries()) {
    const wanted = line.trim();
    if (wanted === '' || wanted === '…') continue;
    from = lines.indexOf(wanted, from) + 1;
    assert.notEqual(from, 0, `${placeOf(index)}: ${file} has no such line, or not in this order.`);
  }
}

async function expectFile({ place }: Mention, file: string): Promise<void> {
  await access(pathOf(file)).catch(() => assert.fail(`${place}: there is no ${file}.`));
}

/** In a step's chapter, `app.ts` is that step's; elsewhere it may be any step's. */
async function expectNamedFile({ text, chapter, place }: Mention): Promise<void> {
  const own = steps.filter(({ number }) => chapter.startsWith(`Step ${number}:`));
  const ours = (own.length > 0 ? own : steps).flatMap(({ folder }) => (
    [`solutions/${folder}`, `steps/${folder}`]
  ));
  const folders = ['', ...ours];
  const found = await Promise.all(folders.map((folder) => (
    access(pathOf(path.posix.join(folder, text))).then(() => true, () => false)
  )));
  assert.ok(found.includes(true), `${place}: there is no ${text}.`);
}

async function expectAnchor({ place }: Mention, file: string, anchor: string): Promise<void> {
  const { headings } = documents.find((document) => document.file === file)
    ?? await readDocument(file);
  const exists = headings.some((heading) => heading.anchor === anchor);
  assert.ok(exists, `${place}: ${file} has no heading with the anchor #${anchor}.`);
}
