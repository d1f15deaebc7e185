/*
 * The app's pages. Names are lower-case letters and digits, so there's nothing to escape.
 */

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

export function accountPage(user: string): string {
  return page('Your account', `
<p>You are logged in as ${user}.</p>
${logoutForm}`);
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
