// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// The pictures of docs/guide/meet.md.

import path from 'node:path';

import { draw_camera, kPeople } from './demo_picture.mjs';
import { of, Tab, tile_of } from './demo_tab.mjs';
import { knock } from './meet_lobby.mjs';

const kSize = { width: 960, height: 600, deviceScaleFactor: 1 };

export async function take_pictures({ server, browsers }, folder) {
  const picture = (tab, name) => tab.page.screenshot({ path: path.join(folder, `meet-${name}.png`) });
  const drawn = (name) => [draw_camera, kPeople.find((person) => person.name === name)];
  const ada = await Tab.open(browsers.host, server.http, '?room=garden&name=Ada&audio=0&lobby=1', { size: kSize, prepare: drawn('Ada') });
  await ada.click(of('join'));
  await ada.click(of('open-invite'));
  const link = await ada.page.$eval(of('invite-link'), (input) => input.value);
  await ada.click(of('close-panel'));
  const grace = await knock(browsers.guest, link, 'Grace', { audio: 1, prepare: drawn('Grace') });
  await grace.page.setViewport(kSize);
  await grace.click(of('preview'));
  await grace.plays('.preview');
  await picture(grace, 'lobby');
  await ada.click(of('knock-admit'));
  await ada.plays(tile_of('Grace'));
  const alan = await knock(browsers.third, link, 'Alan', { prepare: drawn('Alan') });
  await ada.click(of('open-people'));
  await ada.shown(of('waiting'));
  await grace.click(of('toggle-hand'));
  await ada.shown(tile_of('Grace', ` ${of('hand')}`));
  await ada.page.evaluate(() => document.activeElement.blur());
  await picture(ada, 'host');
  for (const tab of [ada, grace, alan]) await tab.close();
}
