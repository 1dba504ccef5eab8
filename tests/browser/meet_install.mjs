// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// The page can be installed, opens without a network, and keeps nothing but itself.

import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { of, Tab } from './demo_tab.mjs';

export async function install_checks({ suite, server, browsers }) {
  await suite.check('Chromium would install the page, which keeps itself and no address or token [DEMO-03]', async () => {
    // Not in a context of its own, which Chromium counts as private.
    const tab = new Tab(await browsers.third.newPage());
    await tab.page.goto(`${server.http}/demo/?room=kept&name=Ada&video=0&audio=0`);
    await tab.shown(of('join-view'));
    const session = await tab.page.createCDPSession();
    const manifest = await session.send('Page.getAppManifest');
    assert.deepEqual(manifest.errors, []);
    assert.match(manifest.data, /"display": "standalone"/);
    await tab.page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
    await until(async () => (await session.send('Page.getInstallabilityErrors')).installabilityErrors.length === 0, {
      what: async () => `no obstacle: ${JSON.stringify(await session.send('Page.getInstallabilityErrors'))}`,
    });
    await tab.page.reload();
    await tab.click(of('join'));
    await tab.shown(of('call-view'));
    await tab.click(of('leave'));
    const kept = await tab.page.evaluate(async () => {
      const all = [];
      for (const name of await caches.keys()) {
        const cache = await caches.open(name);
        for (const request of await cache.keys()) all.push([request.url, await (await cache.match(request)).text()]);
      }
      return all;
    });
    assert.ok(kept.length > 4);
    for (const [address, text] of kept) {
      assert.match(address, new RegExp(`^${server.http}/demo/[^?#]*$`));
      assert.doesNotMatch(text, /eyJ[\w-]{20,}\.[\w-]{20,}\./, `a token in ${address}`);
    }
    await tab.page.setOfflineMode(true);
    await tab.page.reload();
    await tab.shown(of('join-view'));
    await tab.click(of('join'));
    await tab.shown(of('problem', '[data-problem="serverUnreachable"]'));
    await tab.page.setOfflineMode(false);
    tab.calm();
    await tab.page.close();
  }, { seconds: 60 });
}
