// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Rights as clients meet them, in both kinds of session: what is refused, and what others are told.

import { RequestResponse_Reason, TrackSource, TrackType } from '@livekit/protocol';
import { RoomEvent } from '@livekit/rtc-node';

import { Peer } from '../lib/rtc_peer.mjs';
import { start_server } from '../lib/server.mjs';
import { SignalClient } from '../lib/signal_client.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { fresh_name, room_client } from './clients.mjs';

export async function rights_checks(suite, server) {
  const rooms = room_client(server);
  await metadata_checks(suite, server);
  await source_checks(suite, server, rooms);
  await hidden_checks(suite, server);
  await recorder_checks(suite, server, rooms);
  await limit_checks(suite);
}

async function metadata_checks(suite, server) {
  await suite.check('own metadata without the grant: refused in words, nobody is told [SIG-14] [TOK-11]', async () => {
    for (const v1 of [false, true]) {
      const room = fresh_name('metadata');
      const settings = (canUpdateOwnMetadata) => ({ v1, grant: { canUpdateOwnMetadata }, options: { metadata: 'before' } });
      const [may, may_not] = [
        await SignalClient.join(server, room, 'may', settings(true)),
        await SignalClient.join(server, room, 'may-not', settings(false)),
      ];
      await may_not.send('updateMetadata', { metadata: 'after', name: 'N', requestId: 7, attributes: { k: 'v' } });
      const refused = await may_not.wait('requestResponse');
      assert.deepEqual([refused.requestId, refused.reason], [7, RequestResponse_Reason.NOT_ALLOWED]);
      await may.send('updateMetadata', { metadata: 'after', requestId: 8, attributes: { k: 'v' } });
      assert.deepEqual([(await may.wait('requestResponse')).requestId, may.last.requestResponse.reason], [8, RequestResponse_Reason.OK]);
      const infos = await room_client(server).listParticipants(room);
      const of = (identity) => infos.find((one) => one.identity === identity);
      assert.deepEqual([of('may').metadata, of('may-not').metadata], ['after', 'before']);
      assert.deepEqual([of('may-not').name, { ...of('may-not').attributes }], ['', {}]);
      await Promise.all([may.leave(), may_not.leave()]);
    }
  });
}

async function source_checks(suite, server, rooms) {
  await suite.check('sources narrowed: the camera ends for all, the microphone goes on [TOK-13] [API-07]', async () => {
    const name = fresh_name('sources');
    const alice = await Peer.join(suite, server, name, 'alice', { number: 1 });
    const bob = await Peer.join(suite, server, name, 'bob', { number: 2 });
    await alice.publish_picture();
    await alice.publish_tone();
    await Promise.all([bob.sees(alice), bob.hears(alice)]);
    const permission = { canPublish: true, canSubscribe: true, canPublishData: true, canPublishSources: [TrackSource.MICROPHONE] };
    await rooms.updateParticipant(name, 'alice', { permission });
    await bob.sees_no_more(alice);
    const left = async () => {
      const { tracks } = await rooms.getParticipant(name, 'alice');
      return tracks.length === 1 && tracks[0].type === TrackType.AUDIO;
    };
    await until(left, { what: 'the camera to be gone' });
    await bob.hears(alice);
    await Promise.all([alice.leave(), bob.leave()]);
  });
}

async function hidden_checks(suite, server) {
  await suite.check('a hidden participant stays unseen by who joins, and by who resumes [SIG-132] [SIG-160]', async () => {
    const room = fresh_name('hidden');
    const ghost = await Peer.join(suite, server, room, 'ghost', { number: 1, grant: { hidden: true } });
    const alice = await Peer.join(suite, server, room, 'alice', { number: 2 });
    const bob = await Peer.join(suite, server, room, 'bob', { number: 3 });
    // A second socket of bob's session, as the SDK opens it to resume.
    const again = await SignalClient.ask(server, room, 'bob', {
      v1: false,
      query: { reconnect: '1', sid: bob.local.sid },
    });
    assert.ok(again.client, `${again.status} ${again.body}`);
    const told = again.client.people;
    await again.client.wait('reconnect');
    await until(() => told.has('alice'), { what: 'bob to be told of alice' });
    assert.deepEqual([...told.keys()].sort(), ['alice', 'bob']);
    assert.deepEqual([...bob.room.remoteParticipants.keys()], ['alice']);
    again.client.destroy();
    await Promise.all([ghost, alice, bob].map((peer) => peer.leave().catch(() => {})));
  });
}

async function recorder_checks(suite, server, rooms) {
  await suite.check('who is there keeps a room: recorders made and unmade by the API [ROOM-05] [SIG-138]', async () => {
    const [left, kept, later] = ['left', 'kept', 'later'].map(fresh_name);
    for (const name of [left, kept, later]) await rooms.createRoom({ name, departureTimeout: 1 });
    const make_recorder = (room, identity, recorder) =>
      rooms.updateParticipant(room, identity, { permission: { canPublish: true, canSubscribe: true, recorder } });
    const ended = (name) =>
      until(async () => (await rooms.listRooms([name])).length === 0, { timeout: 10000, what: `${name} to end` });

    const alice = await Peer.join(suite, server, left, 'alice');
    await make_recorder(left, 'alice', true);
    await alice.leave();
    await ended(left);

    const bob = await Peer.join(suite, server, kept, 'bob');
    const recorder = await Peer.join(suite, server, kept, 'recorder', { number: 2, grant: { recorder: true } });
    await make_recorder(kept, 'recorder', false);
    await bob.leave();
    // A room that is left later than bob left his has ended, and his has not.
    const carol = await Peer.join(suite, server, later, 'carol', { number: 3 });
    await carol.leave();
    await ended(later);
    const [room] = await rooms.listRooms([kept]);
    assert.equal(room?.numParticipants, 1, 'the room of a former recorder');

    await make_recorder(kept, 'recorder', true);
    await recorder.event(RoomEvent.Disconnected);
    await ended(kept);
  }, { seconds: 60 });
}

async function limit_checks(suite) {
  await suite.check('limit.subscription_limit_video: so many and no more, the next when one ends [SIG-114]', async () => {
    const server = await start_server(suite, { limit: { subscription_limit_video: 2 } });
    const room = fresh_name('limited');
    const senders = [];
    for (const number of [1, 2, 3]) {
      const sender = await Peer.join(suite, server, room, `sender-${number}`, { number, auto_subscribe: false });
      senders.push({ sender, picture: await sender.publish_picture() });
    }
    const viewer = await Peer.join(suite, server, room, 'viewer', { number: 4 });
    const shown = () => viewer.pictures.size;
    await until(() => shown() === 2, { what: () => `two pictures, there are ${shown()}` });
    // Subscribed behind what a third picture would have been.
    await senders[0].sender.publish_tone();
    await viewer.hears(senders[0].sender);
    assert.equal(shown(), 2);
    const first = senders.find(({ sender }) => viewer.pictures.has(sender.identity));
    await first.picture.stop();
    await until(() => shown() === 3, { what: 'the third picture in its place' });
    await Promise.all([viewer, ...senders.map(({ sender }) => sender)].map((peer) => peer.leave()));
    await server.stop();
  }, { seconds: 60 });
}
