// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// What the demo page says when something is missing or breaks, and that it recovers.

import { start_chromium } from '../lib/browser.mjs';
import { start_server } from '../lib/server.mjs';
import { assert } from '../lib/suite.mjs';
import { of, Tab, tile_of } from './demo_tab.mjs';

const kReconnecting = of('reconnecting');
const kConnected = of('connection-state', '[data-state="connected"]');
const problem = (key) => of('problem', `[data-problem="${key}"]`);

// The signalling of both runs over the cable.
export async function connection_checks({ suite, browser, cable, server }, { ada, grace }) {
  if (!grace) return;
  const tabs = [ada, grace];
  const see_each_other = () => Promise.all([ada.plays(tile_of('Grace')), grace.plays(tile_of('Ada'))]);

  await suite.check('a broken connection is announced and comes back [DEMO-03] [SIG-160]', async () => {
    cable.cut();
    await Promise.all(tabs.map((tab) => tab.shown(kReconnecting)));
    assert.equal(await ada.count(kConnected), 0);
    cable.mend(server.ports.http);
    await Promise.all(tabs.map((tab) => tab.gone(kReconnecting)));
    await Promise.all(tabs.map((tab) => tab.shown(kConnected)));
    await see_each_other();
    assert.equal(await grace.count(of('tile')), 2, 'nobody came twice');
  }, { seconds: 60 });

  await suite.check('when the server died and was started anew, the call comes back by itself [DEMO-03] [SIG-162]', async () => {
    cable.cut();
    process.kill(server.pid, 'SIGKILL');
    await Promise.all(tabs.map((tab) => tab.shown(kReconnecting)));
    server = await start_server(suite);
    cable.mend(server.ports.http);
    await Promise.all(tabs.map((tab) => tab.gone(kReconnecting, 20000)));
    await Promise.all(tabs.map((tab) => tab.shown(kConnected)));
    await see_each_other();
    for (const tab of tabs) assert.equal(await tab.count(of('tile')), 2);
  }, { seconds: 80 });

  await suite.check('who comes while one reconnects is seen by all [DEMO-03] [SIG-162]', async () => {
    const edith = await Tab.open(browser, server.http, '?room=demo&name=Edith&audio=0&video=0');
    await ada.page.evaluate(async () => {
      const { room } = window.confabDemo;
      const back = new Promise((resolve) => room.once('reconnected', resolve));
      await room.simulateScenario('full-reconnect');
      await back;
    });
    await edith.click(of('join'));
    await Promise.all(tabs.map((tab) => tab.shown(tile_of('Edith'), 6000)));
    await edith.click(of('leave'));
    await Promise.all(tabs.map((tab) => tab.gone(tile_of('Edith'), 6000)));
    await edith.close();
  }, { seconds: 60 });

  await suite.check('leaving takes the tile away [SIG-133]', async () => {
    await grace.click(of('leave'));
    await ada.gone(tile_of('Grace'));
    await grace.shown(of('join-view', '[data-phase="idle"]'));
    assert.match(await grace.text(of('status')), /left/);
    grace.calm();
    await grace.close();
  }, { seconds: 30 });

  await suite.check('a server that shuts down gets its callers back when it is started again [DEMO-03] [SIG-143]', async () => {
    await server.stop();
    await ada.shown(kReconnecting);
    await ada.accessible('server shut down');
    server = await start_server(suite);
    cable.mend(server.ports.http);
    await ada.gone(kReconnecting, 20000);
    await ada.shown(kConnected);
  }, { seconds: 60 });

  await suite.check('a server that is not there is named with a remedy [DEMO-03]', async () => {
    await server.stop();
    await ada.shown(kReconnecting);
    await ada.click(of('leave'));
    await ada.click(of('join'));
    await ada.shown(problem('serverUnreachable'));
    ada.calm();
    await ada.close();
  }, { seconds: 40 });
}

export async function device_checks({ suite, server }) {
  const kinds = [
    ['no camera and no microphone', 'none', ['noCamera', 'noMicrophone']],
    ['devices the person refuses', 'refused', ['cameraDenied', 'microphoneDenied']],
  ];
  for (const [what, devices, keys] of kinds) {
    await suite.check(`${what}: said with a remedy, and the call goes on [DEMO-03]`, async () => {
      const browser = await start_chromium(suite, { devices });
      const tab = await Tab.open(browser, server.http, `?room=${devices}&name=Eve&autojoin=1`);
      for (const key of keys) await tab.shown(problem(key));
      await tab.accessible(what);
      await tab.click(problem(keys[0]) + ' button');
      await tab.gone(problem(keys[0]));
      await tab.shown(kConnected);
      tab.calm();
      await browser.close();
    }, { seconds: 40 });
  }
}
