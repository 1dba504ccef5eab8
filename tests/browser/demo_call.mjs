// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Two people use the demo page: joining with the keyboard alone, devices, chat, shared screen.

import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { of, Tab, tile_of } from './demo_tab.mjs';

const kVideo = '[data-source="camera"]';
const kScreen = '[data-source="screen_share"]';
const kText = 'Hello <b>you</b> & 👋';

// Returns both tabs, in one call.
export async function call_checks({ suite, browser, other, cable }) {
  let ada;
  let grace;
  const joined = await suite.check('the form is filled in and sent with the keyboard alone [DEMO-03]', async () => {
    ada = await Tab.open(browser, cable.http, '?room=demo');
    await ada.tab_to(of('name'));
    await ada.page.keyboard.type('Ada');
    await ada.tab_to(of('start-camera'));
    await ada.page.keyboard.press('Space');
    assert.equal(await ada.page.$eval(of('start-camera'), (box) => box.checked), false);
    await ada.page.keyboard.press('Space');
    await ada.tab_to(of('join'));
    await ada.page.keyboard.press('Enter');
    await ada.shown(of('call-view'));
    await ada.shown(of('connection-state', '[data-state="connected"]'));
    assert.match(await ada.text(of('stage') + ' + p'), /alone/);
  }, { seconds: 40, needed: true });
  if (!joined) return {};

  await suite.check('two tabs see each other [DEMO-03] [MC-01]', async () => {
    grace = await Tab.open(other, cable.http, '?room=demo&name=Grace&autojoin=1&audio=0');
    await Promise.all([grace.plays(tile_of('Ada', kVideo)), ada.plays(tile_of('Grace', kVideo))]);
    for (const tab of [ada, grace]) assert.equal(await tab.count(of('tile')), 2);
    assert.match(await ada.text(of('status')), /Grace joined/);
  }, { seconds: 60, needed: true });
  if (!grace) return { ada };

  await suite.check('who speaks is framed at both, who is silent is not [DEMO-03] [SIG-134]', async () => {
    const speaks = (name) => tile_of(name, '[data-speaking="true"]');
    await Promise.all([ada, grace].map((tab) => tab.shown(speaks('Ada'))));
    for (const tab of [ada, grace]) assert.equal(await tab.count(speaks('Grace')), 0);
  }, { seconds: 40 });

  await suite.check('muting shows at the other, and at oneself [DEMO-03] [SIG-05]', () => mute_check(ada, grace), { seconds: 40 });
  await suite.check('chat arrives as text, with a count of what is unread [DEMO-03] [SIG-120]', () => chat_check(ada, grace), { seconds: 40 });
  await suite.check('a shared screen plays large, and goes [DEMO-03] [SIG-100]', async () => {
    await ada.click(of('toggle-screen'));
    await grace.plays(tile_of('Ada', `${kScreen}.tile--big`));
    await ada.shown(of('toggle-screen', '[aria-pressed="true"]'));
    await ada.click(of('toggle-screen'));
    await Promise.all([ada, grace].map((tab) => tab.gone(tile_of('Ada', kScreen))));
  }, { seconds: 60 });
  await suite.check('statistics name the tracks of both [DEMO-03]', async () => {
    await grace.click(of('open-stats'));
    const row = (direction, rest) => of('stats-row', `[data-direction="${direction}"]${rest}`);
    await grace.shown(row('send', '[data-source="camera"][data-kbps]'));
    await grace.shown(row('receive', '[data-participant^="ada-"][data-source="camera"][data-width]'));
    await grace.click(of('close-panel'));
  });
  return { ada, grace };
}

async function mute_check(ada, grace) {
  const silent = tile_of('Ada', ` ${of('muted')}`);
  await ada.click(of('toggle-microphone'));
  await Promise.all([grace.shown(silent), ada.shown(silent), ada.shown(of('toggle-microphone', '[aria-pressed="false"]'))]);
  await ada.click(of('toggle-microphone'));
  await grace.gone(silent);
  await ada.click(of('toggle-camera'));
  await grace.shown(tile_of('Ada', `${kVideo} .tile__initial`));
  await ada.shown(of('toggle-camera', '[aria-busy="false"]'));
  await ada.click(of('toggle-camera'));
  await grace.gone(tile_of('Ada', `${kVideo} .tile__initial`));
  await grace.plays(tile_of('Ada', kVideo));
}

async function chat_check(ada, grace) {
  await ada.click(of('open-chat'));
  assert.equal(await ada.focus(), 'panel-heading', 'the panel takes the focus');
  await ada.tab_to(of('chat-input'));
  await ada.page.keyboard.type(kText);
  await ada.page.keyboard.press('Enter');
  await grace.shown(of('unread'));
  assert.match(await grace.text(of('unread')), /^1/);
  await grace.click(of('open-chat'));
  const message = of('chat-message', '[data-participant^="ada-"]');
  await grace.shown(message);
  assert.ok((await grace.text(message)).includes(kText), await grace.text(message));
  await until(async () => (await ada.text(of('chat-log'))).includes(kText), { what: 'the own message' });
  for (const tab of [ada, grace]) {
    await tab.page.focus(of('chat-input'));
    await tab.page.keyboard.press('Escape');
    await tab.gone(of('panel-chat'));
    assert.equal(await tab.focus(), 'open-chat', 'closing gives the focus back');
  }
  assert.equal(await grace.count(of('unread')), 0);
}
