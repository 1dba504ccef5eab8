// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// A participant is seen and heard in a second room without being there: fay of rtc-node, and cam of
// livekit-client in Chromium with layers. In the studio, where they are, is stu; in the hall, where
// they are seen, are hank of rtc-node and a page.

import { ParticipantInfo_State } from '@livekit/protocol';
import { RoomEvent } from '@livekit/rtc-node';

import { refused, room_client } from '../api/clients.mjs';
import { start_chromium } from '../lib/browser.mjs';
import { Peer } from '../lib/rtc_peer.mjs';
import { start_server } from '../lib/server.mjs';
import { start_page_server } from '../lib/static_server.mjs';
import { assert, Suite } from '../lib/suite.mjs';
import { join_token } from '../lib/token.mjs';
import { until } from '../lib/wait.mjs';
import { Caller } from './caller.mjs';

const kForwarded = 1; // ParticipantInfo.KindDetail
const kLayers = { size: { width: 640, height: 360, fps: 12 }, bitrate: 400000, layers: [[160, 90, 60000, 12]] };
const [kStudio, kHall] = ['studio', 'hall'];

const suite = new Suite({ limit: 180 });
await suite.run(async () => {
  const [server, address, browser] = await Promise.all([
    start_server(suite, { confab: { control_threads: 1 } }),
    start_page_server(suite),
    start_chromium(suite),
  ]);
  const rooms = room_client(server);
  const listed = async (room) => (await rooms.listParticipants(room)).map((one) => one.identity).sort();
  const gone = (peer, who, since) => peer.event(RoomEvent.ParticipantDisconnected, (one) => one.identity === who, { since });
  let fay;
  let cam;
  let stu;
  let hank;
  let page;
  let picture;
  let tone;

  await suite.check('a forwarded participant is seen and heard in both rooms [API-11] [TOK-07]', async () => {
    fay = await Peer.join(suite, server, kStudio, 'fay', { number: 1 });
    stu = await Peer.join(suite, server, kStudio, 'stu', { number: 2 });
    hank = await Peer.join(suite, server, kHall, 'hank', { number: 3, single: false });
    page = await Caller.open(suite, browser, address, 'page', 4);
    await page.join(server, kHall);
    picture = await fay.publish_picture();
    tone = await fay.publish_tone();
    await stu.sees(fay);
    await rooms.forwardParticipant(kStudio, 'fay', kHall);
    await Promise.all([hank, page, stu].flatMap((one) => [one.sees(fay), one.hears(fay)]));
    const copy = await rooms.getParticipant(kHall, 'fay');
    assert.deepEqual([...copy.kindDetails], [kForwarded]);
    assert.deepEqual(copy.tracks.map((one) => one.sid).sort(), [picture, tone].map((one) => one.publication.sid).sort());
    assert.notEqual(copy.sid, fay.local.sid);
    for (const who of ['fay', 'hank', 'page']) assert.equal(fay.remote(who), undefined, who);
    assert.deepEqual(await listed(kStudio), ['fay', 'stu']);
    // Who hears it is told that it speaks.
    await hank.event(RoomEvent.ActiveSpeakersChanged, (speakers) => speakers.some((one) => one.identity === 'fay'));
    await rooms.forwardParticipant(kStudio, 'fay', kHall); // once more changes nothing
    assert.deepEqual(await listed(kHall), ['fay', 'hank', 'page']);
  }, { needed: true, seconds: 40 });

  await suite.check('what it says to everybody reaches both rooms, the hall does not reach it [API-11] [SIG-120]', async () => {
    const text = new TextEncoder();
    await fay.local.publishData(text.encode('to all'), { reliable: true });
    for (const peer of [stu, hank])
      await until(() => peer.data.find((one) => one.text === 'to all' && one.from === 'fay'), { what: `${peer.identity} to hear it` });
    assert.equal((await page.received('to all')).from, 'fay');
    await hank.local.publishData(text.encode('from the hall'), { reliable: true });
    await page.received('from the hall');
    await fay.local.publishData(text.encode('to hank'), { reliable: true, destination_identities: ['hank'] });
    await fay.local.publishData(text.encode('last'), { reliable: true });
    await until(() => hank.data.find((one) => one.text === 'last'), { what: 'hank to hear the last' });
    assert.deepEqual(hank.data.map((one) => one.text).filter((one) => one !== 'from the hall'), ['to all', 'last']);
    assert.deepEqual(fay.data, []);
  });

  await suite.check('metadata, mutes and tracks follow; it changes in its own room alone [API-11] [API-06] [API-08]', async () => {
    await rooms.updateParticipant(kStudio, 'fay', { metadata: 'on air', attributes: { role: 'host' } });
    await until(() => hank.remote('fay').metadata === 'on air' && hank.remote('fay').attributes.role === 'host', { what: 'the metadata' });
    await refused(rooms.updateParticipant(kHall, 'fay', { metadata: 'no' }), 'failed_precondition', 412, 'in another room');
    const sid = tone.publication.sid;
    await refused(rooms.mutePublishedTrack(kHall, 'fay', sid, true), 'failed_precondition', 412, 'in another room');
    await rooms.mutePublishedTrack(kStudio, 'fay', sid, true);
    await hank.event(RoomEvent.TrackMuted, (publication) => publication.sid === sid);
    await picture.stop();
    await Promise.all([hank, page, stu].map((one) => one.sees_no_more(fay)));
    await hank.event(RoomEvent.TrackUnpublished, (publication) => publication.sid === picture.publication.sid);
    picture = await fay.publish_picture();
    await Promise.all([hank, page, stu].map((one) => one.sees(fay)));
  }, { seconds: 30 });

  await suite.check('layers of a forwarded simulcast picture follow each room, data tracks flow [API-11] [SUB-01] [SIG-126]', async () => {
    cam = await Caller.open(suite, browser, address, 'cam', 5);
    await cam.join(server, kStudio, { dynacast: true });
    await cam.call('publish_picture', kLayers);
    await cam.call('publish_data_track', 'position');
    await rooms.forwardParticipant(kStudio, 'cam', kHall);
    const width = async (one, wanted) => until(
      async () => (await page.person(one))?.picture?.width === wanted,
      { timeout: 20000, every: 100, what: `the page to see ${wanted} pixels` });
    await width(cam, 640);
    await page.call('quality', 'cam', 'low');
    await width(cam, 160);
    await page.call('quality', 'cam', 'high');
    await width(cam, 640);
    await hank.sees(cam);
    await until(() => page.call('knows_data_track', 'cam'), { what: 'the page to know the data track' });
    await page.call('read_data_track', 'cam');
    await until(async () => (await page.evaluate(() => window.caller.frames.cam)) > 3, { what: 'frames of the data track' });
  }, { seconds: 40 });

  await suite.check('it ends by its removal there, with its room, and with the participant [API-11] [API-05]', async () => {
    let since = Date.now();
    await rooms.removeParticipant(kHall, 'fay');
    await gone(hank, 'fay', since);
    assert.deepEqual(await listed(kStudio), ['cam', 'fay', 'stu']);
    await stu.sees(fay);
    await rooms.forwardParticipant(kStudio, 'fay', kHall);
    await hank.sees(fay);
    since = Date.now();
    await fay.leave();
    await gone(hank, 'fay', since);
    await page.event('participantDisconnected', { who: 'fay', since });
    await rooms.deleteRoom(kHall);
    await hank.event(RoomEvent.Disconnected, () => true, { since });
    await stu.sees(cam);
    since = Date.now();
    assert.deepEqual(await listed(kStudio), ['cam', 'stu']);
  }, { seconds: 30 });

  await suite.check('a participant that can not be forwarded is not, and nothing changes [API-11] [API-W4]', async () => {
    const guest = await Peer.join(suite, server, 'other', 'cam', { number: 6 });
    await rooms.createRoom({ name: 'full', maxParticipants: 1 });
    const single = await Peer.join(suite, server, 'full', 'single', { number: 7 });
    const forward = (who, to) => rooms.forwardParticipant(kStudio, who, to);
    await refused(forward('fay', 'new'), 'not_found', 404, 'participant does not exist');
    await refused(rooms.forwardParticipant('nowhere', 'cam', 'new'), 'not_found', 404, 'participant does not exist');
    await refused(forward('cam', kStudio), 'invalid_argument', 400, 'destination room cannot be the same as source room');
    await refused(forward('cam', ''), 'invalid_argument', 400, 'destination room is required');
    await refused(forward('cam', 'other'), 'failed_precondition', 412, 'of that identity is in the destination room');
    await refused(forward('cam', 'full'), 'failed_precondition', 412, 'the room is full');
    await rooms.forwardParticipant(kStudio, 'cam', 'next');
    await refused(rooms.forwardParticipant('next', 'cam', 'more'), 'failed_precondition', 412, 'in another room');
    await refused(rooms.moveParticipant('next', 'cam', 'more'), 'failed_precondition', 412, 'in another room');
    const headers = await rooms.authHeader({ roomAdmin: true, room: kStudio, destinationRoom: 'elsewhere' });
    const reply = await fetch(`${server.http}/twirp/livekit.RoomService/ForwardParticipant`, {
      method: 'POST',
      headers: { ...headers, 'Content-Type': 'application/json' },
      body: JSON.stringify({ room: kStudio, identity: 'cam', destination_room: 'new' }),
    });
    assert.equal(`${reply.status} ${(await reply.json()).code}`, '401 unauthenticated');
    assert.deepEqual((await rooms.listRooms()).map((one) => one.name).sort(), ['full', 'next', 'other', kStudio].sort());
    assert.deepEqual(await listed('other'), ['cam']);
    await stu.sees(cam);
    // Somebody of its name takes its place there.
    const token = await join_token('next', 'cam');
    const late = await Peer.join(suite, server, 'next', 'cam', { number: 8, token });
    assert.deepEqual([...(await rooms.getParticipant('next', 'cam')).kindDetails], []);
    await Promise.all([guest, single, late, stu].map((one) => one.leave()));
  }, { seconds: 30 });

  await suite.check('between control threads it is refused with what to do, within one it is forwarded [API-11]', async () => {
    const threaded = await start_server(suite, { confab: { control_threads: 2 } });
    const service = room_client(threaded);
    const peer = await Peer.join(suite, threaded, 'here', 'mia');
    const is_there = async () => (await service.getParticipant('here', 'mia')).state === ParticipantInfo_State.ACTIVE;
    await until(is_there, { what: 'the server to know that mia is connected' });
    const seen = { refused: 0, forwarded: [] };
    for (let i = 0; i < 8; ++i) {
      const there = `there-${i}`; // their names say on which thread they are
      const error = await service.forwardParticipant('here', 'mia', there).then(() => undefined, (caught) => caught);
      if (error === undefined) {
        seen.forwarded.push(there);
      } else {
        seen.refused += 1;
        await refused(Promise.reject(error), 'failed_precondition', 412, 'confab.control_threads: 1');
      }
    }
    assert.ok(seen.forwarded.length > 0 && seen.refused > 0, JSON.stringify(seen));
    assert.deepEqual((await service.listRooms()).map((one) => one.name).sort(), ['here', ...seen.forwarded]);
    await peer.leave();
  });
});
