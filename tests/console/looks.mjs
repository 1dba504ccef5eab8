// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Every page: axe-core's opinion in dark and light, a phone, the colours of the system.

import { assert } from '../lib/suite.mjs';
import { ConsoleTab, kPages, kPhone, of } from './console_tab.mjs';
import { operator_tab } from './signing_in.mjs';

const kRooms = ['rooms/room-0001', 'rooms/room-0001/grace-0', 'rooms/not-there'];
const kThemes = ['dark', 'light'];

const brightness = (tab) => tab.page.evaluate(() => {
  const [red, green, blue] = getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number);
  return (red + green + blue) / 3;
});

async function both(tab, what) {
  for (const theme of kThemes) {
    await tab.colours(theme);
    await tab.accessible(`${what}, ${theme}`);
  }
}

async function access_checks(suite, name, browser, mock) {
  await suite.check(`${name}: axe-core finds nothing on the form, dark and light`, async () => {
    const tab = await ConsoleTab.open(browser, mock.http);
    await tab.shown(of('sign-in'));
    await both(tab, 'form');
    await tab.sign_in({ password: 'wrong' });
    await tab.shown(of('failure'));
    await both(tab, 'form with an error');
    await tab.close();
  }, { seconds: 40 });

  const tab = await operator_tab(browser, mock);
  for (const hash of [...kPages, ...kRooms]) {
    await suite.check(`${name}: axe-core finds nothing on ${hash}, dark and light`, async () => {
      await tab.go(hash);
      await both(tab, hash);
    }, { seconds: 45 });
  }
  await suite.check(`${name}: axe-core finds nothing on dialogues and the banner, dark and light`, async () => {
    await tab.go('rooms/room-0001/grace-0');
    for (const action of ['permission', 'participant-metadata', 'remove']) {
      await tab.click(of(`act-${action}`));
      await tab.shown(of('dialog'));
      await both(tab, action);
      await tab.page.keyboard.press('Escape');
      await tab.gone(of('dialog'));
    }
    await tab.click(of('open-help'));
    await both(tab, 'help');
    await tab.page.keyboard.press('Escape');
    mock.away = true;
    await tab.shown(of('away'));
    await both(tab, 'away');
    mock.away = false;
    await tab.calm();
  }, { seconds: 60 });
  await tab.close();
}

async function phone_checks(suite, name, browser, mock) {
  await suite.check(`${name}: every page fits a phone of 360 pixels`, async () => {
    const tab = await ConsoleTab.open(browser, mock.http, { size: kPhone });
    await tab.shown(of('sign-in'));
    await tab.fits();
    await tab.sign_in({ password: 'operator-password' });
    await tab.shown(of('menu'));
    for (const hash of [...kPages, ...kRooms]) {
      await tab.go(hash);
      await tab.fits().catch((error) => assert.fail(`${hash}: ${error.message}`));
    }
    await tab.go('rooms/' + encodeURIComponent('very-long-'.repeat(11)));
    await tab.fits();
    await tab.click(of('act-close-room'));
    await tab.shown(of('dialog'));
    await tab.fits();
    await tab.click(of('cancel'));
    await tab.click(of('menu'));
    await tab.shown(of('nav-events'));
    await tab.fits();
    await tab.click(of('nav-events'));
    await tab.shown(of('events'));
    await tab.calm();
    await tab.close();
  }, { seconds: 60 });
}

async function theme_checks(suite, name, browser, mock) {
  await suite.check(`${name}: the switch of colours, which is remembered`, async () => {
    const tab = await operator_tab(browser, mock);
    if (name === 'Chromium') { // Firefox cannot be told what the system prefers
      for (const [value, dark] of [['dark', true], ['light', false]]) {
        await tab.page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value }]);
        assert.equal((await brightness(tab)) < 80, dark, value);
      }
    }
    for (const theme of ['light', 'dark']) {
      await tab.click(of('theme'));
      await tab.shown(of('theme', `[data-value="${theme}"]`));
      assert.equal((await brightness(tab)) < 80, theme === 'dark');
    }
    await tab.page.reload();
    await tab.shown(of('theme', '[data-value="dark"]'));
    assert.ok((await brightness(tab)) < 80);
    await tab.close();
  });
}

export async function look_checks({ suite, name, browser, mock: start }) {
  const mock = await start();
  await access_checks(suite, name, browser, mock);
  await phone_checks(suite, name, browser, mock);
  await theme_checks(suite, name, browser, mock);
}
