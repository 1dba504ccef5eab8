// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// What the demo page looks like: phones, light and dark, and axe-core's opinion of every view.

import { assert } from '../lib/suite.mjs';
import { of, Tab } from './demo_tab.mjs';

const kPhone = { width: 360, height: 640, isMobile: true, hasTouch: true };
const kPanels = ['chat', 'devices', 'stats', 'invite'];
const kMinTarget = 36; // CSS pixels

const prefers = (tab, value) => tab.page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value }]);
const brightness = (tab) => tab.page.evaluate(() => {
  const [red, green, blue] = getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number);
  return (red + green + blue) / 3;
});

export async function form_checks({ suite, browser, server }) {
  let tab;
  await suite.check('the form follows the system colours, and the choice of the person [DEMO-03]', async () => {
    tab = await Tab.open(browser, server.http, '', { size: kPhone });
    await prefers(tab, 'dark');
    assert.ok((await brightness(tab)) < 80);
    await prefers(tab, 'light');
    assert.ok((await brightness(tab)) > 180);
    for (const expected of ['light', 'dark']) {
      await tab.click(of('theme'));
      await tab.shown(of('theme', `[data-value="${expected}"]`));
    }
    assert.ok((await brightness(tab)) < 80);
    await tab.page.reload();
    await tab.shown(of('theme', '[data-value="dark"]'));
    assert.ok((await brightness(tab)) < 80, 'the choice is remembered');
  }, { needed: true });

  await suite.check('form and connection test fit a phone and are accessible, dark and light [DEMO-03]', async () => {
    await tab.click(of('options'));
    for (const colours of ['dark', 'light']) {
      await tab.page.evaluate((value) => (document.documentElement.dataset.theme = value), colours);
      await tab.fits();
      await tab.accessible(`form, ${colours}`);
    }
    await tab.click(of('open-test'));
    await tab.shown(of('test-view'));
    await tab.fits();
    await tab.accessible('connection test');
    tab.calm();
    await tab.close();
  }, { seconds: 40 });
}

export async function call_looks({ suite }, { ada, grace }) {
  if (!grace) return;
  await suite.check('call and panels fit a phone, with targets a finger can hit [DEMO-03]', async () => {
    await grace.page.setViewport(kPhone);
    await grace.fits();
    for (const name of kPanels) {
      await grace.click(of(`open-${name}`));
      await grace.shown(of(`panel-${name}`));
      await grace.fits();
      await grace.click(of('close-panel'));
    }
    const sizes = await grace.page.$$eval('button', (list) => list.map((one) => {
      const { width, height } = one.getBoundingClientRect();
      return { name: one.dataset.testid, size: Math.min(width, height) };
    }));
    assert.deepEqual(sizes.filter(({ size }) => size < kMinTarget), []);
  });

  await suite.check('call and panels are accessible, dark and light [DEMO-03]', async () => {
    for (const [name, colours] of [['chat', 'dark'], ['devices', 'light'], ['stats', 'dark'], ['invite', 'light']]) {
      await prefers(ada, colours);
      await ada.click(of(`open-${name}`));
      await ada.shown(of(`panel-${name}`));
      await ada.accessible(`${name}, ${colours}`);
      await ada.click(of('close-panel'));
    }
  }, { seconds: 40 });
}
