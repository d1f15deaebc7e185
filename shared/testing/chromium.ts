import { existsSync } from 'node:fs';
import path from 'node:path';
import { chromium, type Browser } from 'playwright-core';

/** The path of a Chromium or Chrome on this machine; CHROME_PATH can name one. */
export function findChromium(): string | undefined {
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

/** @param more arguments for Chromium itself */
export function startChromium(executablePath: string, ...more: string[]): Promise<Browser> {
  // Chromium's sandbox can't start as root, which CI machines often run as.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return chromium.launch({ executablePath, args: [...args, ...more] });
}
