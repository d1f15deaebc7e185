import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Lexer, type MarkedToken, type Token } from 'marked';
import { root } from '../../lesson/steps.ts';

/** A position in a text, for people: `WORKSHOP.md:12`. */
export type Place = string;

/** A heading and its anchor. */
export interface Heading {
  depth: number;
  text: string;
  anchor: string;
  place: Place;
}

/** A fenced block: ```` ```diff steps/01-hello-express/app.ts ````. */
export interface Block {
  language: string;
  /** The file named after the language; empty if there is none. */
  file: string;
  text: string;
  /** The headings above it: the chapter's and, within a chapter, the section's. */
  chapter: string;
  section: string;
  place: Place;
  /** The place of a line in the block, counting from 0. */
  placeOf: (line: number) => Place;
}

/** A short item at a place: a link's target, a code span. */
export interface Mention {
  text: string;
  chapter: string;
  place: Place;
}

/** A parsed Markdown file. */
export interface Document {
  file: string;
  headings: Heading[];
  blocks: Block[];
  links: Mention[];
  codeSpans: Mention[];
}

/**
 * Reads a Markdown file of the workshop.
 * @param file its path relative to the root: `WORKSHOP.md`
 */
export async function readDocument(file: string): Promise<Document> {
  return parseDocument(file, await readFile(path.join(root, file), 'utf8'));
}

/** Parses a Markdown text. */
export function parseDocument(file: string, text: string): Document {
  const document: Document = { file, headings: [], blocks: [], links: [], codeSpans: [] };
  const anchors = new Map<string, number>();
  let chapter = '';
  let section = '';

  const visit = (token: Token, line: number): void => {
    const place = `${file}:${line}`;
    if (isType(token, 'heading')) {
      const title = plainText(token.tokens);
      document.headings.push({
        depth: token.depth, text: title, anchor: uniqueAnchor(title, anchors), place,
      });
      if (token.depth <= 2) chapter = title;
      section = token.depth <= 2 ? '' : title;
    } else if (isType(token, 'code')) {
      const [, language = '', target = ''] = /^(\S*) *(.*)$/.exec(token.lang ?? '') ?? [];
      document.blocks.push({
        language, file: target, text: token.text, chapter, section, place,
        placeOf: (offset) => `${file}:${line + 1 + offset}`,
      });
    } else if (isType(token, 'link') || isType(token, 'image')) {
      document.links.push({ text: token.href, chapter, place });
    } else if (isType(token, 'codespan')) {
      document.codeSpans.push({ text: token.text, chapter, place });
    }
    visitAll(childrenOf(token), token.raw, line);
  };

  /** Tokens know their text but not their line: find it by their order in the surrounding text. */
  const visitAll = (tokens: Token[], around: string, firstLine: number): void => {
    let from = 0;
    for (const token of tokens) {
      const found = around.indexOf(token.raw, from);
      const at = found === -1 ? from : found;
      visit(token, firstLine + countLines(around.slice(0, at)));
      if (found !== -1) from = found + token.raw.length;
    }
  };

  const unix = text.replaceAll('\r\n', '\n');
  visitAll(new Lexer().lex(unix), unix, 1);
  return document;
}

/** The tokens inside another one: inline tokens, table cells and list items. */
function childrenOf(token: Token): Token[] {
  if (isType(token, 'list')) return token.items;
  if (isType(token, 'table')) {
    return [...token.header, ...token.rows.flat()].flatMap(({ tokens }) => tokens);
  }
  return 'tokens' in token ? token.tokens ?? [] : [];
}

type TokenOf<K extends MarkedToken['type']> = Extract<MarkedToken, { type: K }>;

/** Tells a token's type, which marked's own type leaves open for extensions. */
function isType<K extends MarkedToken['type']>(token: Token, type: K): token is TokenOf<K> {
  return token.type === type;
}

function plainText(tokens: Token[]): string {
  return tokens.map((token) => (
    'text' in token ? String(token.text) : plainText(childrenOf(token))
  )).join('');
}

/** The anchor that GitHub gives a heading; a repeated name gets -1 and so on. */
function uniqueAnchor(title: string, used: Map<string, number>): string {
  const anchor = title.toLowerCase().replaceAll(/[^\p{L}\p{N}\p{M}_ -]/gu, '').replaceAll(' ', '-');
  const count = used.get(anchor) ?? 0;
  used.set(anchor, count + 1);
  return count === 0 ? anchor : `${anchor}-${count}`;
}

function countLines(text: string): number {
  return text.split('\n').length - 1;
}
