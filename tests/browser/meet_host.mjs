// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// What a host does: quieten, stop a screen, lower a hand, lock, remove, end, come back.

import { RoomServiceClient } from 'livekit-server-sdk';

import { KEY, SECRET } from '../lib/server.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { of, Tab, tile_of } from './demo_tab.mjs';
import { ask_token, knock, problem } from './meet_lobby.mjs';

const person = (name, rest) => of('person', `[data-participant^="${name.toLowerCase()}-"] ${rest}`);
const kWaiting = of('waiting-view');

// Whatever was open before.
async function open_people(tab) {
  if ((await tab.count(of('panel-people'))) === 0) await tab.click(of('open-people'));
  await tab.shown(of('panel-people'));
}

// Removes the first who comes into `room`, before its page can have connected its media.
async function remove_at_once(server, room) {
  const api = new RoomServiceClient(server.http, KEY, SECRET);
  await until(async () => {
    const [first] = await api.listParticipants(room);
    if (first) await api.removeParticipant(room, first.identity);
    return Boolean(first);
  }, { what: `somebody in ${room}`, every: 2 });
}

export async function host_checks({ suite, browsers, server }, { ada, grace, link }) {
  await suite.check('a host mutes one, and everybody [DEMO-03] [API-06]', async () => {
    const silent = tile_of('Grace', ` ${of('muted')}`);
    await open_people(ada);
    for (const button of [person('Grace', of('mute')), of('mute-all')]) {
      assert.equal(await ada.count(silent), 0);
      await ada.click(button);
      await Promise.all([ada.shown(silent), grace.shown(silent), grace.shown(of('toggle-microphone', '[aria-pressed="false"]'))]);
      await ada.gone(person('Grace', of('mute')));
      await grace.click(of('toggle-microphone'));
      await ada.gone(silent);
    }
    await ada.accessible('people, as a host');
  }, { seconds: 40 });

  await suite.check('a host ends the shared screen of somebody, who may share again [DEMO-03] [API-07]', async () => {
    const screen = tile_of('Grace', '[data-source="screen_share"]');
    await open_people(ada);
    if ((await ada.count(of('toggle-screen', '[aria-pressed="true"]'))) > 0) await ada.click(of('toggle-screen'));
    for (let round = 0; round < 2; ++round) {
      // The right to share is taken for a moment, and the button says so.
      await grace.click(of('toggle-screen', ':not([aria-disabled="true"])'));
      await ada.shown(screen);
      await ada.click(person('Grace', of('stop-share')));
      await Promise.all([ada.gone(screen), grace.gone(screen), grace.shown(of('toggle-screen', '[aria-pressed="false"]'))]);
    }
    await ada.plays(tile_of('Grace'));
  }, { seconds: 60 });

  await suite.check('a host lowers a hand [DEMO-03]', async () => {
    await open_people(ada);
    if ((await grace.count(of('toggle-hand', '[aria-pressed="true"]'))) === 0) await grace.click(of('toggle-hand'));
    await ada.shown(tile_of('Grace', ` ${of('hand')}`));
    await ada.click(person('Grace', of('lower-hand')));
    await ada.gone(tile_of('Grace', ` ${of('hand')}`));
    await grace.shown(of('toggle-hand', '[aria-pressed="false"]'));
  });

  await suite.check('a locked meeting lets nobody knock; an open one does again [DEMO-03]', async () => {
    await open_people(ada);
    await ada.click(of('lock'));
    await Promise.all([ada, grace].map((tab) => tab.shown(of('locked'))));
    const edith = await knock(browsers.third, link, 'Edith');
    await edith.shown(problem('lobbyDenied'));
    await ada.click(of('lock'));
    await Promise.all([ada, grace].map((tab) => tab.gone(of('locked'))));
    await edith.click(of('join'));
    await edith.shown(kWaiting);
    await ada.shown(of('waiting', '[data-participant^="edith-"]'));
    await edith.click(of('leave-lobby'));
    await edith.shown(of('join-view', '[data-phase="idle"]'));
    await ada.gone(of('waiting'));
    edith.calm();
    await edith.close();
  }, { seconds: 60 });

  await suite.check('who is sent away while its page connects is told what a host did [DEMO-03] [API-05]', async () => {
    const lobby = `${new URL(link).searchParams.get('room')}~lobby`;
    const refused = remove_at_once(server, lobby);
    const edith = await knock(browsers.third, link, 'Edith');
    await edith.shown(problem('lobbyDenied'));
    await refused;
    const removed = remove_at_once(server, 'open');
    const olga = await Tab.open(browsers.third, server.http, '?room=open&name=Olga&audio=0&video=0&autojoin=1');
    await olga.shown(problem('removed'));
    await removed;
    for (const tab of [edith, olga]) {
      tab.calm();
      await tab.close();
    }
  }, { seconds: 60 });

  await suite.check('of several who knock one is refused by its row, and all are let in at once [DEMO-03]', async () => {
    await open_people(ada);
    const [edith, olga] = [await knock(browsers.third, link, 'Edith'), await knock(browsers.third, link, 'Olga')];
    const row = (name, button) => of('waiting', `[data-participant^="${name}-"] ${of(button)}`);
    await ada.click(row('edith', 'deny'));
    await edith.shown(problem('lobbyDenied'));
    await edith.click(of('join'));
    await Promise.all([ada.shown(row('edith', 'admit')), ada.shown(row('olga', 'admit'))]);
    await ada.click(of('admit-all'));
    await Promise.all([edith, olga].map((tab) => tab.plays(tile_of('Ada'))));
    for (const tab of [edith, olga]) {
      await tab.click(of('leave'));
      tab.calm();
      await tab.close();
    }
    await ada.gone(tile_of('Edith'));
    await ada.gone(tile_of('Olga'));
  }, { seconds: 60 });

  await suite.check('who is removed is out, and has to knock again [DEMO-03] [API-05] [TOK-14]', async () => {
    await open_people(ada);
    await ada.click(person('Grace', of('remove')));
    await grace.shown(problem('removed'));
    await ada.gone(tile_of('Grace'));
    await grace.click(of('join'));
    await grace.shown(kWaiting);
    await ada.click(of('admit'));
    await grace.plays(tile_of('Ada'));
  }, { seconds: 60 });
}

export async function end_checks({ suite, browsers, server }, { ada, grace, link }) {
  await suite.check('ending for everybody takes two presses and takes all, those who wait too [DEMO-03]', async () => {
    await open_people(ada);
    const edith = await knock(browsers.third, link, 'Edith');
    await ada.shown(of('waiting'));
    await ada.click(of('end-all'));
    await grace.plays(tile_of('Ada'), 5000); // after one press everybody is there still
    assert.deepEqual([await ada.count(tile_of('Grace')), await edith.count(kWaiting)], [1, 1]);
    await ada.click(of('end-all'));
    await Promise.all([grace.shown(problem('removed')), edith.shown(problem('lobbyDenied')), ada.shown(of('join-view', '[data-phase="idle"]'))]);
    for (const tab of [grace, edith]) {
      tab.calm();
      await tab.close();
    }
  }, { seconds: 60 });

  await suite.check('a host comes back as one, by itself and by its link; without it, as a guest [DEMO-03]', async () => {
    await ada.page.reload();
    await ada.shown(of('as-guest'));
    await ada.click(of('join'));
    await ada.shown(of('stage', '[data-layout="grid"]'));
    await ada.page.select(of('layout'), 'sidebar');
    await ada.page.reload();
    await ada.click(of('join'));
    await ada.shown(of('stage', '[data-layout="sidebar"]')); // as it was left
    await ada.click(of('open-invite'));
    const secret = new URL(await ada.page.$eval(of('host-link'), (input) => input.value));
    await ada.click(of('leave'));
    const other = await Tab.open(browsers.third, server.http, `${secret.search}&name=Ada&video=0&audio=0${secret.hash}`);
    await other.click(of('join'));
    await other.shown(of('call-view'));
    assert.equal(await other.page.evaluate(() => location.hash), '');
    await other.click(of('leave'));
    await other.click(of('as-guest'));
    await other.click(of('join'));
    await other.shown(kWaiting);
    other.calm();
    await other.close();
    ada.calm();
    await ada.close();
  }, { seconds: 60 });

  await suite.check('a host link of another server is refused with a remedy [DEMO-03]', async () => {
    const { room_name } = await (await ask_token(server, { room_name: 'x', participant_name: 'x', lobby: true })).json();
    const tab = await Tab.open(browsers.third, server.http, `?room=${room_name}&name=Eve&video=0&audio=0#host=a.b.c`);
    await tab.click(of('join'));
    await tab.shown(problem('hostKeyRefused'));
    await tab.click(of('as-guest'));
    await tab.click(of('join'));
    await tab.shown(kWaiting);
    await until(async () => /nobody sees or hears you/.test(await tab.text(of('status'))), { what: 'the lobby to be explained' });
    await tab.close();
  }, { seconds: 40 });
}
