// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// The demo page as `confab serve --dev` serves it: a call of two people, trouble, looks.
//
// CONFAB_SCREENSHOT  a file that gets a picture of the call

import { start_chromium } from '../lib/browser.mjs';
import { start_server } from '../lib/server.mjs';
import { assert, Suite } from '../lib/suite.mjs';
import { Cable } from './cable.mjs';
import { call_checks } from './demo_call.mjs';
import { call_looks, form_checks } from './demo_looks.mjs';
import { take_picture } from './demo_picture.mjs';
import { connection_checks, device_checks } from './demo_trouble.mjs';
import { voice_args } from './voice.mjs';

const suite = new Suite({ limit: 240 });

async function serving_checks({ http }) {
  await suite.check('health stays at / and the page is served under /demo [CON-06] [DEMO-01] [DEMO-06]', async () => {
    assert.equal(await (await fetch(`${http}/`)).text(), 'OK');
    const page = await fetch(`${http}/demo/`);
    assert.equal(page.status, 200);
    const policy = page.headers.get('content-security-policy');
    assert.match(policy, /default-src 'none'; script-src 'self'/);
    assert.doesNotMatch(policy, /'unsafe-|\*/);
    assert.doesNotMatch(await page.text(), /(src|href)="(https?:)?\/\//, 'nothing comes from another host');
    assert.equal((await fetch(`${http}/demo/nothing.js`)).status, 404);
    assert.doesNotMatch(await (await fetch(`${http}/demo/..%2f..%2f..%2f..%2f..%2fetc%2fpasswd`)).text(), /root:/);
    assert.match(await (await fetch(`${http}/demo/third-party.txt`)).text(), /livekit-client/, 'notices');
  });

  await suite.check('a token comes from the development endpoint [DEMO-02] [TOK-15]', async () => {
    const reply = await fetch(`${http}/api/token`, {
      method: 'POST', body: JSON.stringify({ room_name: 'demo', participant_name: 'x' }),
    });
    assert.equal(reply.status, 200);
    const { server_url, participant_token } = await reply.json();
    assert.match(server_url, /^ws:/);
    assert.equal(participant_token.split('.').length, 3);
    assert.equal((await fetch(`${http}/api/token`, { method: 'POST', body: '{}' })).status, 400);
  });
}

await suite.run(async () => {
  // Grace has a browser of her own: an invented camera that two tabs share can stop for both when
  // one of them opens it anew, as a full reconnect does, and stays dark until both have let go.
  const [server, browser, other] = await Promise.all([
    start_server(suite), start_chromium(suite, { args: voice_args(suite) }), start_chromium(suite),
  ]);
  const place = { suite, server, browser, other, cable: await Cable.lay(suite, server.ports.http) };
  await serving_checks(server);
  await form_checks(place);
  await device_checks(place);
  const people = await call_checks(place);
  await call_looks(place, people);
  if (process.env.CONFAB_SCREENSHOT) {
    await suite.check('a picture for the documents', () => take_picture(place, process.env.CONFAB_SCREENSHOT), { seconds: 90 });
  }
  await connection_checks(place, people);
});
