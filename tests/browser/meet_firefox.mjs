// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// A guest with Firefox and a host with Chromium, whose key comes from the token endpoint.

import { start_firefox } from '../lib/browser.mjs';
import { assert } from '../lib/suite.mjs';
import { of, Tab, tile_of } from './demo_tab.mjs';
import { ask_token, knock } from './meet_lobby.mjs';

export async function firefox_checks({ suite, server, browsers }) {
  await suite.check('a guest with Firefox waits, is let in, sees and is seen [DEMO-03]', async () => {
    const firefox = await start_firefox(suite);
    const { room_name, host_key } = await (await ask_token(server, { room_name: 'fox', participant_name: 'Ada', lobby: true })).json();
    const room = `?room=${encodeURIComponent(room_name)}`;
    const ada = await Tab.open(browsers.host, server.http, `${room}&name=Ada&audio=0#host=${host_key}`);
    await ada.click(of('join'));
    const fox = await knock(firefox, `${server.http}/demo/${room}`, 'Fox');
    await fox.shown(of('waiting-view'));
    await fox.accessible('lobby, Firefox');
    await ada.click(of('knock-admit'));
    await Promise.all([fox.plays(tile_of('Ada')), ada.plays(tile_of('Fox'))]);
    await fox.accessible('call, Firefox');
    await fox.click(of('toggle-hand'));
    await ada.shown(tile_of('Fox', ` ${of('hand')}`));
    await fox.click(of('leave'));
    await ada.gone(tile_of('Fox'));
    assert.equal(await ada.count(of('tile')), 1);
    for (const tab of [ada, fox]) {
      tab.calm();
      await tab.close();
    }
    await firefox.close();
  }, { seconds: 90 });
}
