/**
 * Applies a patch in WORKSHOP.md's format: a unified diff without line numbers. Lines begin with a
 * space (context), `-` or `+`; a line `@@` separates hunks; an empty line is empty context.
 * @param text the file's text, with either kind of line ending: Git may have used CRLF
 * @param patch the lines of the diff
 * @throws {Error} when a hunk's old lines aren't in the text exactly once
 */
export function applyPatch(text: string, patch: string): string {
  let lines = text.split(/\r?\n/);
  for (const hunk of patch.replace(/\n$/, '').split(/^@@.*\n/m)) {
    if (hunk === '') continue;
    const old: string[] = [];
    const fresh: string[] = [];
    for (const line of hunk.replace(/\n$/, '').split('\n')) {
      if (!line.startsWith('+')) old.push(line.slice(1));
      if (!line.startsWith('-')) fresh.push(line.slice(1));
    }
    lines = replaceOnce(lines, old, fresh);
  }
  return lines.join('\n');
}

function replaceOnce(lines: string[], old: string[], fresh: string[]): string[] {
  const places = lines.flatMap((_, start) => (
    old.every((line, offset) => lines[start + offset] === line) ? [start] : []
  ));
  const [place] = places;
  if (place === undefined || places.length > 1) {
    const found = places.length > 1 ? `${places.length} times` : 'nowhere';
    throw new Error(`These lines of the patch are found ${found}:\n${old.join('\n')}`);
  }
  return lines.toSpliced(place, old.length, ...fresh);
}
