// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// The lobby: who waits gets nothing from the server and can do nothing, whatever its page does.

import { RoomServiceClient } from 'livekit-server-sdk';

import { KEY, SECRET } from '../lib/server.mjs';
import { SignalClient } from '../lib/signal_client.mjs';
import { assert } from '../lib/suite.mjs';
import { join_token } from '../lib/token.mjs';
import { sleep, until } from '../lib/wait.mjs';
import { of, Tab, tile_of } from './demo_tab.mjs';

const kMeeting = /^standup~[0-9a-f]{16}$/;
const kNoRights = { canSubscribe: false, canPublish: false, canPublishData: false, hidden: true };

export const problem = (key) => of('problem', `[data-problem="${key}"]`);

export const ask_token = (server, body, host_key) => fetch(`${server.http}/api/token`, {
  method: 'POST', body: JSON.stringify({ ...body, host_key }),
});

const rights_of = ({ permission }) =>
  Object.fromEntries(Object.keys(kNoRights).map((right) => [right, Boolean(permission?.[right])]));

// By the server alone, without a page.
export async function token_checks({ suite, server }) {
  const api = new RoomServiceClient(server.http, KEY, SECRET);
  const status = async (...args) => (await ask_token(server, ...args)).status;
  const give = async (...args) => (await ask_token(server, ...args)).json();
  const twirp = (method, token, body) => fetch(`${server.http}/twirp/livekit.RoomService/${method}`, {
    method: 'POST', body: JSON.stringify(body), headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
  });
  let host;
  let room;

  await suite.check('who opens a meeting becomes its host; a name with ~ is for meetings alone [DEMO-02] [DEMO-03]', async () => {
    host = await give({ room_name: 'standup', participant_name: 'Ada', lobby: true });
    room = host.room_name;
    assert.match(room, kMeeting);
    for (const name of [`${room}~lobby`, 'a~b', '~']) {
      assert.equal(await status({ room_name: name, participant_name: 'Eve' }), 400, name);
      assert.equal(await status({ room_name: name, participant_name: 'Eve', lobby: true }), 400, name);
    }
    const other = await give({ room_name: 'standup', participant_name: 'Eve', lobby: true });
    for (const key of [other.host_key, other.participant_token, host.lobby_key, 'nonsense']) {
      assert.match(String(await status({ room_name: room, participant_name: 'Eve' }, key)), /^40[13]$/);
    }
    assert.equal(await status({ room_name: room, participant_name: 'Eve', admit: true }), 403);
  });

  await suite.check('who waits can send nothing, do nothing and let nobody in [DEMO-03] [TOK-04]', async () => {
    const answer = await give({ room_name: room, participant_name: 'Eve', participant_identity: 'eve' });
    assert.equal(answer.waiting, true);
    assert.equal(answer.host_key, undefined);
    const token = answer.participant_token;
    const eve = await SignalClient.join(server, '', 'eve', { token });
    const join = eve.last.join;
    assert.equal(join.room.name, `${room}~lobby`);
    assert.match(join.participant.identity, /^eve-[0-9a-f]{12}$/);
    assert.deepEqual(rights_of(join.participant), kNoRights);
    const second = await SignalClient.join(server, '', 'mallory', { token: (await give({ room_name: room, participant_name: 'Mallory' })).participant_token });
    assert.equal(second.last.join.otherParticipants.length, 0, 'who waits sees nobody else who does');
    await eve.send('addTrack', { cid: 'camera', name: 'camera', type: 1, source: 1 });
    await eve.send('updateMetadata', { requestId: 7, name: 'Ada', metadata: 'm', attributes: {} });
    await eve.wait('requestResponse');
    await sleep(300);
    assert.equal(eve.counts.trackPublished ?? 0, 0);
    const [seen] = await api.listParticipants(`${room}~lobby`);
    assert.equal(seen.tracks.length, 0);
    assert.deepEqual((await api.listParticipants(room)).map(({ identity }) => identity), [], 'nobody is in the meeting');
    const moves = { room: `${room}~lobby`, identity: join.participant.identity };
    for (const [method, body] of [['ListParticipants', moves], ['UpdateParticipant', { ...moves, permission: { can_subscribe: true } }], ['ListParticipants', { room }]]) {
      assert.equal((await twirp(method, token, body)).status, 401, method);
    }
    for (const admit of [false, true]) assert.equal(await status({ room_name: room, participant_name: 'Eve', admit }, token), 403);
    for (const client of [eve, second]) client.destroy();
  });

  await suite.check('a host lets in for its meeting alone, and the guest is no host [DEMO-03]', async () => {
    const guest = await give({ room_name: room, participant_identity: 'grace-1', participant_name: 'Grace', admit: true }, host.host_key);
    assert.equal(guest.waiting, false);
    assert.equal(guest.host_key, undefined);
    const grace = await SignalClient.join(server, '', 'grace', { token: guest.participant_token });
    assert.equal(grace.last.join.room.name, room);
    assert.deepEqual(rights_of(grace.last.join.participant), { canSubscribe: true, canPublish: true, canPublishData: true, hidden: false });
    assert.equal((await twirp('ListParticipants', guest.participant_token, { room })).status, 401);
    assert.equal(await status({ room_name: room, participant_name: 'Eve', admit: true }, guest.participant_token), 403);
    grace.destroy();
  });
}

// What has come to this tab from the server as media, in octets, by every connection it has.
const media_octets = (tab) => tab.page.evaluate(async () => {
  const { pcManager } = window.confabDemo.room.engine;
  let octets = 0;
  for (const transport of [pcManager.publisher, pcManager.subscriber]) {
    const report = await transport?.getStats?.();
    report?.forEach((one) => (octets += one.type === 'inbound-rtp' ? one.bytesReceived : 0));
  }
  return octets;
});

const code_of = (tab) => tab.page.$eval(`${of('invite-qr')} path`, (path) => path.getAttribute('d'));

const room_of = (tab) => tab.page.evaluate(() => {
  const { room } = window.confabDemo;
  return { name: room.name, others: room.remoteParticipants.size, mine: room.localParticipant.trackPublications.size };
});

export async function knock(browser, address, name, { audio = 0, prepare } = {}) {
  const url = new URL(address);
  url.searchParams.set('name', name);
  url.searchParams.set('audio', audio);
  const tab = await Tab.open(browser, url.origin, url.search + url.hash, { prepare });
  await tab.click(of('join'));
  return tab;
}

// Somebody who may send data in the lobby, as a key of the server can let them, says what a host says.
async function forgery_check({ server, browsers, link }, grace) {
  const lobby = `${new URL(link).searchParams.get('room')}~lobby`;
  const token = await join_token(lobby, 'mallory-1', { grant: { canPublishData: true } });
  const mallory = await Tab.open(browsers.third, server.http, `?room=x&name=Mallory&autojoin=1&audio=0&video=0#token=${token}`);
  await mallory.shown(of('call-view'));
  await grace.page.evaluate(() => {
    window.told = [];
    window.confabDemo.room.on('dataReceived', (payload, from, kind, topic) => window.told.push(topic));
  });
  await until(() => grace.page.evaluate(() => window.confabDemo.room.remoteParticipants.has('mallory-1')), { what: 'the guest to know who speaks' });
  const elsewhere = await join_token('elsewhere', 'grace-1');
  await mallory.page.evaluate(async (words) => {
    const { localParticipant } = window.confabDemo.room;
    await localParticipant.publishData(new TextEncoder().encode(words), { reliable: true, topic: 'confab.admit' });
  }, JSON.stringify({ token: elsewhere }));
  await until(() => grace.page.evaluate(() => window.told.includes('confab.admit')), { what: 'the message to come' });
  await sleep(1000);
  assert.equal(await grace.count(of('waiting-view')), 1);
  assert.match((await room_of(grace)).name, /~lobby$/);
  await mallory.close();
}

// Returns the tabs of Ada, the host, and Grace, in one meeting.
export async function admission_checks({ suite, server, browsers }) {
  let ada;
  let grace;
  let link;
  let code;
  const opened = await suite.check('a meeting is opened with the form; the address and the invite give no right away [DEMO-03]', async () => {
    ada = await Tab.open(browsers.host, server.http, '?room=standup&name=Ada&audio=0');
    await ada.click(of('open-meeting'));
    await ada.click(of('join'));
    await ada.shown(of('call-view'));
    assert.equal(await ada.text(of('room-name')), 'standup');
    const address = new URL(await ada.page.evaluate(() => location.href));
    assert.match(address.searchParams.get('room'), kMeeting);
    assert.equal(address.searchParams.get('lobby'), null);
    assert.equal(address.hash, '');
    await ada.click(of('open-invite'));
    link = await ada.page.$eval(of('invite-link'), (input) => input.value);
    const secret = await ada.page.$eval(of('host-link'), (input) => input.value);
    assert.equal(new URL(link).searchParams.get('room'), address.searchParams.get('room'));
    assert.doesNotMatch(link, /host|eyJ/);
    assert.match(secret, /#host=eyJ/);
    await ada.shown(`${of('invite-qr')} path`);
    code = await code_of(ada);
    await ada.accessible('invitation of a host');
    await ada.click(of('close-panel'));
  }, { seconds: 40, needed: true });
  if (!opened) return undefined;

  await suite.check('a guest waits: the server sends it nothing, and nobody sees it but the host [DEMO-03]', async () => {
    grace = await knock(browsers.guest, link, 'Grace', { audio: 1 });
    await grace.shown(of('waiting-view'));
    await ada.shown(of('knock'));
    assert.match(await ada.text(of('knock')), /Grace wants to join/);
    assert.match(await ada.text(of('waiting-count')), /^1/);
    assert.equal(await ada.count(of('tile')), 1);
    await ada.plays(tile_of('Ada'));
    await sleep(1500);
    assert.equal(await media_octets(grace), 0);
    const { name, others, mine } = await room_of(grace);
    assert.match(name, /~lobby$/);
    assert.deepEqual([others, mine], [0, 0]);
    await grace.accessible('lobby');
    await ada.accessible('somebody knocks');
  }, { seconds: 60, needed: true });
  if (!grace) return undefined;

  await suite.check('who waits is let in by a host alone, whatever others in the lobby say [DEMO-03]', () => forgery_check({ server, browsers, link }, grace), { seconds: 60 });

  await suite.check('who is refused is told so, gets nothing, and its token is good for nothing more [DEMO-03] [TOK-14]', async () => {
    const token = await grace.page.evaluate(() => window.confabDemo.room.engine.token);
    await ada.click(of('knock-deny'));
    await grace.shown(problem('lobbyDenied'));
    await grace.accessible('refused');
    await ada.gone(of('knock'));
    const reply = await SignalClient.ask(server, '', 'grace', { token });
    assert.equal(reply.client, undefined);
    assert.equal(reply.status, 401);
  }, { seconds: 40, needed: true });

  await suite.check('who is let in sees and hears, and is seen [DEMO-03] [MC-01]', async () => {
    await grace.click(of('join'));
    await grace.shown(of('waiting-view'));
    await ada.click(of('knock-admit'));
    await Promise.all([grace.plays(tile_of('Ada')), ada.plays(tile_of('Grace'))]);
    assert.equal(await grace.count(of('tile')), 2);
    assert.ok((await media_octets(grace)) > 0);
    assert.match((await room_of(grace)).name, kMeeting);
    await ada.gone(of('knock'));
    await grace.click(of('open-people'));
    assert.equal(await grace.count(of('remove')), 0, 'a guest is offered nothing of a host');
    await grace.click(of('close-panel'));
    await grace.click(of('open-invite'));
    assert.equal(await grace.count(of('host-link')), 0);
    assert.equal(await grace.page.$eval(of('invite-link'), (input) => input.value), link);
    assert.equal(await code_of(grace), code, "the host's code has a guest's link in it");
    await grace.click(of('close-panel'));
  }, { seconds: 60, needed: true });
  return { ada, grace, link };
}
