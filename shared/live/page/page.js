// @ts-check
/*
 * Shows what the server of this page tells: all of it as text, never as markup, because much of it
 * comes from requests that anybody may have sent.
 */

/** @typedef {import('../picture.ts').Picture} Picture */
/** @typedef {import('../exchange.ts').Exchange} Exchange */
/** @typedef {import('../exchange.ts').CookiePicture} CookiePicture */
/** @typedef {import('../exchange.ts').Mark} Mark */
/** @typedef {import('../live.ts').Snapshot} Snapshot */

const hues = 6;
const mostExchanges = 50;

/** How often the browser's cookie and the store are looked at, in milliseconds. */
const lookMs = 1000;
/** How often the exchange is drawn and read out at most, in milliseconds. */
const drawMs = 200;
const sayMs = 1500;

/** How long, and how often, a visit is tried while the app does not answer, in milliseconds. */
const visitMs = { most: 3000, apart: 200 };

let token = '';
let appPort = 4000;
let databaseLine = '';
/** @type {Picture | undefined} */
let picture;
let pictureText = '';
/** @type {Map<string, Exchange>} */
const exchanges = new Map();
let connected = false;

// ---------------------------------------------------------------- making elements

/** @param {string} id */
function get(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`no #${id}`);
  return element;
}

/**
 * @param {string} tag
 * @param {Record<string, string> | string} about attributes, or only a class
 * @param {(Node | string | undefined | false)[]} children strings become text
 */
function make(tag, about, ...children) {
  const element = document.createElement(tag);
  const attributes = typeof about === 'string' ? (about && { class: about }) || {} : about;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children.filter((child) => child !== undefined && child !== false));
  return element;
}

/** Changes a text only if it is another: what has not changed is not read out again. */
function setText(/** @type {HTMLElement} */ element, /** @type {string} */ text) {
  if (element.textContent !== text) element.textContent = text;
}

/** @param {Mark | undefined} mark */
function hueOf(mark) {
  return mark ? String(mark.number % hues) : '';
}

// ---------------------------------------------------------------- the browser's panel

/** @param {Picture['browser']} browser */
function drawBrowser({ cookie, attributes, ends, text }) {
  const stack = make('div', 'stack');
  if (cookie) {
    stack.append(
      cookie.mark ? owner(cookie.mark) : '',
      make('code', { class: 'value', 'data-hue': hueOf(cookie.mark) },
        row('name', make('span', '', `${cookie.name}=`), make('span', 'quiet', 's%3A')),
        row('id', make('span', { class: 'part id', id: 'cookie-id' }, cookie.id)),
        row('signature', make('span', 'quiet', '.'),
          make('span', 'part signature', cookie.signature))),
    );
  }
  if (attributes) {
    stack.append(make('dl', 'facts', ...attributes.flatMap(({ text, means }) => [
      make('dt', '', text), make('dd', '', means),
    ])));
  }
  if (ends !== undefined) stack.append(countdown('The cookie ends', ends));
  if (text) stack.append(make('p', cookie ? 'quiet' : '', text));
  get('browser-body').replaceChildren(stack);
}

/** @param {string} caption @param {Node[]} parts */
function row(caption, ...parts) {
  return make('span', 'row', make('span', 'caption', caption), make('span', '', ...parts));
}

/** @param {Mark} mark */
function owner(mark) {
  return make('p', 'who', markOf(mark), `Session ${mark.label}: this browser`);
}

/** @param {Mark} mark */
function markOf(mark) {
  const attributes = { class: 'mark', 'data-hue': hueOf(mark), 'aria-hidden': 'true' };
  return make('span', attributes, mark.label);
}

// ---------------------------------------------------------------- the store's panel

/** @param {Picture['store']} store @param {Mark | undefined} mark */
function drawStore(store, mark) {
  setText(get('store-name'), store.title);
  const { document: stored, expires, index, others } = store;
  get('store-body').replaceChildren(make('div', 'stack',
    stored !== undefined
    && make('pre', { class: 'json', 'data-hue': hueOf(mark) }, ...json(stored)),
    expires !== undefined && countdown('expires', expires),
    store.text !== '' && make('p', '', store.text),
    index !== undefined && make('p', 'quiet', index),
    others !== undefined && make('p', 'quiet', make('strong', { id: 'others' },
      otherSessions(others)), ` ${databaseLine}`),
  ));
}

/** @param {number} count */
function otherSessions(count) {
  if (count === 0) return 'There is no other session.';
  const number = count.toLocaleString('en');
  return count === 1 ? 'There is 1 other session.' : `There are ${number} other sessions.`;
}

/**
 * A value as indented JSON, in pieces; the id at its top is the one of the cookie.
 * @param {unknown} value
 * @param {string} indent
 * @returns {(Node | string)[]}
 */
function json(value, indent = '') {
  if (typeof value !== 'object' || value === null) return [JSON.stringify(value) ?? 'undefined'];
  if ('$date' in value) return [String(value.$date)];
  const isList = Array.isArray(value);
  const entries = Object.entries(value);
  if (entries.length === 0) return [isList ? '[]' : '{}'];
  const inner = `${indent}  `;
  const lines = entries.flatMap(([name, item], place) => {
    const comma = place < entries.length - 1 ? ',\n' : '\n';
    if (indent === '' && name === '_id') {
      return [inner, make('span', { class: 'own', id: 'document-id' },
        make('span', 'key', '"_id": '), '"', make('span', 'part id', String(item)), '"'), comma];
    }
    const key = isList ? [] : [make('span', 'key', `${JSON.stringify(name)}: `)];
    return [inner, ...key, ...json(item, inner), comma];
  });
  return [isList ? '[\n' : '{\n', ...lines, indent, isList ? ']' : '}'];
}

// ---------------------------------------------------------------- time

/** @param {string} what @param {number} at in milliseconds since 1970 */
function countdown(what, at) {
  const text = make('strong', { 'data-at': String(at) });
  tick(text);
  return make('p', 'end', `${what} `, text);
}

/** @param {HTMLElement} element */
function tick(element) {
  const seconds = Math.round((Number(element.dataset.at) - Date.now()) / 1000);
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

const clock = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });

// ---------------------------------------------------------------- the thread

/** @param {Picture['thread']} thread @param {Mark | undefined} mark */
function drawThread(thread, mark) {
  const { dataset } = get('picture');
  dataset.thread = thread.state;
  dataset.hue = hueOf(mark);
  setText(get('thread-name'), thread.title);
  setText(get('thread-text'), thread.text);
  drawLines();
}

/** Draws the lines from the id in the cookie over the thread's box to the id in the document. */
function drawLines() {
  const svg = get('lines');
  svg.replaceChildren();
  const thread = picture?.thread;
  const from = document.getElementById('cookie-id');
  if (!thread || thread.state === 'open' || !from) return;
  const to = document.getElementById('document-id');
  const frame = svg.getBoundingClientRect();
  const box = get('thread').getBoundingClientRect();
  const browser = get('browser').getBoundingClientRect();
  const store = get('store').getBoundingClientRect();
  const isWide = box.left >= browser.right;
  const id = from.getBoundingClientRect();
  // Without a document, the line ends at the panel.
  const own = to?.getClientRects()[0] ?? new DOMRect(store.left + 8, id.top, 0, id.height);
  /** @type {[Point, Point][]} */
  const halves = isWide
    ? [
        [{ x: id.right, y: id.top + id.height / 2 }, { x: box.left, y: within(box, id) }],
        [{ x: box.right, y: within(box, own) }, { x: own.left - 8, y: own.top + own.height / 2 }],
      ]
    : [
        [{ x: middle(box), y: browser.bottom }, { x: middle(box), y: box.top }],
        [{ x: middle(box), y: box.bottom }, { x: middle(box), y: store.top }],
      ];
  for (const [half, [start, end]] of halves.entries()) {
    // Beyond a break on the browser's side the store is not asked at all.
    if (half === 1 && thread.at === 'browser') continue;
    const isGone = thread.at === (half === 0 ? 'browser' : 'store');
    for (const point of [start, end]) {
      point.x -= frame.left;
      point.y -= frame.top;
    }
    // Inside the panels the line is level, so that it crosses no text.
    const edge = half === 0 ? browser.right - frame.left : store.left - frame.left;
    const d = isWide && half === 0
      ? `M ${start.x} ${start.y} H ${edge} C ${end.x} ${start.y} ${edge} ${end.y} ${end.x} ${end.y}`
      : isWide
        ? `M ${start.x} ${start.y} C ${edge} ${start.y} ${start.x} ${end.y} ${edge} ${end.y} `
        + `H ${end.x}`
        : `M ${start.x} ${start.y} V ${end.y}`;
    svg.append(draw('path', { d, ...isGone && { class: 'gone' } }));
    if (isGone) {
      const x = isWide ? (half === 0 ? end.x + edge : start.x + edge) / 2 : start.x;
      const y = (start.y + end.y) / 2;
      svg.append(draw('path', { d: `M ${x - 7} ${y - 7} l 14 14 m 0 -14 l -14 14`, class: 'cut' }));
    } else {
      const dot = half === 0 ? start : end;
      svg.append(draw('circle', { cx: dot.x, cy: dot.y, r: 5 }));
    }
  }
}

/** @typedef {{ x: number, y: number }} Point */

/** The height of something, or the nearest at which a line meets the box. */
function within(/** @type {DOMRect} */ box, /** @type {DOMRect} */ { top, height }) {
  return Math.min(Math.max(top + height / 2, box.top + 24), box.bottom - 24);
}

function middle(/** @type {DOMRect} */ { left, width }) {
  return left + width / 2;
}

/** @param {string} tag @param {Record<string, string | number>} attributes */
function draw(tag, attributes) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  return element;
}

// ---------------------------------------------------------------- the exchange

/** @param {Exchange} exchange */
function drawExchange({ key, at, ms, state, method, path, status, came, went, ...rest }) {
  const { outcomes, text, mark, otherCookies } = rest;
  const words = state === 'answered' ? outcomes : [state];
  return make('li', { 'data-key': key, 'data-label': mark?.label ?? '', 'data-at': String(at) },
    make('time', { datetime: new Date(at).toISOString() }, clock.format(at)),
    make('span', 'who', mark && markOf(mark), make('span', 'whose', '')),
    make('span', 'request', `${method} ${path}`, status === undefined
      ? make('span', 'status', '…')
      : make('span', status >= 400 ? 'status error' : 'status', String(status)),
    make('span', 'quiet', ` ${ms} ms`)),
    make('span', 'outcomes', ...words.map((word) => make('span', {
      class: 'outcome', 'data-outcome': state === 'answered' ? word : 'waiting',
    }, word))),
    make('div', 'more',
      text !== '' && make('p', '', text),
      came && make('p', 'header', 'Cookie that came', cookieCode(came)),
      otherCookies.length > 0 && make('p', 'header', 'Other cookies that came',
        make('code', '', otherCookies.join(', '))),
      went && make('p', 'header', 'Set-Cookie that went', cookieCode(went, went.attributes))));
}

/** @param {CookiePicture} cookie @param {string} attributes */
function cookieCode({ name, id, signature, mark }, attributes = '') {
  const rest = attributes && `; ${attributes}`;
  if (id === '') return make('code', '', `${name}=${rest}`);
  return make('code', { 'data-hue': hueOf(mark) }, `${name}=s%3A`,
    make('span', 'part id', shorten(id, 8)), '.',
    make('span', 'part signature', shorten(signature, 6)), rest);
}

/** @param {string} text @param {number} length */
function shorten(text, length) {
  return text.length > length ? `${text.slice(0, length)}…` : text;
}

let drawing = false;
/** The exchanges that are to be drawn, because they are new or have changed. */
const dirty = new Set();

/** @param {Exchange[]} news */
function addExchanges(news) {
  for (const exchange of news) {
    exchanges.set(exchange.key, exchange);
    dirty.add(exchange.key);
  }
  for (const oldest of exchanges.keys()) {
    if (exchanges.size <= mostExchanges) break;
    exchanges.delete(oldest);
    dirty.delete(oldest);
  }
  if (drawing) return;
  drawing = true;
  setTimeout(() => {
    drawing = false;
    drawExchanges();
  }, drawMs);
}

function drawExchanges() {
  const list = get('exchanges');
  for (const item of [...list.children]) {
    if (item instanceof HTMLElement && !exchanges.has(item.dataset.key ?? '')) item.remove();
  }
  for (const key of dirty) {
    const exchange = exchanges.get(key);
    if (!exchange) continue;
    const item = drawExchange(exchange);
    const old = [...list.children].find((child) =>
      child instanceof HTMLElement && child.dataset.key === key);
    // What is known already does not arrive again.
    if (old) item.classList.add('known');
    if (old) old.replaceWith(item);
    else list.prepend(item);
  }
  dirty.clear();
  get('nobody').hidden = exchanges.size > 0;
  nameVisitors();
}

/** Writes whose each request was. */
function nameVisitors() {
  const mine = picture?.browser.cookie?.mark?.label;
  for (const item of get('exchanges').children) {
    if (!(item instanceof HTMLElement)) continue;
    const { label } = item.dataset;
    const whose = item.querySelector('.whose');
    if (!(whose instanceof HTMLElement)) continue;
    const text = label === '' ? 'no session' : label === mine ? 'this browser' : `session ${label}`;
    setText(whose, text);
  }
}

// ---------------------------------------------------------------- saying what happens

let said = 0;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let saying;
let toSay = '';

/**
 * Has a sentence read out; of many, the last.
 * @param {string} text
 */
function say(text) {
  toSay = text;
  saying ??= setTimeout(() => {
    saying = undefined;
    said = Date.now();
    get('announcer').textContent = toSay;
  }, Math.max(0, said + sayMs - Date.now()));
}

/** @param {Exchange} exchange */
function sentence({ method, path, status, outcomes, text }) {
  return `${method} ${path}, ${status ?? 'no answer yet'}. ${outcomes.join(', ')}. ${text}`;
}

// ---------------------------------------------------------------- asking the server

let looking = false;
let lookAgain = false;

/** Asks for the picture; the browser sends the cookie that it holds at this moment. */
async function look() {
  if (looking) {
    lookAgain = true;
    return;
  }
  looking = true;
  try {
    const response = await fetch('/picture', { cache: 'no-store' });
    if (response.ok) show(await response.text());
  } catch {
    // The page says already that the connection is lost.
  }
  looking = false;
  if (lookAgain) {
    lookAgain = false;
    await look();
  }
}

/** @param {string} text */
function show(text) {
  if (text === pictureText) return;
  const before = picture?.thread;
  pictureText = text;
  /** @type {Picture} */
  const shown = JSON.parse(text);
  picture = shown;
  const mark = shown.browser.cookie?.mark;
  drawBrowser(shown.browser);
  drawStore(shown.store, mark);
  drawThread(shown.thread, mark);
  nameVisitors();
  drawButtons();
  if (before && before.title !== shown.thread.title) {
    say(`${shown.thread.title}. ${shown.thread.text}`);
  }
}

/** Some buttons have nothing to work on. They stay in the tab order, and say why when pressed. */
function drawButtons() {
  const hasCookie = picture?.browser.cookie !== undefined;
  const noCookie = hasCookie ? '' : 'This browser holds no session cookie. Visit the app first.';
  const inStore = picture?.store.kind === 'document' ? '' : noDocument();
  disable('forget', noCookie);
  disable('tamper', noCookie);
  disable('expire', noCookie || inStore);
}

function noDocument() {
  switch (picture?.store.kind) {
    case 'memory': return 'Nobody but the app can reach into its memory. In step 3 this works.';
    case 'nothing': return 'There is no store yet. In step 3 this works.';
    default: return 'There is no document that could expire.';
  }
}

/** @param {string} id @param {string} why empty: it works */
function disable(id, why) {
  const button = get(id);
  button.setAttribute('aria-disabled', String(why !== ''));
  button.dataset.why = why;
}

/** @param {string} action */
async function press(action) {
  const { why } = get(action).dataset;
  const result = get('result');
  if (why) {
    result.textContent = why;
    return;
  }
  result.textContent = '';
  result.textContent = action === 'visit' ? await visit() : await post(action);
  await look();
}

/** @param {string} action */
async function post(action) {
  try {
    const response = await fetch(`/${action}`, {
      method: 'POST',
      headers: { 'x-live-token': token },
    });
    if (!response.ok) return await response.text();
    const { text } = await response.json();
    return String(text);
  } catch {
    return 'The command that serves this page does not answer.';
  }
}

/**
 * The cookies of the app's host go along, and the app's Set-Cookie is obeyed: same host. An app
 * that has been restarted may need a moment.
 */
async function visit() {
  for (let attempts = visitMs.most / visitMs.apart; attempts > 0; attempts--) {
    try {
      await fetch(appAddress(), { mode: 'no-cors', credentials: 'include', cache: 'no-store' });
      return 'This browser has visited the app. What it sent and what it got is the newest line of '
        + 'the exchange.';
    } catch {
      await new Promise((resolve) => setTimeout(resolve, visitMs.apart));
    }
  }
  return 'The app does not answer. Does it run?';
}

function appAddress() {
  return `http://${location.hostname}:${appPort}/`;
}

// ---------------------------------------------------------------- listening to the server

function listen() {
  const events = new EventSource('/events');
  /** @param {string} name @param {(data: any) => void} react */
  const on = (name, react) => {
    events.addEventListener(name, (event) => react(JSON.parse(event.data)));
  };
  on('snapshot', start);
  on('exchanges', ({ exchanges: news, left }) => {
    addExchanges(news);
    drawLeft(left);
    const last = news.at(-1);
    if (last) say(sentence(last));
    void look();
  });
  on('app', (app) => {
    drawApp(app);
    void look();
  });
  events.onerror = () => {
    setConnected(false);
    // Some browsers try again by themselves, some do not.
    if (events.readyState === EventSource.CLOSED) setTimeout(listen, lookMs);
  };
}

/** @param {Snapshot} snapshot */
function start(snapshot) {
  ({ token, appPort } = snapshot);
  const { step, app, database } = snapshot;
  databaseLine = database ?? '';
  setText(get('step'), `Step ${step.number} · ${step.title}`);
  document.title = `Step ${step.number} · See the session`;
  for (const element of document.querySelectorAll('[data-app-port]')) {
    element.textContent = String(appPort);
  }
  get('own-host').textContent = location.host;
  get('open-app').setAttribute('href', appAddress());
  exchanges.clear();
  get('exchanges').replaceChildren();
  addExchanges(snapshot.exchanges);
  drawLeft(snapshot.left);
  drawApp(app);
  drawHostNote();
  setConnected(true);
  void look();
}

/** @param {number} left */
function drawLeft(left) {
  get('left').hidden = left === 0;
  const text = left === 1 ? '1 more request' : `${left.toLocaleString('en')} more requests`;
  setText(get('left'), `${text} went by too fast to be shown.`);
}

/** @param {Snapshot['app']} app */
function drawApp({ state, pid }) {
  const element = get('app-state');
  element.dataset.state = state === 'running' ? 'good' : 'bad';
  const port = `App on port ${appPort}`;
  setText(element, state === 'running' ? `${port}: process ${pid}` : `${port}: ${state}`);
}

function drawHostNote() {
  const note = get('host-note');
  note.hidden = location.hostname === 'localhost';
  if (note.hidden) return;
  const here = `http://localhost:${location.port}/`;
  note.replaceChildren(
    `You look from ${location.hostname}. A cookie belongs to the name of a host, so this page gets `
    + 'no cookie that the app at localhost has set. Open ',
    make('a', { href: here }, here),
    ' instead.',
  );
}

/** @param {boolean} now */
function setConnected(now) {
  const element = get('page-state');
  element.dataset.state = now ? 'good' : 'bad';
  setText(element, now ? 'Live' : 'Connection lost');
  document.body.classList.toggle('lost', !now);
  if (connected && !now) {
    say('Connection lost. Does the command still run? This page connects again by itself.');
    setText(get('result'), 'The connection is lost. Does the command still run? This page connects '
    + 'again by itself, and what it shows may be old until then.');
  }
  if (!connected && now) {
    say('Connected. The picture is live.');
    setText(get('result'), '');
  }
  connected = now;
}

for (const button of document.querySelectorAll('button')) {
  button.addEventListener('click', () => void press(button.id));
}
// The store changes by itself, and a cookie can be changed in the browser's tools.
setInterval(() => {
  if (document.visibilityState === 'visible' && connected) void look();
}, lookMs);
setInterval(() => {
  for (const element of document.querySelectorAll('strong[data-at]')) {
    if (element instanceof HTMLElement) tick(element);
  }
}, 500);
document.addEventListener('visibilitychange', () => void look());
new ResizeObserver(drawLines).observe(get('picture'));
listen();
