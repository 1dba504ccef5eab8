// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Encryption from end to end by a key in the link, which the server never gets.

import { assert } from '../lib/suite.mjs';
import { of, Tab, tile_of } from './demo_tab.mjs';
import { problem } from './meet_lobby.mjs';

export async function encryption_checks({ suite, server, browsers }) {
  let ada;
  let link;
  await suite.check('the key of the link decrypts, another does not and is said to be wrong [DEMO-03] [MC-17]', async () => {
    const asked = [];
    ada = await Tab.open(browsers.host, server.http, '?room=secret&name=Ada&audio=0');
    ada.page.on('request', (request) => asked.push(`${request.url()} ${request.postData() ?? ''}`));
    await ada.click(of('encrypt'));
    await ada.click(of('join'));
    await ada.shown(of('call-view'));
    await ada.click(of('open-invite'));
    link = new URL(await ada.page.$eval(of('invite-link'), (input) => input.value));
    const [, key] = /^#key=([\w-]{22})$/.exec(link.hash);
    assert.equal(asked.filter((one) => one.includes(key)).length, 0, 'the key went to the server');
    assert.equal(await ada.page.evaluate(() => location.hash), link.hash, 'a reload keeps the key');
    const grace = await Tab.open(browsers.guest, server.http, `${link.search}&name=Grace&autojoin=1&audio=0${link.hash}`);
    await Promise.all([grace.plays(tile_of('Ada')), ada.plays(tile_of('Grace'))]);
    await ada.shown(tile_of('Grace', ` ${of('encrypted')}`));
    assert.equal(await grace.count(problem('decryptionFailed')), 0);

    const eve = await Tab.open(browsers.third, server.http, `${link.search}&name=Eve&autojoin=1&audio=0&video=0#key=another`);
    await eve.shown(problem('decryptionFailed'));
    await eve.accessible('a wrong key');
    await eve.close();
    await grace.close();
    await ada.close();
  }, { seconds: 90 });
}
