// @ts-check
/*
 * Shows what this page's server reports, always as text and never as markup: much of it comes from
 * requests that anyone may have sent.
 */

/** @typedef {import('../live.ts').Shown} Shown */
/** @typedef {import('../exchange.ts').Exchange} Exchange */
/** @typedef {import('../exchange.ts').CookiePicture} CookiePicture */
/** @typedef {import('../exchange.ts').Mark} Mark */

const hues = 6;
/** How long before looking for a lost server again, and how often to announce news, in ms. */
const againMs = 1000;
const sayMs = 1500;

const idle = 'Press a button and watch the picture.';
const lost = 'The connection is lost. Is the command still running? This page reconnects by '
  + 'itself. If it doesn’t, open the address in the terminal, after “Live”.';
const noCookie = 'This browser holds no session cookie. Visit the app first.';
const moved = 'The live picture has moved: open the address in the terminal, after “Live”.';

/** What the page currently shows. @type {Shown | undefined} */
let shown;

// ---------------------------------------------------------------- making elements

/** @param {string} id */
function get(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`no #${id}`);
  return element;
}

/**
 * @param {string} tag
 * @param {Record<string, string> | string} about attributes, or just a class
 * @param {(Node | string | undefined | false)[]} children strings become text
 */
function make(tag, about, ...children) {
  const element = document.createElement(tag);
  const attributes = typeof about === 'string' ? { class: about } : about;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children.filter((child) => child !== undefined && child !== false));
  return element;
}

/** Changes a text only if it differs: screen readers don't announce unchanged text again. */
function setText(/** @type {Element} */ element, /** @type {string} */ text) {
  if (element.textContent !== text) element.textContent = text;
}

/** The data that each part of the page was drawn from. @type {Map<string, string>} */
const drawn = new Map();

/** Whether a part of the page needs redrawing. */
function isNew(/** @type {string} */ part, /** @type {unknown} */ data) {
  const text = JSON.stringify(data);
  if (drawn.get(part) === text) return false;
  drawn.set(part, text);
  return true;
}

/** @param {Mark | undefined} mark */
function hueOf(mark) {
  return mark ? String(mark.number % hues) : '';
}

/** @param {Mark} mark */
function badge(mark) {
  const attributes = { class: 'mark', 'data-hue': hueOf(mark), 'aria-hidden': 'true' };
  return make('span', attributes, mark.label);
}

// ---------------------------------------------------------------- the browser's panel

/** @param {Shown['browser']} browser */
function drawBrowser({ cookie, attributes = [], ends, text }) {
  get('browser-body').replaceChildren(...[
    cookie?.mark && make('p', 'who', badge(cookie.mark), `Session ${cookie.mark.label}: this `
    + `browser${cookie.mark.user === undefined ? '' : `, logged in as ${cookie.mark.user}`}`),
    cookie && make('code', { class: 'value', 'data-hue': hueOf(cookie.mark) },
      row('name', make('span', '', `${cookie.name}=`), make('span', 'quiet', 's%3A')),
      row('id', make('span', { class: 'part id', id: 'cookie-id' }, cookie.id)),
      row('signature', make('span', 'quiet', '.'), make('span', 'part seal', cookie.signature))),
    attributes.length > 0 && make('dl', 'facts', ...attributes.flatMap(({ text, means }) => [
      make('dt', '', text), make('dd', '', means),
    ])),
    ends !== undefined && countdown('The cookie ends', ends),
    text !== '' && make('p', cookie ? 'quiet' : '', text),
  ].filter((part) => part instanceof Node));
}

/** @param {string} caption @param {Node[]} parts */
function row(caption, ...parts) {
  return make('span', 'row', make('span', 'caption', caption), make('span', '', ...parts));
}

// ---------------------------------------------------------------- the store's panel

/** @param {Shown} shown */
function drawStore({ store, browser: { cookie }, database = '' }) {
  const { document: stored, session, expires, index, others, accounts, logins = [], text } = store;
  setText(get('store-name'), store.title);
  const hue = { class: 'json', 'data-hue': hueOf(cookie?.mark) };
  const own = logins.find(({ isOwn }) => isOwn);
  get('store-body').replaceChildren(...[
    stored !== undefined && make('pre', hue, ...json(stored, cookie?.id, 'document-id')),
    session !== undefined && make('div', '', make('p', 'quiet', make('code', '', 'session'),
      ' is a string. Parsed, it says:'), make('pre', hue, ...json(session, own?.id, 'login-id'))),
    expires !== undefined && countdown('expires', expires),
    text !== '' && make('p', '', text),
    logins.length > 0 && make('div', '', make('h3', '', 'logins'),
      make('ul', 'logins', ...logins.map(drawLogin))),
    accounts && make('p', '', make('strong', '', 'accounts '), accounts.join(', ')),
    index !== undefined && make('p', 'quiet', index),
    others !== undefined && make('p', 'quiet',
      make('strong', { id: 'others' }, otherSessions(others)), ` ${database}`),
  ].filter((part) => part instanceof Node));
}

/** @param {NonNullable<Shown['store']['logins']>[number]} login */
function drawLogin({ id, user, since, mark, isOwn }) {
  const row = make('li', { 'data-hue': hueOf(mark) }, mark && badge(mark),
    make('span', 'part id', shorten(id, 8)),
    make('span', '', user, isOwn && ' (this browser)'),
    since !== undefined && make('span', 'quiet', `since ${clock.format(since)}`));
  // The line to it ends here, so that it crosses no text.
  if (isOwn && row.lastElementChild) row.lastElementChild.id = 'own-login';
  return row;
}

/** @param {number} count */
function otherSessions(count) {
  if (count === 0) return 'There’s no other session.';
  return count === 1
    ? 'There’s 1 other session.'
    : `There are ${count.toLocaleString('en')} other sessions.`;
}

/**
 * A value as JSON, in pieces: an object's fields one per line, everything else on one line.
 * @param {unknown} value
 * @param {string | undefined} linked the value that the link leads to; its element gets `id`
 * @param {string} id
 * @param {boolean} isTop
 * @returns {(Node | string)[]}
 */
function json(value, linked, id, isTop = true) {
  if (value === linked && typeof value === 'string') {
    return ['"', make('span', { class: 'part id', id }, value), '"'];
  }
  if (typeof value !== 'object' || value === null) return [JSON.stringify(value) ?? 'undefined'];
  if ('$date' in value) return [String(value.$date)];
  const isList = Array.isArray(value);
  const [open, close] = isList ? '[]' : '{}';
  const [start, apart, end] = isTop ? ['\n  ', ',\n  ', '\n'] : [' ', ', ', ' '];
  const items = Object.entries(value).flatMap(([name, item], place) => [
    place === 0 ? start : apart,
    ...isList ? [] : [make('span', 'quiet', `${JSON.stringify(name)}: `)],
    ...json(item, linked, id, false),
  ]);
  return [open ?? '', ...items, items.length > 0 ? end : '', close ?? ''];
}

// ---------------------------------------------------------------- time

const clock = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });

/** @param {string} what @param {number} at in ms since 1970 */
function countdown(what, at) {
  const text = make('strong', { 'data-at': String(at) });
  tick(text);
  return make('p', 'end', `${what} `, text);
}

/** @param {HTMLElement} element */
function tick(element) {
  const seconds = Math.round((Number(element.dataset['at']) - Date.now()) / 1000);
  element.classList.toggle('past', seconds <= 0);
  setText(element, seconds > 0 ? `in ${duration(seconds)}` : `${duration(-seconds)} ago`);
}

/** @param {number} seconds */
function duration(seconds) {
  const days = Math.floor(seconds / 86_400);
  const hours = Math.floor(seconds / 3600) % 24;
  const minutes = Math.floor(seconds / 60) % 60;
  if (days > 0) return `${days} d ${hours} h`;
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}

// ---------------------------------------------------------------- the link

/** Draws lines from the id in the cookie, past the link's box, to the id in the document. */
function drawLines() {
  const svg = get('lines');
  svg.replaceChildren();
  const [box, from, store, browser] = ['link', 'cookie-id', 'store', 'browser'].map(placeOf);
  const [login, ownLogin] = ['login-id', 'own-login'].map(placeOf);
  if (login && ownLogin && store) {
    const [start, end] = [login.right + 16, ownLogin.right + 16];
    const d = `M ${start} ${middle(login)} H ${store.right - 10} V ${middle(ownLogin)} H ${end}`;
    svg.append(shape('path', { d }));
  }
  const link = shown?.link;
  // On a narrow screen the panels are stacked, and the style sheet draws the line.
  if (!link || link.state === 'open' || !box || !from || !store || !browser) return;
  if (box.left < browser.right) return;
  const to = placeOf('document-id') ?? from;
  const halves = [
    { x: from.right, y: middle(from), edge: browser.right, side: box.left },
    // Stop at the document, so that the line crosses no text.
    { x: store.left + 12, y: middle(to), edge: store.left, side: box.right },
  ];
  for (const [half, { x, y, edge, side }] of halves.entries()) {
    // If the link breaks on the browser's side, the store isn't asked at all.
    if (half === 1 && link.at === 'browser') continue;
    const isGone = link.at === (half === 0 ? 'browser' : 'store');
    const sideY = Math.min(Math.max(y, box.top + 24), box.bottom - 24);
    // Inside the panels the line is level, so that it crosses no text.
    const d = `M ${x} ${y} H ${edge} C ${side} ${y} ${edge} ${sideY} ${side} ${sideY}`;
    svg.append(shape('path', { d, class: isGone ? 'gone' : '' }));
    if (isGone) {
      const [midX, midY] = [(edge + side) / 2, (y + sideY) / 2];
      const cross = `M ${midX - 7} ${midY - 7} l 14 14 m 0 -14 l -14 14`;
      svg.append(shape('path', { d: cross, class: 'cut' }));
    } else {
      svg.append(shape('circle', { cx: x, cy: y, r: 5 }));
    }
  }
}

/** Where an element is in the picture. @param {string} id */
function placeOf(id) {
  const place = document.getElementById(id)?.getClientRects()[0];
  const { x, y } = get('lines').getBoundingClientRect();
  return place && new DOMRect(place.x - x, place.y - y, place.width, place.height);
}

/** @param {DOMRect} place */
function middle({ y, height }) {
  return y + height / 2;
}

/** @param {string} tag @param {Record<string, string | number>} attributes */
function shape(tag, attributes) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) {
    element.setAttribute(name, String(value));
  }
  return element;
}

// ---------------------------------------------------------------- the exchange

/** @param {Exchange} exchange @param {string | undefined} own this browser's session */
function drawExchange(exchange, own) {
  const { key, at, ms, state, method, path, status, cookie, setCookie, from, mark } = exchange;
  const { outcomes, text, otherCookies } = exchange;
  const words = state === 'answered' ? outcomes : [state];
  const user = mark?.user === undefined ? '' : `, ${mark.user}`;
  const whose = mark?.label === own ? 'this browser' : `session ${mark?.label}`;
  return make('li', { 'data-key': key },
    make('time', { datetime: new Date(at).toISOString() }, clock.format(at)),
    make('span', 'who', mark && badge(mark), mark ? `${whose}${user}` : 'no session'),
    make('span', 'request', `${method} ${path}`,
      make('span', (status ?? 0) >= 400 ? 'status error' : 'status', String(status ?? '…')),
      make('span', 'quiet', ` ${ms} ms`)),
    make('span', 'outcomes', ...words.map((word) => make('span', {
      class: 'outcome', 'data-outcome': word,
    }, word))),
    make('div', 'more',
      text !== '' && make('p', '', text),
      from !== undefined && make('p', 'header', 'Sent by', make('code', '', from)),
      cookie && make('p', 'header', 'Cookie received', cookieCode(cookie)),
      otherCookies.length > 0 && make('p', 'header', 'Other cookies received',
        make('code', '', otherCookies.join(', '))),
      setCookie && make('p', 'header', 'Set-Cookie sent',
        cookieCode(setCookie, setCookie.attributes))));
}

/** @param {CookiePicture} cookie @param {string} attributes */
function cookieCode({ name, id, signature, mark }, attributes = '') {
  const rest = attributes && `; ${attributes}`;
  if (id === '') return make('code', '', `${name}=${rest}`);
  return make('code', { 'data-hue': hueOf(mark) }, `${name}=s%3A`,
    make('span', 'part id', shorten(id, 8)), '.',
    make('span', 'part seal', shorten(signature, 6)), rest);
}

/** @param {string} text @param {number} length */
function shorten(text, length) {
  return text.length > length ? `${text.slice(0, length)}…` : text;
}

/** @param {Shown} shown */
function drawExchanges({ exchanges, left, browser }) {
  const own = browser.cookie?.mark?.label;
  const list = get('exchanges');
  const rows = new Map([...list.querySelectorAll('li')].map((item) => [item.dataset['key'], item]));
  for (const exchange of exchanges) {
    const { key } = exchange;
    const old = rows.get(key);
    rows.delete(key);
    if (!isNew(`exchange ${key}`, [exchange, own]) && old) continue;
    const item = drawExchange(exchange, own);
    // Don't animate the arrival of what's already known.
    if (old) item.classList.add('known');
    if (old) old.replaceWith(item);
    else list.prepend(item);
  }
  for (const [key, item] of rows) {
    item.remove();
    drawn.delete(`exchange ${key}`);
  }
  get('nobody').hidden = exchanges.length > 0;
  get('left').hidden = left === 0;
  const more = left === 1 ? '1 more request' : `${left.toLocaleString('en')} more requests`;
  setText(get('left'), `${more} went by too fast to be shown.`);
}

// ---------------------------------------------------------------- saying what happens

let saidAt = -sayMs;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let saying;
let toSay = '';

/**
 * Announces a sentence to screen readers; of several at once, only the last.
 * @param {string} text
 */
function say(text) {
  toSay = text;
  saying ??= setTimeout(() => {
    saying = undefined;
    saidAt = performance.now();
    get('announcer').textContent = toSay;
  }, Math.max(0, saidAt + sayMs - performance.now()));
}

/** What was shown when a button's result appeared: the result stays until that changes. */
let basis = '';

/** @param {string} text */
function setResult(text) {
  basis = gist();
  setText(get('result'), text);
}

function gist() {
  const { link, app, exchanges } = shown ?? {};
  return JSON.stringify([link?.text, app?.pid, app?.state, exchanges?.at(-1)?.key]);
}

/** @param {boolean} isLive @param {string} why */
function setState(isLive, why = '') {
  if (!isNew('state', [isLive, why])) return;
  const element = get('page-state');
  element.dataset['state'] = isLive ? 'good' : 'bad';
  setText(element, isLive ? 'Live' : 'Connection lost');
  document.body.classList.toggle('lost', !isLive);
  say(isLive ? 'Connected. The picture is live.' : why);
  setResult(isLive ? idle : why);
}

// ---------------------------------------------------------------- showing it all

/** In a browser, a codespace's ports have hosts of their own: NAME-4001.app.github.dev. */
const forwarded = /^(.+)-\d+(\.app\.github\.dev)$/.exec(location.hostname);

/** @param {Shown} now */
function show(now) {
  const before = shown;
  shown = now;
  const { step, app, browser, link, store, exchanges } = now;
  setState(true);
  setText(get('step'), `Step ${step.number} · ${step.title}`);
  document.title = `Step ${step.number} · See the session`;
  const appState = get('app-state');
  appState.dataset['state'] = app.state === 'running' ? 'good' : 'bad';
  const process = app.state === 'running' ? `process ${app.pid}` : app.state;
  setText(appState, `App on port ${app.port}: ${process}`);
  setText(get('app-host'), `localhost:${app.port}`);
  setText(get('own-host'), location.host);
  const [, codespace, domain] = forwarded ?? [];
  get('open-app').setAttribute('href', forwarded
    ? `https://${codespace}-${app.port}${domain}/`
    : `http://${location.hostname}:${app.port}/`);

  const { dataset } = get('picture');
  dataset['link'] = link.state;
  dataset['hue'] = hueOf(browser.cookie?.mark);
  setText(get('link-name'), link.title);
  setText(get('link-text'), link.text);
  if (isNew('browser', browser)) drawBrowser(browser);
  if (isNew('store', [store, browser.cookie])) drawStore(now);
  drawExchanges(now);
  drawButtons(now);
  drawLines();

  const newest = exchanges.at(-1);
  if (before && isNew('announced', newest) && newest) {
    const { method, path, status = 'no answer yet', outcomes, text } = newest;
    say(`${method} ${path}, ${status}. ${outcomes.join(', ')}. ${text}`);
  } else if (before && before.link.title !== link.title) {
    say(`${link.title}. ${link.text}`);
  }
  if (before && basis !== gist()) setResult(idle);
}

/**
 * Some buttons have nothing to act on. They stay in the tab order and say why when pressed.
 * @param {Shown} shown
 */
function drawButtons({ browser, store }) {
  const whyNot = browser.cookie ? '' : noCookie;
  const noDocument = {
    document: '',
    memory: 'Nobody but the app can reach into its memory. In step 3 this works.',
    nothing: 'There’s no store yet. In step 3 this works.',
    missing: 'There’s no document that could expire.',
    unreachable: 'The store can’t be reached.',
  }[store.kind];
  const reasons = { forget: whyNot, tamper: whyNot, expire: whyNot || noDocument };
  for (const [id, why] of Object.entries(reasons)) {
    const button = get(id);
    button.setAttribute('aria-disabled', String(why !== ''));
    button.dataset['why'] = why;
  }
}

// ---------------------------------------------------------------- asking the server

let looks = 0;
let shownLook = 0;

/**
 * Asks for the picture; the browser sends its current cookie.
 * @param {string} seen the version on the page: the server responds when there's a newer one, or
 *   after a second
 */
async function look(seen = '') {
  const number = ++looks;
  const response = await fetch(`picture?seen=${encodeURIComponent(seen)}`, { cache: 'no-store' });
  if (!response.ok) throw new Error([403, 404, 421].includes(response.status) ? moved : lost);
  const picture = await response.json();
  // A later request's answer may have come first.
  if (number < shownLook) return;
  shownLook = number;
  show(picture);
}

async function follow() {
  for (;;) {
    try {
      await look(shown?.version);
    } catch (error) {
      setState(false, error instanceof Error && error.message === moved ? moved : lost);
      await new Promise((resolve) => setTimeout(resolve, againMs));
    }
    while (document.visibilityState === 'hidden') {
      await new Promise((resolve) => {
        document.addEventListener('visibilitychange', resolve, { once: true });
      });
    }
  }
}

/** @param {HTMLElement} button */
async function press({ id, dataset }) {
  if (dataset['why']) {
    setResult(dataset['why']);
    return;
  }
  try {
    const response = await fetch(id, { method: 'POST' });
    if (!response.ok) throw new Error(await response.text());
    const { text } = await response.json();
    await look();
    setResult(text);
  } catch {
    setResult('The command that serves this page doesn’t answer.');
  }
}

if (location.hostname !== 'localhost') {
  const here = `http://localhost:${location.port}${location.pathname}`;
  get('host-note').hidden = false;
  get('cookie-reason').hidden = true;
  get('host-note').append(...forwarded
    ? ['Here this page and the app have different hosts, and a cookie belongs to one host. So in a '
      + 'tab of its own, the app takes you for another visitor. The buttons work all the same. To '
      + 'have one cookie for both, open the codespace in VS Code on your machine.']
    : [`You’re looking from ${location.hostname}. A cookie belongs to the name of a host, so this `
      + 'page doesn’t get the one that the app at localhost has set. Open ',
      make('a', { href: here }, here),
      ' instead.']);
}
for (const button of document.querySelectorAll('button')) {
  button.addEventListener('click', () => void press(button));
}
setInterval(() => {
  for (const element of document.querySelectorAll('strong[data-at]')) {
    if (element instanceof HTMLElement) tick(element);
  }
}, 500);
new ResizeObserver(drawLines).observe(get('picture'));
void follow();
