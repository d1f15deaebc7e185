import { existsSync } from 'node:fs';
import path from 'node:path';
import { chromium, type Browser } from 'playwright-core';
import { Problem } from '../terminal/problem.ts';

/** The path of a Chromium or Chrome on this machine; CHROME_PATH can name one. */
function findChromium(): string | undefined {
  const names = [
    'chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome',
    'google-chrome-stable',
  ];
  const folders = (process.env['PATH'] ?? '').split(path.delimiter);
  const candidates = [
    process.env['CHROME_PATH'],
    ...folders.flatMap((folder) => names.map((name) => path.join(folder, name))),
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
  ];
  return candidates.find((candidate) => candidate !== undefined && existsSync(candidate));
}

/** Why tests in a browser are skipped; false if there is one, and always with CI=true. */
export const skipWithoutChromium = findChromium() === undefined && process.env['CI'] !== 'true'
  && 'no Chromium or Chrome on this machine; CHROME_PATH can name one';

/**
 * Starts this machine's Chromium or Chrome.
 * @param more arguments for Chromium itself
 * @throws {Problem} when there is none
 */
export async function startChromium(...more: string[]): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === undefined) {
    throw new Problem(
      'There is no Chromium or Chrome on this machine.',
      'install one, or name it: CHROME_PATH=/path/to/chrome npm run screenshots',
    );
  }
  // Chromium's sandbox can't start as root, which CI machines often run as.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return chromium.launch({ executablePath, args: [...args, ...more] });
}
