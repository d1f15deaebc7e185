import {
  createAccount,
  earlyAnswer,
  expect,
  expectNoServerError,
  logIn,
  ownPage,
  quote,
  readForms,
  submit,
  testsOfStep,
  tryLogin,
  userOf,
  type Account,
  type Context,
  type Browser,
  type Exchange,
} from '#harness';

const { test } = testsOfStep(8);

const MINUTE_MS = 60_000;

/** What Mallory adds to a form, in case the app believes a name that comes with it. */
const asMallory = { name: 'mallory', user: 'mallory', username: 'mallory' };

test("ada changes her password, and mallory doesn't stay", { move: 1 }, async (context) => {
  const { app, account, laptop, phone } = await ada(context);
  const copy = laptop.cookieHeader();
  const thief = app.newBrowser();
  await logIn(thief, account, 'Mallory-Phone');
  const other = await createAccount(app, 'mallory');
  const mallory = app.newBrowser();
  await logIn(mallory, other);

  // Password managers make up passwords like this, too. A space is a character like any other.
  const changed = { ...account, password: ' a new password ' };
  const answer = await changePassword(laptop, account.password, changed.password);
  expectAccepted(answer, 'Ada changed her password');
  const page = await thief.get('/account');
  expect(userOf(page) === undefined, {
    observed: "Mallory knew Ada's password, and logged in with it on her own phone. Ada changed "
      + 'the password. Then Mallory asked for /account, and read “logged in as ada”.',
    why: "A new password doesn't end the logins that the old one opened. But people change it to "
      + 'get someone out.',
    lookAt: 'app.ts: does POST /account/password call endLogins(), and wait for it?',
    exchange: page,
  });
  for (const [what, cookie] of [
    ["A stolen copy of her laptop's old cookie", copy],
    ['Her phone', phone.cookieHeader()],
  ] as const) {
    const page = await app.newBrowser().getWithCookie('/account', cookie);
    expect(userOf(page) === undefined, {
      observed: `Ada changed her password on her laptop. ${what} is still logged in.`,
      why: "The app can't know which of her logins is the thief's. So all of them have to end.",
      lookAt: 'logins.ts: which logins does endLogins() delete?',
      exchange: page,
    });
  }
  await expectUser(laptop, 'ada', 'Ada changed her password', 'in this browser',
    'Ada has just shown who she is, so her browser gets a new login, in a new session.');
  await expectUser(mallory, 'mallory', 'Ada changed her password', "in Mallory's browser",
    "Other users' logins have nothing to do with it.");
  const login = await tryLogin(app.newBrowser(), changed);
  expect(login.status < 400, {
    observed: `Ada changed her password to “${changed.password}”, with a space at each end, and it `
      + `worked. With exactly that password, POST /login answers with status ${login.status}.`,
    why: "What Ada types is her password, to the last character. With trim() it's another one, and "
      + "she can't log in.",
    lookAt: 'app.ts: is changePassword() given the field `new` as it came?',
    exchange: login,
  });
  await logIn(app.newBrowser(), changed);
  await expectNoLogin(app.newBrowser(), account, 'Ada changed her password');

  const next = { ...account, password: 'one more password' };
  const early = await earlyAnswer(app, app.database?.holdNext('deletion'), () => (
    changePassword(laptop, changed.password, next.password)
  ), async () => {
    const answer = await tryLogin(app.newBrowser(), changed);
    expect(answer.status >= 400, {
      observed: 'Ada changed her password. While MongoDB was deleting her logins, her old password '
        + `still worked: POST /login answered with status ${answer.status}.`,
      why: "With the old password, Mallory can log in again while Ada's logins are being deleted, "
        + 'and stay.',
      lookAt: 'app.ts: does POST /account/password change the password first, and call endLogins() '
        + 'after that?',
      exchange: answer,
    });
  });
  expect(early === undefined, {
    observed: `Ada changed her password, and the answer (status ${early?.status}) came while `
      + 'MongoDB was still deleting her logins.',
    why: "Ada is told that it's done while Mallory is still logged in. And if MongoDB fails, "
      + 'nobody finds out.',
    lookAt: 'app.ts: is endLogins() awaited?',
    exchange: early,
  });

  const refused = app.database?.refuseDeletions('logins', 1);
  const failed = await changePassword(laptop, next.password, account.password);
  expect(failed.status >= 500 || refused?.count === 0, {
    observed: "MongoDB refused to delete Ada's logins, and POST /account/password answered with "
      + `status ${failed.status}.`,
    why: 'Ada believes that Mallory is out, but Mallory is still logged in.',
    lookAt: 'app.ts: what becomes of an error that endLogins() throws?',
    exchange: failed,
  });
});

test('nobody changes a password without knowing it', { move: 1 }, async (context) => {
  const { app, account, laptop, phone } = await ada(context);
  const { password } = await createAccount(app, 'mallory');
  const tries = {
    'a wrong password': 'guessed', 'an empty one': '', 'no password field': undefined,
    'her own': password,
  };
  for (const [what, old] of Object.entries(tries)) {
    const answer = await changePassword(laptop, old, 'set by mallory');
    expectRefused(answer, `At Ada's laptop, Mallory tried to change the password with ${what}`);
    await expectNoLogin(app.newBrowser(), { name: 'ada', password: 'set by mallory' },
      `Mallory tried to change Ada's password with ${what}`);
  }
  const hers = await changePassword(laptop, password, 'set by mallory', asMallory);
  expectRefused(hers, "At Ada's laptop, Mallory sent her own name and her own password along");
  const stranger = await changePassword(app.newBrowser(), account.password, 'set by mallory');
  expectNoServerError(stranger);
  await logIn(app.newBrowser(), account);
  for (const [where, browser] of Object.entries({ laptop, phone })) {
    await expectUser(browser, 'ada', "Mallory tried to change Ada's password",
      `on Ada's ${where}`, 'A failed attempt changes nothing.');
  }
});

test('the account shows where its owner is logged in', { move: 2 }, async (context) => {
  const { app, account, laptop, phone } = await ada(context);
  const mallory = await createAccount(app, 'mallory');
  await logIn(app.newBrowser(), mallory, 'Mallory-Browser');
  const tablet = app.newBrowser();
  await logIn(tablet, account, 'Tablet-Browser');
  await submit(tablet, '/logout', '/logout', {});

  const page = await laptop.get('/account');
  expectShown(page, ['Laptop-Browser', 'Phone-Browser'], 'Ada logged in on her laptop and phone');
  expectFirst(await phone.get('/account'), 'Phone-Browser', 'Laptop-Browser',
    'Ada looks at the list on her phone');
  // The page that comes with the step marks it like this. A page of your own may do it otherwise.
  const rows = page.body.match(/\w+-Browser( \(this browser\))?(?=, last seen)/g) ?? [];
  const wrong = ['Laptop-Browser', 'Phone-Browser (this browser)'];
  expect(!rows.some((row) => wrong.includes(row)), {
    observed: `Ada looked at the list on her laptop, and GET /account shows ${rows.join(', ')}.`,
    why: "Before Ada logs out a device that she doesn't know, she has to see which one she's using "
      + 'right now.',
    lookAt: 'app.ts: does showAccount() hand accountPage() the id of the login in this browser, as '
      + '`own`?',
    exchange: page,
  });
  expectNotShown(page, 'Mallory-Browser', 'Mallory is logged in too',
    'Users see their own logins, and no others.');
  expectNotShown(page, 'Tablet-Browser', 'Ada logged out on her tablet',
    'A login that has ended needs no button, and would only alarm people.');
  const ids = [laptop, phone, tablet].map((browser) => browser.sessionCookie()?.id ?? '-');
  expect(!ids.some((id) => id !== '-' && page.body.includes(id)), {
    observed: 'GET /account shows the id of a session.',
    why: "A session's id is half of what its cookie holds. It belongs in the cookie, which no "
      + 'script can read, and nowhere else: pages end up in caches, screenshots and emails.',
    lookAt: "app.ts: which id tells the logins apart on the page? A login's own id is harmless.",
    exchange: page,
  });

  const devices = Array.from({ length: 12 }, (_, index) => `Device-${index + 1};`);
  for (const agent of devices) await logIn(app.newBrowser(), account, agent);
  expectShown(await laptop.get('/account'), ['Phone-Browser', ...devices],
    'Ada is logged in on fourteen devices');
  await logIn(app.newBrowser(), account, 'Device-12;');
  const twins = await laptop.get('/account');
  expect(twins.body.split('Device-12;').length > 2, {
    observed: 'Ada is logged in on two devices of the same kind, “Device-12”, and GET /account '
      + 'shows only one.',
    why: "A thief's phone may be of the same kind as Ada's, or claim to be. Each login has a row "
      + 'and a button of its own.',
    lookAt: 'logins.ts: which logins does listLogins() leave out?',
    exchange: twins,
  });
  context.advanceClock(2 * MINUTE_MS);
  await phone.get('/');
  expectFirst(await laptop.get('/account'), 'Phone-Browser', 'Device-12;',
    'Ada visited the app with her phone just now');

  for (const minutes of [40, 40]) {
    context.advanceClock(minutes * MINUTE_MS);
    await laptop.get('/account');
  }
  expectNotShown(await laptop.get('/account'), 'Phone-Browser',
    "Ada's phone was silent for 80 minutes", 'That login ended after an hour of silence. Looking '
    + "at the list on another device isn't a visit.");

  await logIn(app.newBrowser(), account, 'Mallory-Phone');
  await changePassword(laptop, account.password, 'a new password');
  expectNotShown(await laptop.get('/account'), 'Mallory-Phone',
    'Mallory was logged in as Ada, and Ada changed her password', 'She did it to get Mallory out. '
    + 'In the list, it looks as if Mallory were still there.');
});

test('what a browser says about itself is only text', { move: 2 }, async ({ openApp }) => {
  const app = await openApp();
  const account = await createAccount(app, 'ada');
  const agents = ['<img src=x onerror="alert(1)">', '</form><script>alert(2)</script>'];
  for (const agent of agents) await logIn(app.newBrowser(), account, agent);
  const browser = app.newBrowser();
  await logIn(browser, account, 'Laptop-Browser');
  const page = await browser.get('/account');
  expectShown(page, ['Laptop-Browser'], 'Ada is logged in');
  expect(!/<img|<script|onerror="/i.test(page.body), {
    observed: `A browser says that it's ${agents[0]}, and GET /account shows that as HTML.`,
    why: "Anyone can make up a User-Agent. As HTML, it would run Mallory's script in Ada's page, "
      + 'and that script could do whatever Ada can.',
    lookAt: 'pages.ts: does the User-Agent go through escapeHtml()?',
    exchange: page,
  });
  expectShown(page, ['img src=x', 'script'], 'Two odd browsers are logged in');
  expect(!/&amp;(?:lt|gt|quot|#)/.test(page.body), {
    observed: `A browser says that it's ${agents[0]}, and GET /account escapes that twice: in its `
      + 'source, &lt; became &amp;lt;.',
    why: 'Ada reads &lt;img where it should say <img. Keep text as it is, and escape it once: '
      + 'where it goes into HTML.',
    lookAt: 'pages.ts and app.ts: what goes through escapeHtml(), and what is stored?',
    exchange: page,
  });

  const tag = '<u>';
  const refused = await changePassword(browser, account.password, tag);
  expect(!refused.body.includes(tag), {
    observed: `Ada chose the new password ${tag}, which is too short, and the page shows it as `
      + 'HTML.',
    why: 'What came in a form is only text, too. And a page should never show a password.',
    lookAt: 'app.ts: which sentence is showAccount() given?',
    exchange: refused,
  });
});

test('one device logs another one out', { move: 3 }, async (context) => {
  const { app, account, laptop, phone } = await ada(context);
  const tablet = app.newBrowser();
  await logIn(tablet, account, 'Tablet-Browser');
  const other = await createAccount(app, 'mallory');
  const mallory = app.newBrowser();
  await logIn(mallory, other, 'Mallory-Browser');

  const button = await findButton(laptop, 'Phone-Browser');
  const guesses: Record<string, Record<string, string>> = {
    'with a wrong password': { password: 'guessed' },
    'with an empty password': { password: '' },
    'without the password field': {},
    'with her own name and password': { ...asMallory, password: other.password },
  };
  for (const [how, filledIn] of Object.entries(guesses)) {
    const { password: _, ...form } = button.form;
    const refused = await press(laptop, { ...button, form }, filledIn);
    expectRefused(refused, `At Ada's laptop, Mallory tried to end a login ${how}`);
    await expectUser(phone, 'ada', `Mallory tried to end a login ${how}`,
      'on the phone', 'Check the password before you do anything.');
  }

  const slow = await app.startSlowGet('/', phone.cookieHeader());
  const write = app.database?.holdNext('write', 'logins');
  const writing = app.newBrowser().getWithCookie('/', phone.cookieHeader()).catch(() => undefined);
  await Promise.race([writing, write?.asked]);
  const answer = await press(laptop, button, { password: account.password });
  expectAccepted(answer, "Ada ended her phone's login");
  const page = await phone.get('/account');
  expect(userOf(page) === undefined, {
    observed: "Ada ended her phone's login, and GET /account still shows "
      + `${userOf(page) ?? ''} on the phone.`,
    why: "The login wasn't deleted. To find it, the app needs both its id and its user.",
    lookAt: 'app.ts: is endLogin() given the id in the `login` field as _id, and the user?',
    exchange: page,
  });
  write?.release();
  await Promise.all([writing, slow.finish().catch(() => undefined)]);
  await expectUser(phone, undefined,
    "Ada ended her phone's login while the phone had requests under way", 'on the phone',
    'A login that was ended has to be gone from the server, not only from the page. And a request '
    + "that began before must not store it again: update what's there, without upsert.");
  for (const [name, browser] of Object.entries({ laptop, tablet })) {
    await expectUser(browser, 'ada', "Ada ended her phone's login", `on Ada's ${name}`,
      'A button ends the login next to it, and no other.');
  }
  await expectUser(mallory, 'mallory', "Ada ended her phone's login", "in Mallory's browser",
    'A button ends the login next to it, and no other.');
  expectNotShown(await laptop.get('/account'), 'Phone-Browser', "Ada ended her phone's login",
    'A login that has ended needs no button.');

  const guess = await changePassword(laptop, 'guessed', 'set by mallory');
  expectRefused(guess, 'Ada had just given her password. Then Mallory, at the same laptop, tried '
  + 'to change it with a wrong one');
  const last = await findButton(laptop, 'Tablet-Browser');
  const early = await earlyAnswer(app, app.database?.holdNext('deletion'), () => (
    press(laptop, last, { password: account.password })
  ));
  expect(early === undefined, {
    observed: `Ada ended her tablet's login, and the answer (status ${early?.status}) came while `
      + 'MongoDB was still deleting it.',
    why: 'The page that she sees next still shows that login. And if MongoDB fails, nobody finds '
      + 'out.',
    lookAt: 'app.ts: is endLogin() awaited in POST /account/end?',
    exchange: early,
  });
  // A page of your own may leave this button out.
  const own = buttonIn(await laptop.get('/account'), 'Laptop-Browser');
  if (!own) return;
  await press(laptop, own, { password: account.password });
  await expectUser(laptop, undefined, 'Ada pressed the button for the browser that she was using',
    'in that browser', 'A button ends the login next to it, whichever that is.');
});

test("nobody ends another user's login", { move: 3 }, async (context) => {
  const { app, account, laptop, phone } = await ada(context);
  const other = await createAccount(app, 'mallory');
  const mallory = app.newBrowser();
  await logIn(mallory, other);
  const button = await findButton(laptop, 'Phone-Browser');

  const tries: Record<string, [Browser, string]> = {
    'with her own login and her own password': [mallory, other.password],
    "with her own login and Ada's password": [mallory, account.password],
    'without a login': [app.newBrowser(), account.password],
  };
  for (const [how, [browser, password]] of Object.entries(tries)) {
    const answer = await press(browser, button, { password });
    expectNoServerError(answer);
    await expectUser(phone, 'ada', `Mallory sent the form that ends Ada's login, ${how}`,
      'on the phone', "Ids can be seen, leaked or sent by mistake. So check the login's user as "
      + 'well, not only its id.');
  }
  const odds: Record<string, string>[] = [
    {}, { login: '' }, { login: 'no-such-login' }, { 'login[$ne]': 'x' },
  ];
  for (const odd of odds) {
    const answer = await laptop.post(button.action, {
      ...odd, password: account.password,
    }, ownPage(app.url));
    expectNoServerError(answer);
  }
  for (const [name, browser] of Object.entries({ laptop, phone })) {
    await expectUser(browser, 'ada', 'A form that names no login came in', `on Ada's ${name}`,
      'A form that names no login ends none.');
  }
});

/** An app in which Ada is logged in on two devices. */
async function ada({ openApp }: Context) {
  const app = await openApp();
  const account = await createAccount(app, 'ada');
  const [laptop, phone] = [app.newBrowser(), app.newBrowser()];
  await logIn(laptop, account, 'Laptop-Browser');
  await logIn(phone, account, 'Phone-Browser');
  return { app, account, laptop, phone };
}

/**
 * @param password undefined to send no such field
 * @param more other fields
 */
function changePassword(
  browser: Browser,
  password: string | undefined,
  next: string,
  more: Record<string, string> = {},
): Promise<Exchange> {
  const form = { ...more, ...password !== undefined && { password }, new: next };
  return browser.post('/account/password', form, ownPage(browser.url));
}

/** A button of the account page, and what is sent with it. */
interface PageButton {
  action: string;
  form: Record<string, string>;
}

/** Finds the button that ends the login of a device. */
async function findButton(browser: Browser, agent: string): Promise<PageButton> {
  const page = await browser.get('/account');
  const button = buttonIn(page, agent);
  expect(button !== undefined, {
    observed: `GET /account has no button that ends the login of ${agent}.`,
    why: 'Users who lose a phone have to be able to log it out from another device.',
    lookAt: 'app.ts: does showAccount() hand accountPage() the logins? It shows a form for each.',
    exchange: page,
  });
  const answer = await press(browser, button, { password: '' });
  expect(answer.status !== 404, {
    observed: `The button for ${agent} posts to ${button.action}, which answers with 404.`,
    why: 'The button needs a route.',
    lookAt: "app.ts: is there an app.post('/account/end', …)?",
    exchange: answer,
  });
  return button;
}

function buttonIn(page: Exchange, agent: string): PageButton | undefined {
  for (const { action, method, fields, buttons } of readForms(page)) {
    const button = buttons.find(({ text }) => method === 'POST' && text.includes(agent));
    if (button) return { action, form: { ...fields, ...button.field } };
  }
  return undefined;
}

function press(
  browser: Browser,
  { action, form }: PageButton,
  filledIn: Record<string, string>,
): Promise<Exchange> {
  return browser.post(action, { ...form, ...filledIn }, ownPage(browser.url));
}

function expectAccepted(answer: Exchange, what: string): void {
  expectNoServerError(answer);
  expect(answer.status < 400, {
    observed: `${what}, with the right password, and got status ${answer.status}: `
      + `${quote(answer.body)}.`,
    why: 'Users who know their password may change what is theirs.',
    lookAt: 'app.ts: which fields does the route read, and how does it check them?',
    exchange: answer,
  });
}

function expectRefused(answer: Exchange, what: string): void {
  expectNoServerError(answer);
  expect(answer.status >= 400, {
    observed: `${what}, and got status ${answer.status}.`,
    why: "A laptop is left open, or a cookie is stolen: a session shows who logged in, not who's "
      + 'there now. So ask for the password again before what matters most.',
    lookAt: 'app.ts: does the route call authenticate() with the `password` field, await it, and '
      + 'check the result before it does anything?',
    exchange: answer,
  });
}

async function expectNoLogin(browser: Browser, account: Account, what: string): Promise<void> {
  const answer = await tryLogin(browser, account);
  expect(userOf(await browser.get('/account')) === undefined, {
    observed: `${what}. Then “${account.password}” opened Ada's account.`,
    why: 'Only the password that Ada chose last opens her account.',
    lookAt: 'app.ts: does POST /account/password check the old password first, and change it after '
      + 'that?',
    exchange: answer,
  });
}

async function expectUser(
  browser: Browser, expected: string | undefined, what: string, where: string, why: string,
): Promise<void> {
  const page = await browser.get('/account');
  expect(userOf(page) === expected, {
    observed: `${what}. Now GET /account shows ${userOf(page) ?? 'nobody'} ${where}.`,
    why,
    lookAt: 'app.ts: which logins does this route end, and when? logins.ts: which does it delete?',
    exchange: page,
  });
}

function expectShown(page: Exchange, agents: string[], what: string): void {
  for (const agent of agents) {
    expect(page.body.includes(agent), {
      observed: `${what}, and GET /account doesn't show “${agent}”.`,
      why: "People recognise their own devices by the browser, and notice one that isn't theirs.",
      lookAt: 'app.ts: does showAccount() hand accountPage() all that listLogins() finds? And '
        + 'logins.ts: does that leave any out?',
      exchange: page,
    });
  }
}

/** Expects the login that was seen most recently to be listed first. */
function expectFirst(page: Exchange, first: string, second: string, when: string): void {
  expect(page.body.indexOf(first) < page.body.indexOf(second), {
    observed: `${when}, but GET /account lists another device above it.`,
    why: "People look first for the device that's in use right now.",
    lookAt: 'logins.ts: what does listLogins() sort by? The login seen most recently comes first.',
    exchange: page,
  });
}

function expectNotShown(page: Exchange, agent: string, what: string, why: string): void {
  expect(!page.body.includes(agent), {
    observed: `${what}, and Ada's account shows “${agent}”.`,
    why,
    lookAt: 'logins.ts: which logins does listLogins() find?',
    exchange: page,
  });
}
