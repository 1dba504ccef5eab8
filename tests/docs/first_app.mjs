// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// The files of docs/guide/first-app.md as a reader copies them, with another address, other keys
// and livekit-client from the lock file instead of the network.

import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';

import { start_chromium } from '../lib/browser.mjs';
import { Peer } from '../lib/rtc_peer.mjs';
import { ROOT, start_server } from '../lib/server.mjs';
import { start_page_server } from '../lib/static_server.mjs';
import { assert, Suite } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { kPython, lay_out, shown_files } from './shown.mjs';

const run = promisify(execFile);
const kRoom = 'first';

const suite = new Suite({ limit: 180 });
await suite.run(async () => {
  const server = await start_server(suite);
  const files = shown_files('guide/first-app.md', 'js|python|html', server);
  const folder = lay_out(suite, files, path.join(ROOT, 'tests/docs'));
  const node = (name, ...args) => run(process.execPath, [path.join(folder, name), ...args], { timeout: 20000, polling: 200 });
  const python = (name, ...args) => run(kPython, [path.join(folder, name), ...args], { timeout: 20000, polling: 200 });
  const tokens = {};

  await suite.check('the tokens of both languages let their bearer in [TOK-01] [TOK-03] [SDK-01]', async () => {
    tokens.node = (await node('make_token.mjs', 'alice')).stdout.trim();
    tokens.python = (await python('make_token.py', 'bob')).stdout.trim();
    for (const token of Object.values(tokens)) {
      const reply = await fetch(`${server.http}/rtc/validate?access_token=${token}`);
      assert.equal(reply.status, 200);
    }
    const payload = JSON.parse(Buffer.from(tokens.python.split('.')[1], 'base64url'));
    assert.equal(payload.sub, 'bob');
  }, { needed: true });

  await suite.check('the programs say hello to who is there', async () => {
    const carol = await Peer.join(suite, server, kRoom, 'carol');
    const said = await Promise.all([node('hello.mjs', tokens.node), python('hello.py', tokens.python)]);
    for (const { stdout } of said) assert.match(stdout, /connected, with [12] others/);
    // From whom it is not known yet: those who publish no track are told of within 3 s (SIG-131).
    for (const language of ['Node', 'Python'])
      await until(() => carol.data.some((one) => one.text === `hello from ${language}`), { what: language });
    await carol.leave();
  });

  await suite.check('the page shows who is there, and what is said', async () => {
    const html = files['index.html'].replace(/https:\/\/cdn\.jsdelivr\.net\/npm\/livekit-client@2\/\S+\.mjs/, '/livekit-client.mjs');
    assert.notEqual(html, files['index.html']);
    const address = await start_page_server(suite, { '/first.html': html });
    // A browser each: who has a page that is not seen is sent no picture.
    const open = async (token) => {
      const chromium = await start_chromium(suite);
      const page = await chromium.newPage();
      const trouble = [];
      page.on('pageerror', (error) => trouble.push(error.message));
      page.on('console', (message) => trouble.push(message.text()));
      suite.diagnostics(() => {}, () => trouble.slice(-8));
      await page.goto(`${address}first.html?token=${token}`);
      return page;
    };
    const pages = await Promise.all([open(tokens.node), open(tokens.python)]);
    const sees = (page, identity) => page.waitForFunction(
      (name) => [...document.querySelectorAll('video')].some((one) => one.title === name && one.videoWidth > 0),
      { timeout: 20000, polling: 200 }, identity);
    await Promise.all([sees(pages[0], 'bob'), sees(pages[1], 'alice')]);
    const dave = await Peer.join(suite, server, kRoom, 'dave');
    await dave.local.publishData(new TextEncoder().encode('hi'), { reliable: true });
    await pages[0].waitForFunction(() => document.body.textContent.match(/(dave|somebody): hi/), { timeout: 10000, polling: 200 });
    await pages[1].goto('about:blank');
    await pages[0].waitForFunction(() => document.querySelectorAll('video').length === 0, { timeout: 20000, polling: 200 });
    await dave.leave();
  }, { seconds: 60 });
});
