// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// The demo page as `confab serve --dev` serves it: two tabs in a call.
//
// CONFAB_SCREENSHOT  a file that gets a picture of the call

import { start_chromium } from '../lib/browser.mjs';
import { start_server } from '../lib/server.mjs';
import { assert, Suite } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';

const suite = new Suite({ limit: 150 });

async function open_tab(browser, address, name) {
  const page = await browser.newPage();
  await page.setViewport({ width: 1100, height: 700 });
  await page.goto(`${address}/demo/?room=demo&name=${name}&autojoin=1&video=1&audio=1`);
  return page;
}

// Videos of others that really play: width known and time moving.
const playing = (page) => page.evaluate(() =>
  [...document.querySelectorAll('[data-testid="tile"]:not([data-local="true"]) video')]
    .filter((video) => video.videoWidth > 0 && video.currentTime > 0.5).length);

await suite.run(async () => {
  const server = await start_server(suite, {});
  const browser = await start_chromium(suite);
  const tabs = [];

  await suite.check('health stays at / and the page is served under /demo [CON-06] [DEMO-01]', async () => {
    assert.equal(await (await fetch(`${server.http}/`)).text(), 'OK');
    const page = await fetch(`${server.http}/demo/`);
    assert.equal(page.status, 200);
    assert.match(page.headers.get('content-security-policy'), /default-src/);
    assert.equal((await fetch(`${server.http}/demo/../../etc/passwd`)).status, 404);
  });

  await suite.check('a token comes from the development endpoint [DEMO-02] [TOK-15]', async () => {
    const reply = await fetch(`${server.http}/api/token`, {
      method: 'POST', body: JSON.stringify({ room_name: 'demo', participant_name: 'x' }),
    });
    assert.equal(reply.status, 200);
    const { server_url, participant_token } = await reply.json();
    assert.match(server_url, /^ws:/);
    assert.equal(participant_token.split('.').length, 3);
    assert.equal((await fetch(`${server.http}/api/token`, { method: 'POST', body: '{}' })).status, 400);
  });

  await suite.check('two tabs see each other [DEMO-03] [MC-01]', async () => {
    for (const name of ['Ada', 'Grace']) tabs.push(await open_tab(browser, server.http, name));
    for (const tab of tabs) {
      await tab.bringToFront();
      await until(async () => (await playing(tab)) > 0, { timeout: 30000, what: () => 'a playing video' });
    }
  }, { seconds: 100 });

  await suite.check('leaving takes the tile away [SIG-133]', async () => {
    const [first, second] = tabs;
    if (process.env.CONFAB_SCREENSHOT) {
      await first.bringToFront();
      await first.screenshot({ path: process.env.CONFAB_SCREENSHOT });
    }
    await second.close();
    await until(async () => (await first.$$('[data-testid="tile"]')).length === 1,
      { timeout: 10000, what: () => 'one tile' });
  }, { seconds: 30 });
});
