// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Rights as clients meet them, in both kinds of session: what is refused, and what others are told.

import { RequestResponse_Reason, TrackSource, TrackType } from '@livekit/protocol';

import { Peer } from '../lib/rtc_peer.mjs';
import { SignalClient } from '../lib/signal_client.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { fresh_name, room_client } from './clients.mjs';

export async function rights_checks(suite, server) {
  const rooms = room_client(server);
  await metadata_checks(suite, server);
  await source_checks(suite, server, rooms);
  await hidden_checks(suite, server);
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
