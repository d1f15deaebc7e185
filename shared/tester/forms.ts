/*
 * Forms as a browser reads and sends them.
 */
import type { Browser, Exchange } from './browser.ts';
import { readable } from './visits.ts';

/** A form of a page. */
export interface PageForm {
  /** The path that it is sent to. */
  readonly action: string;
  readonly method: 'GET' | 'POST';
  /** What is sent with it unless somebody types something else, by name. */
  readonly fields: Readonly<Record<string, string>>;
  /** Its buttons: a field each, or nothing if they have no name. */
  readonly buttons: readonly Readonly<Record<string, string>>[];
  /** What a person reads in it. */
  readonly text: string;
}

/**
 * What a browser sends along when a page of the app itself sends a form.
 * @param url where the app listens
 */
export function ownPage(url: string): Record<string, string> {
  return {
    Origin: url,
    'Sec-Fetch-Site': 'same-origin',
    'Sec-Fetch-Mode': 'navigate',
    'Sec-Fetch-Dest': 'document',
  };
}

/**
 * Opens a page, fills in its form for `action` and sends it, hidden fields included. Where the page
 * has no such form, only what was filled in is sent.
 * @param headers what the browser adds by itself
 */
export async function submit(
  browser: Browser,
  path: string,
  action: string,
  filledIn: Readonly<Record<string, string>>,
  headers = ownPage(browser.url),
): Promise<Exchange> {
  const page = await browser.get(path);
  const form = readForms(page).find((form) => form.action === action);
  return browser.post(action, { ...form?.fields, ...form?.buttons[0], ...filledIn }, headers);
}

/** The forms of a page. */
export function readForms({ path, body }: Exchange): PageForm[] {
  return [...body.matchAll(/<form\b([^>]*)>(.*?)<\/form>/gis)].map(([, head = '', inside = '']) => {
    const form = attributesOf(head);
    const fields: Record<string, string> = {};
    const buttons: Record<string, string>[] = [];
    for (const [, tag = ''] of inside.matchAll(/<((?:input|button)\b[^>]*)>/gi)) {
      const { name, value = '', type = /^button/i.test(tag) ? 'submit' : 'text' } =
        attributesOf(tag);
      if (type === 'submit') buttons.push(name === undefined ? {} : { [name]: value });
      else if (name !== undefined) fields[name] = value;
    }
    return {
      action: new URL(form.action ?? path, 'http://localhost').pathname,
      method: form.method?.toUpperCase() === 'POST' ? 'POST' : 'GET',
      fields,
      buttons,
      text: inside.replaceAll(/<[^>]*>/g, ' ').replaceAll(/\s+/g, ' ').trim(),
    };
  });
}

function attributesOf(tag: string): Record<string, string | undefined> {
  return Object.fromEntries(
    [...tag.matchAll(/([\w-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))/g)]
      .map(([, name = '', double, single, bare]) => (
        [name.toLowerCase(), readable(double ?? single ?? bare ?? '')]
      )),
  );
}
