// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// What an operator does: what is called, what asks first, and what is said when it fails.

import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { of } from './console_tab.mjs';
import { operator_tab } from './signing_in.mjs';

const kRoom = 'room-0002';

async function participant_checks(suite, name, tab, mock) {
  const last = () => mock.calls[mock.calls.length - 1];
  const person = () => mock.rooms.get(kRoom).people[0];
  await suite.check(`${name}: mute, permissions, metadata, data`, async () => {
    await tab.go(`rooms/${kRoom}/${person().identity}`);
    await tab.click(`${of('track', '[data-source="microphone"]')} ${of('act-mute')}`);
    await tab.shown(of('track', '[data-source="microphone"][data-muted="true"]'));
    assert.deepEqual(last(), {
      method: 'RoomService/MutePublishedTrack',
      body: { room: kRoom, identity: person().identity, track_sid: person().tracks[0].sid, muted: true },
    });
    await tab.click(of('act-permission'));
    await tab.click(of('field-can_publish'));
    await tab.click(of('submit'));
    await tab.reads(of('person'), /May\s+subscribe, publish data/);
    await tab.click(of('act-participant-metadata'));
    await tab.fill('field-attributes', 'seat=2\nhand=up');
    await tab.click(of('submit'));
    await tab.reads(of('person'), /hand=up/);
    await tab.click(of('act-participant-metadata'));
    await tab.fill('field-attributes', 'nonsense');
    await tab.click(of('submit'));
    await tab.reads(of('failure'), /“nonsense” is not name=value/);
    await tab.click(of('cancel'));
    await tab.click(`${of('person')} ${of('act-send-data')}`);
    await tab.fill('field-text', 'héllo');
    await tab.click(of('submit'));
    await until(() => last().method === 'RoomService/SendData', { what: 'the call' });
    assert.equal(Buffer.from(last().body.data, 'base64').toString(), 'héllo');
    assert.deepEqual(last().body.destination_identities, [person().identity]);
  }, { seconds: 60 });
}

async function removing_checks(suite, name, tab, mock) {
  const person = () => mock.rooms.get(kRoom).people[0];
  await suite.check(`${name}: removing somebody asks first`, async () => {
    const { identity } = person();
    await tab.go(`rooms/${kRoom}/${identity}`);
    await tab.click(of('act-remove'));
    await tab.shown(of('dialog'));
    assert.equal(await tab.focus(), 'cancel', 'Enter by chance does nothing');
    await tab.page.keyboard.press('Escape');
    await tab.gone(of('dialog'));
    assert.equal(await tab.focus(), 'act-remove', 'the focus is where it was');
    assert.ok(mock.rooms.get(kRoom).people.some((one) => one.identity === identity));
    await tab.click(of('act-remove'));
    await tab.click(of('submit'));
    await tab.shown(of('person-gone'));
    await tab.reads(of('notice'), /was removed/);
  });
}

async function whole_room_checks(suite, name, tab, mock) {
  const last = () => mock.calls[mock.calls.length - 1];
  await suite.check(`${name}: metadata of a room, agents, closing it, and the event of it`, async () => {
    await tab.go(`rooms/${kRoom}`);
    await tab.click(of('act-room-metadata'));
    await tab.fill('field-metadata', 'daily');
    await tab.click(of('submit'));
    await tab.reads('.fold', /Metadata\s+daily/);
    await tab.click(of('act-dispatch'));
    await tab.fill('field-agent_name', 'helper');
    await tab.click(of('submit'));
    await tab.gone(of('dialog'));
    assert.deepEqual(last(), { method: 'AgentDispatchService/CreateDispatch', body: { room: kRoom, agent_name: 'helper', metadata: '' } });
    await tab.click(of('act-close-room'));
    await tab.reads(of('dialog'), new RegExp(`All participants \\(${mock.rooms.get(kRoom).people.length}\\)`));
    await tab.click(of('submit'));
    await tab.shown(of('gone'));
    await tab.go('events');
    await tab.reads(of('events'), /RoomService\/DeleteRoom[^]*testkey/);
  }, { seconds: 40 });

  await suite.check(`${name}: what the server refuses is told in its words, and can be tried again`, async () => {
    await tab.go('rooms/room-0003-not-there');
    await tab.shown(of('gone'));
    await tab.go('rooms/room-0001');
    mock.refusal = { path: 'call/', status: 409, error: 'the room moves to another node: try again in a moment' };
    await tab.click(of('act-close-room'));
    await tab.click(of('submit'));
    await tab.reads(of('failure'), /moves to another node/);
    mock.refusal = undefined;
    mock.away = true;
    await tab.click(of('submit'));
    await tab.reads(of('failure'), /does not answer/);
    mock.away = false;
    await tab.click(of('submit'));
    await tab.shown(of('gone'));
  }, { seconds: 40 });
}

export async function act_checks({ suite, name, browser, mock: start }) {
  const mock = await start();
  const tab = await operator_tab(browser, mock);
  await participant_checks(suite, name, tab, mock);
  await removing_checks(suite, name, tab, mock);
  await whole_room_checks(suite, name, tab, mock);
  await suite.check(`${name}: acting made no error and broke no policy`, () => tab.calm());
  await tab.close();
}
