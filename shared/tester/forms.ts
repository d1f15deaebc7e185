/*
 * Forms as a browser reads and sends them.
 */
import type { Browser, Exchange } from './browser.ts';
import { currentSubject } from './subject.ts';
import { readable } from './visits.ts';

/** A form on a page. */
interface PageForm {
  /** The path it's sent to, or the whole address if that's on another server. */
  readonly action: string;
  readonly method: 'GET' | 'POST';
  /** What it sends unless a person types something else, by name. */
  readonly fields: Readonly<Record<string, string>>;
  readonly buttons: readonly Button[];
}

/** A button that sends its form, or the form that it names. */
interface Button {
  /** Where it sends the form, and how, if it doesn't leave that to the form. */
  readonly action: string;
  readonly method: 'GET' | 'POST';
  /** What it adds to the form: a field, or nothing if it has no name. */
  readonly field: Readonly<Record<string, string>>;
  /** What a person reads on it, and before it since the previous button or the form's start. */
  readonly text: string;
}

/**
 * What a browser sends along when one of the app's own pages sends a form. The page came over HTTPS
 * where the app is behind a proxy.
 * @param url where the app listens
 */
export function ownPage(url: string): { Origin: string } & Record<string, string> {
  return {
    Origin: currentSubject().step.behindProxy ? url.replace('http:', 'https:') : url,
    'Sec-Fetch-Site': 'same-origin',
    'Sec-Fetch-Mode': 'navigate',
    'Sec-Fetch-Dest': 'document',
  };
}

/**
 * Opens a page, fills in its form for `action` and sends it, hidden fields included. If the page
 * has no such form, it sends only what was filled in.
 * @param headers what the browser adds by itself
 */
export async function submit(
  browser: Browser,
  path: string,
  action: string,
  filledIn: Readonly<Record<string, string>>,
  headers: Record<string, string> = ownPage(browser.url),
): Promise<Exchange> {
  const page = await browser.get(path);
  const form = readForms(page).find((form) => form.action === action);
  const hidden = { ...form?.fields, ...form?.buttons[0]?.field };
  return browser.post(action, { ...hidden, ...filledIn }, headers);
}

/** The forms on a page, as a browser shows them: what it leaves out or disables isn't there. */
export function readForms({ path, body }: Exchange): PageForm[] {
  const page = body.replaceAll(/<!--.*?-->|<(template|script|style|title)\b.*?<\/\1>/gis, '');
  const forms = [...page.matchAll(/<form\b([^>]*)>(.*?)<\/form>/gis)];
  const outside = page.replaceAll(/<form\b.*?<\/form>/gis, '');
  return forms.map(([, head = '', inside = '']) => {
    const form = attributesOf(head);
    const target = ({ action = path, method = 'GET' }) => {
      const { origin, pathname, href } = new URL(action, new URL(path, base));
      return {
        action: origin === base ? pathname : href,
        method: method.toUpperCase() === 'POST' ? 'POST' as const : 'GET' as const,
      };
    };
    const fields: Record<string, string> = {};
    const buttons: Button[] = [];
    const add = (text: string, isOurs: (named?: string) => boolean) => {
      let since = 0;
      for (const { index, 0: whole, 1: tag = '' } of text.matchAll(controls)) {
        const isButton = /^button/i.test(tag);
        const attributes = attributesOf(tag);
        const { name, value = '', type = isButton ? 'submit' : 'text' } = attributes;
        if (!isOurs(attributes.form) || 'disabled' in attributes) continue;
        if (/^(submit|image)$/i.test(type)) {
          const end = index + whole.length;
          const { formaction = form.action, formmethod = form.method } = attributes;
          buttons.push({
            ...target({ action: formaction, method: formmethod }),
            field: name === undefined ? {} : { [name]: value },
            text: readable(text.slice(since, end).replaceAll(/<[^>]*>/g, ' ')),
          });
          since = end;
        } else if (name !== undefined) {
          fields[name] = value;
        }
      }
    };
    add(inside, (named) => named === undefined || named === form.id);
    add(outside, (named) => named !== undefined && named === form.id);
    return { ...target(form), fields, buttons };
  });
}

/** Any server: a page's own addresses have none. */
const base = 'http://localhost';

/** A button to its end, or an input. */
const controls = /<(input\b[^>]*|button\b[^>]*)>(?:(?<=<button\b[^>]*>).*?<\/button>)?/gis;

function attributesOf(tag: string): Record<string, string | undefined> {
  return Object.fromEntries(
    [...tag.matchAll(/([\w-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/g)]
      .map(([, name = '', double, single, bare]) => (
        [name.toLowerCase(), readable(double ?? single ?? bare ?? '')]
      )),
  );
}
