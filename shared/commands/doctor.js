/*
 * npm run doctor: see doctor.ts. This is plain JavaScript, because a doctor has to speak even where
 * nothing is installed yet.
 */
try {
  await import('tsx');
} catch {
  const name = 'Install';
  const found = 'node_modules is not there, or not complete';
  const next = 'npm install';
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const old = major < 20 || (major === 20 && minor < 19);
  const node = { name: 'Node', ok: !old, found: `${process.version}, needed is 20.19 or newer` };
  const json = process.argv.includes('--json') || process.env.npm_config_json === 'true';
  console.log(json
    ? JSON.stringify([node, { name, ok: false, found, next }])
    : `${old ? '✖' : '✔'} Node       ${node.found}\n✖ ${name}    ${found}\n`
      + `             Next: ${old ? 'install the LTS version from https://nodejs.org, then ' : ''}${next}`);
  process.exit(1);
}
await import('./doctor.ts');
