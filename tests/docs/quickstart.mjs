// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// The files of docs/quickstart/ as a reader copies them, against a server: what they print, and what others in the room
// see of it. Packages come from the lock files of tests/, web/ and tests/docs/go/ instead of the network.

import { execFile, execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

import { RoomServiceClient } from 'livekit-server-sdk';

import { start_chromium } from '../lib/browser.mjs';
import { free_port } from '../lib/ports.mjs';
import { Peer } from '../lib/rtc_peer.mjs';
import { KEY, ROOT, SECRET, start_server } from '../lib/server.mjs';
import { serve_folder } from '../lib/static_server.mjs';
import { assert, Suite } from '../lib/suite.mjs';
import { join_token } from '../lib/token.mjs';
import { until } from '../lib/wait.mjs';
import { kPython, lay_out, shown_files } from './shown.mjs';

const run = promisify(execFile);
const kHere = path.join(ROOT, 'tests/docs');
const kWeb = path.join(ROOT, 'web');
const kClient = path.join(ROOT, 'tests/node_modules/livekit-client/dist/livekit-client.esm.mjs');
const kGoVersion = [1, 25]; // at least; Debian's is older
// Debian's Node 18 has what the SDK wants behind a flag, as the page says.
const kNodeFlags = Number(process.versions.node.split('.')[0]) < 20 ? ['--experimental-global-webcrypto'] : [];
const kPolling = { timeout: 20000, polling: 200 };

const lets_in = async (server, token) => (await fetch(`${server.http}/rtc/validate?access_token=${token}`)).status === 200;

// A program of Node that goes on; what it prints so far.
function start_node(suite, file, ...args) {
  const child = spawn(process.execPath, [...kNodeFlags, file, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (said += text));
  suite.cleanup(() => child.kill());
  return { said: () => said };
}

// A page with a token, in a browser of its own: who has a page that is not seen is sent no picture.
async function open_page(suite, address) {
  const chromium = await start_chromium(suite);
  const page = await chromium.newPage();
  const trouble = [];
  page.on('pageerror', (error) => trouble.push(error.message));
  page.on('console', (message) => trouble.push(message.text()));
  suite.diagnostics(() => {}, () => trouble.slice(-8));
  await page.goto(address);
  return page;
}

// Until `condition` holds in the page.
const holds = (page, what, condition, ...args) => page.waitForFunction(condition, kPolling, ...args)
  .catch((error) => { throw new Error(`${what}: ${error.message}`, { cause: error }); });

// Until `count` pictures play in elements of this title.
const plays = (page, title, count = 1) => holds(page, `${count} pictures of ${title}`,
  (name, wanted) => [...document.querySelectorAll('video')].filter((one) => one.title === name && one.videoWidth > 0).length === wanted,
  title, count);

// A button is there once it can be pressed, and says what it does next.
const press = async (page, button, next) => {
  await holds(page, `${button} can be pressed`, (one) => document.querySelector(one)?.disabled === false, button);
  await page.click(button);
  await holds(page, `${button} says "${next}"`, (one, text) => document.querySelector(one).textContent === text, button, next);
};

async function javascript_checks(suite, server, rooms) {
  await suite.check('JavaScript: two tabs see each other; mute and screen work [SDK-01]', async () => {
    const files = shown_files('quickstart/javascript.md', 'html|js', server);
    const page = files['index.html'].replace(/https:\/\/cdn\.jsdelivr\.net\/npm\/livekit-client@2\/\S+?\.mjs/, '/livekit-client.mjs');
    assert.notEqual(page, files['index.html'], 'the import map names another address');
    const folder = lay_out(suite, { ...files, 'index.html': page, 'livekit-client.mjs': fs.readFileSync(kClient) }, kHere);
    const address = await serve_folder(suite, folder);
    const open = async (identity) => open_page(suite, `${address}index.html?token=${await join_token('first', identity)}`);
    const [alice, bob] = await Promise.all([open('alice'), open('bob')]);
    await Promise.all([plays(alice, 'bob'), plays(bob, 'alice')]);
    assert.equal(await alice.$eval('#state', (one) => one.textContent), 'connected');
    await press(alice, '#mute', 'Unmute');
    await until(async () => {
      const { tracks } = await rooms.getParticipant('first', 'alice');
      return tracks.some((track) => track.muted);
    }, { what: 'a muted track of alice' });
    await press(alice, '#screen', 'Stop sharing');
    await plays(bob, 'alice', 2);
    await press(alice, '#screen', 'Share the screen');
    await plays(bob, 'alice', 1);
    await Promise.all([alice, bob].map((one) => one.browser().close()));
  }, { seconds: 90 });
}

const kReactMain = `import { createRoot } from 'react-dom/client';
import App from './App.jsx';
import People from './People.jsx';
const asked = new URLSearchParams(location.search);
createRoot(document.getElementById('root')).render(asked.has('people') ? <People token={asked.get('token')} /> : <App />);
`;

async function react_checks(suite, server) {
  await suite.check('React: the conference of one component, and one of own parts, see each other', async () => {
    const files = shown_files('quickstart/react.md', 'jsx', server);
    const folder = lay_out(suite, {
      ...files, 'main.jsx': kReactMain,
      'index.html': '<!doctype html><title>React</title><div id="root"></div><script type="module" src="/main.jsx"></script>',
    }, kWeb);
    const vite = path.join(kWeb, 'node_modules/vite/bin/vite.js');
    // Its own configuration is the demo page's; JSX needs one line of it.
    fs.writeFileSync(path.join(folder, 'vite.config.mjs'), "import react from '@vitejs/plugin-react';\nexport default { plugins: [react()], build: { minify: false } };\n");
    await run(process.execPath, [vite, 'build', '--logLevel', 'error'], { cwd: folder });
    const address = await serve_folder(suite, path.join(folder, 'dist'));
    const alice = await open_page(suite, `${address}index.html?token=${await join_token('react', 'alice')}`);
    const bob = await open_page(suite, `${address}index.html?people&token=${await join_token('react', 'bob')}`);
    await plays(bob, 'alice');
    await holds(bob, 'names of alice and bob', () => document.querySelector('p')?.textContent === 'alice, bob');
    await holds(alice, 'both pictures', () => [...document.querySelectorAll('[data-lk-local-participant="false"] video, .lk-participant-tile video')]
      .filter((one) => one.videoWidth > 0).length >= 2);
    await Promise.all([alice, bob].map((one) => one.browser().close()));
  }, { seconds: 120 });
}

async function node_checks(suite, server, hook_port) {
  const folder = lay_out(suite, shown_files('quickstart/node.md', 'js', server), kHere);
  const at = (name) => path.join(folder, name);

  await suite.check('Node: the token server gives tokens that let in, and only where it is asked right [TOK-01] [SDK-01]', async () => {
    const port = await free_port();
    start_node(suite, at('tokens.mjs'), String(port));
    const ask = (query) => fetch(`http://127.0.0.1:${port}/token${query}`);
    const answer = await until(() => ask('?room=first&identity=alice').catch(() => undefined), { what: 'the token server' });
    assert.ok(await lets_in(server, (await answer.json()).token));
    assert.equal((await ask('?room=first')).status, 404);
  });

  await suite.check('Node: a room is made, told something and ended, and webhooks tell of it [HOOK-01]', async () => {
    const hooks = start_node(suite, at('webhooks.mjs'), String(hook_port));
    await until(() => fetch(`http://127.0.0.1:${hook_port}/`, { method: 'POST', body: '{}' }).then((one) => one.status === 401, () => false),
      { what: 'the receiver, which refuses what nobody signed' });
    const carol = await Peer.join(suite, server, 'meeting', 'carol');
    const { stdout } = await run(process.execPath, [...kNodeFlags, at('rooms.mjs')], { timeout: 20000 });
    assert.match(stdout, /^meeting 1$/m);
    assert.match(stdout, /^carol 0$/m);
    await until(() => carol.data.some((one) => one.text === 'the meeting ends'), { what: 'the notice' });
    for (const line of ['room_started meeting', 'participant_joined meeting carol', 'room_finished meeting'])
      await until(() => hooks.said().includes(line), { what: () => `"${line}" in: ${hooks.said()}` });
  });
}

async function python_checks(suite, server) {
  await suite.check('Python: a room, a token that lets in, and its end [SDK-01]', async () => {
    const folder = lay_out(suite, shown_files('quickstart/python.md', 'python', server), kHere);
    const { stdout } = await run(kPython, [path.join(folder, 'rooms.py')], { timeout: 20000 });
    assert.match(stdout, /^rooms \[.*'lesson'.*\]$/m);
    assert.match(stdout, /^people \[\]$/m);
    assert.ok(await lets_in(server, stdout.match(/^token (\S+)$/m)[1]));
  });
}

function new_go() {
  try {
    const [, major, minor] = execFileSync('go', ['env', 'GOVERSION'], { encoding: 'utf8' }).match(/go(\d+)\.(\d+)/);
    return Number(major) > kGoVersion[0] || Number(minor) >= kGoVersion[1];
  } catch {
    return false;
  }
}

async function go_checks(suite, server) {
  if (!new_go()) {
    console.log(`no Go ${kGoVersion.join('.')} on PATH: the program of docs/quickstart/go.md does not run, and is not counted`);
    return;
  }
  await suite.check('Go: a room, a token that lets in, and its end [SDK-01]', async () => {
    const files = shown_files('quickstart/go.md', 'go', server);
    for (const name of ['go.mod', 'go.sum']) files[name] = fs.readFileSync(path.join(kHere, 'go', name));
    const folder = lay_out(suite, files, os.tmpdir());
    const { stdout } = await run('go', ['run', '.'], { cwd: folder, timeout: 400000, env: { ...process.env, GOFLAGS: '-mod=readonly', CGO_ENABLED: '0' } });
    assert.match(stdout, /^room depot 0$/m);
    assert.ok(await lets_in(server, stdout.match(/^token (\S+)$/m)[1]));
  }, { seconds: 420 });
}

const suite = new Suite({ limit: 900 });
await suite.run(async () => {
  const hook_port = await free_port();
  const server = await start_server(suite, { webhook: { api_key: KEY, urls: [`http://127.0.0.1:${hook_port}/`] } });
  const rooms = new RoomServiceClient(server.http, KEY, SECRET);
  await node_checks(suite, server, hook_port);
  await python_checks(suite, server);
  await javascript_checks(suite, server, rooms);
  await react_checks(suite, server);
  await go_checks(suite, server);
});
