/*
 * The app's pages. Names are lower-case letters and digits, so they don't need escaping. What a
 * browser says about itself does.
 */
import type { Login } from './logins.ts';

/** @param problem why the last attempt failed */
export function loginPage(problem = ''): string {
  return page('Log in', `
<p>${problem}</p>
<form method="post" action="/login">
  <p><label>Name <input name="name" autocomplete="username" required></label></p>
  <p><label>Password
    <input name="password" type="password" autocomplete="current-password" required></label></p>
  <button>Log in</button>
</form>`);
}

/** What the account page shows besides the user's name. */
interface Shown {
  /** Why the last change failed. */
  problem?: string;
  /** Where the user is logged in. */
  logins?: Login[];
  /** The id of this browser's login. */
  own?: string;
}

export function accountPage(user: string, { problem = '', logins = [], own }: Shown): string {
  return page('Your account', `
<p>You are logged in as ${user}.</p>
<p>${problem}</p>
<form method="post" action="/account/password">
  <p><label>Your password
    <input name="password" type="password" autocomplete="current-password" required></label></p>
  <p><label>New password
    <input name="new" type="password" autocomplete="new-password" required></label></p>
  <button>Change password</button>
</form>
<h2>Where you're logged in</h2>
${logins.map((login) => loginForm(login, login._id === own)).join('')}
${logoutForm}`);
}

function loginForm({ _id, agent, seen }: Login, isOwn: boolean): string {
  return `<form method="post" action="/account/end">
  <p>${escapeHtml(agent)}${isOwn ? ' (this browser)' : ''}, last seen ${seen.toUTCString()}</p>
  <input name="login" type="hidden" value="${_id}">
  <p><label>Your password
    <input name="password" type="password" autocomplete="current-password" required></label></p>
  <button>Log out there</button>
</form>
`;
}

/** Escapes text for HTML, so that nothing in it becomes a tag or ends an attribute. */
function escapeHtml(text: string): string {
  const entities: Record<string, string> = {
    '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;',
  };
  return text.replaceAll(/[&<>"']/g, (char) => entities[char] ?? char);
}

const logoutForm = `
<form method="post" action="/logout">
  <button>Log out</button>
</form>`;

export const logoutPage = page('Log out', logoutForm);

function page(title: string, content: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>${title}</title>
<h1>${title}</h1>
${content.trim()}
</html>
`;
}
