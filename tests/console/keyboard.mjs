// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// From signing in to closing a room without a pointer.

import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { KEY, SECRET } from '../lib/server.mjs';
import { ConsoleTab, of } from './console_tab.mjs';
import { make_rooms } from './mock_data.mjs';
import { operator_tab } from './signing_in.mjs';

const press = async (tab, ...keys) => {
  for (const key of keys) await tab.page.keyboard.press(key);
};

const row_with_focus = (tab) => tab.page.evaluate(() => document.activeElement?.dataset.row);

async function row_checks(suite, name, tab) {
  await suite.check(`${name}: to the rooms, through the rows, and into one`, async () => {
    await press(tab, 'g', 'r');
    await tab.shown('[data-row="0"]');
    await until(async () => (await tab.focus()) === 'heading', { what: 'the focus on the heading' });
    await tab.tab_to('[data-row]', 15);
    await press(tab, 'ArrowDown', 'ArrowDown');
    assert.equal(await row_with_focus(tab), '2');
    await press(tab, 'End');
    await until(async () => (await row_with_focus(tab)) === '499', { what: 'the last row' });
    await press(tab, 'Home');
    await until(async () => (await row_with_focus(tab)) === '0', { what: 'the first row' });
    await press(tab, '/');
    assert.equal(await tab.focus(), 'search');
    await tab.page.keyboard.type('room-0042');
    await tab.reads(of('total'), /^1 in all$/);
    await tab.tab_to('[data-row]', 15);
    await press(tab, 'Enter');
    await tab.reads(of('heading'), /^room-0042$/);
  }, { seconds: 45 });
}

async function room_checks(suite, name, tab) {
  await suite.check(`${name}: somebody in it, and closing it`, async () => {
    await tab.shown('[data-row="1"]');
    await tab.tab_to('[data-row]', 15);
    await press(tab, 'ArrowDown', 'Enter');
    await tab.shown(of('person'));
    await tab.tab_to(of('act-mute'), 30);
    await press(tab, 'Enter');
    await tab.shown(of('track', '[data-muted="true"]'));
    await tab.go('rooms/room-0042');
    await tab.shown(of('act-close-room'));
    await tab.tab_to(of('act-close-room'), 40);
    await press(tab, 'Enter');
    await tab.shown(of('dialog'));
    await tab.tab_to(of('submit'), 4);
    await press(tab, 'Enter');
    await tab.shown(of('gone'));
  }, { seconds: 45 });
}

async function key_checks(suite, name, tab) {
  await suite.check(`${name}: the list of keys, and switching single ones off`, async () => {
    await tab.page.evaluate(() => document.activeElement?.blur());
    await press(tab, '?');
    await tab.shown(of('help'));
    assert.equal(await tab.focus(), 'single-keys');
    await tab.page.keyboard.type(' ');
    await tab.page.waitForSelector(of('single-keys', ':not(:checked)'));
    await press(tab, 'Escape');
    await tab.gone(of('help'));
    await press(tab, 'g', 'h');
    assert.doesNotMatch(await tab.page.evaluate(() => location.hash), /history/);
    await press(tab, '?');
    assert.equal(await tab.count(of('help')), 0);
    await tab.calm();
    await tab.close();
  });
}

export async function keyboard_checks({ suite, name, browser, mock: start }) {
  const mock = await start();
  mock.rooms = make_rooms(500, 3);
  let tab;

  await suite.check(`${name}: signing in and the skip link by keyboard`, async () => {
    tab = await ConsoleTab.open(browser, mock.http);
    await tab.shown(of('sign-in'));
    await tab.tab_to(of('key'));
    await tab.page.keyboard.type(KEY);
    await tab.tab_to(of('secret'));
    await tab.page.keyboard.type(SECRET);
    await press(tab, 'Enter');
    await tab.shown(of('who'));
    await tab.page.reload();
    await tab.shown(of('who'));
    await tab.tab_to(of('skip'), 1);
    await press(tab, 'Enter');
    await until(async () => (await tab.focus()) === 'content', { what: 'the focus on the content' });
  }, { needed: true, seconds: 40 });

  await row_checks(suite, name, tab);
  await room_checks(suite, name, tab);
  await key_checks(suite, name, tab);
  await own_words(suite, name, browser, mock);
}

// Letters in a field are letters.
async function own_words(suite, name, browser, mock) {
  await suite.check(`${name}: in a field, keys are letters`, async () => {
    const tab = await operator_tab(browser, mock, { hash: '#/rooms' });
    await tab.fill('search', 'gr/?');
    assert.equal(await tab.page.$eval(of('search'), (field) => field.value), 'gr/?');
    assert.equal(await tab.count(of('help')), 0);
    await press(tab, 'Escape');
    assert.notEqual(await tab.focus(), 'search');
    await tab.close();
  });
}
