import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { freePort, tryPort } from '../app/port.ts';
import { startChromium } from '../testing/chromium.ts';
import { openStageDatabase, startStage } from '../testing/stage.ts';
import type { Context } from './command.ts';

/** What a step's picture shows: the buttons to press, and what to wait for then. */
const pictures = [
  { number: 2, press: ['Visit the app', 'Visit the app', 'Restart the app'],
    link: 'The memory is gone', newest: 'changed', height: 1010 },
  { number: 3, press: ['Visit the app', 'Second visitor', 'Visit the app'],
    link: 'One session', newest: 'changed', height: 1110 },
  { number: 4, press: ['Visit the app', 'Log out'],
    link: 'The session was destroyed', newest: 'destroyed', height: 1010 },
];

const secret = 'a secret that only the screenshots use';
/** The maximum size of a picture for the repository, in bytes. */
const largest = 150_000;

/** `npm run screenshots`: retakes the pictures in WORKSHOP.md from the real, running page. */
export default async function screenshots({ workshop, print }: Context): Promise<void> {
  // Prefer the address in WORKSHOP.md.
  const app = await tryPort(4000) === undefined ? 4000 : await freePort();
  const browser = await startChromium();
  try {
    for (const { number, press, link, newest, height } of pictures) {
      // A database of its own, whatever the settings, so that no other sessions appear.
      const { database, of } = await openStageDatabase({ WORKSHOP_MONGO: 'stand-in' });
      const { url, line } = of('workshop');
      const mongo = { url, line: line.replace(/ \(.*/, '') };
      const stage = await startStage({ number, secret, appPort: app, ...number > 2 && { mongo } });
      const context = await browser.newContext({
        viewport: { width: 1280, height },
        reducedMotion: 'reduce',
        colorScheme: 'light',
        locale: 'en-GB',
      });
      const page = await context.newPage();
      await page.goto(stage.live.url);
      await page.locator('#page-state').filter({ hasText: 'Live' }).waitFor();
      for (const button of press) {
        if (button === 'Log out') await logOut(page, stage.appUrl);
        else await pressButton(page, button);
      }
      await page.locator('#link').filter({ hasText: link }).waitFor();
      await page.locator('#exchanges > li').first().filter({ hasText: newest }).waitFor();
      await page.mouse.move(0, 0);
      const file = `docs/step-${number}.webp`;
      const image = await takePicture(page);
      if (image.length > largest) {
        throw new Error(`${file} would have ${image.length} bytes: more than ${largest}`);
      }
      await writeFile(path.join(workshop, file), image);
      print(`${file}  ${Math.round(image.length / 1000)} kB`);
      await context.close();
      await stage.close();
      await database.close();
    }
  } finally {
    await browser.close();
  }
}

/** Takes a WebP, half the size of a PNG. playwright doesn't offer it itself. */
async function takePicture(page: Page): Promise<Buffer> {
  const devTools = await page.context().newCDPSession(page);
  const { data } = await devTools.send('Page.captureScreenshot', { format: 'webp', quality: 88 });
  return Buffer.from(data, 'base64');
}

/** Presses a button on the page, and waits for the page to show the result. */
async function pressButton(page: Page, name: string): Promise<void> {
  const requests = await page.locator('#exchanges > li').count();
  await page.getByRole('button', { name }).click();
  if (name === 'Restart the app') await page.getByText('a new process now').waitFor();
  else await page.locator('#exchanges > li').nth(requests).waitFor();
}

/** Logs out in a separate tab, then gives the browser its old cookie back. */
async function logOut(page: Page, appUrl: string): Promise<void> {
  const context = page.context();
  const cookies = await context.cookies();
  const tab = await context.newPage();
  await tab.goto(new URL('/logout', appUrl).href);
  await tab.getByRole('button').click();
  await tab.getByText('Logout complete').waitFor();
  await tab.close();
  await context.addCookies(cookies);
}
