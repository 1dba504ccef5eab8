// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// The join response: first message of a new session, and what stands in it.

import { assert } from '../lib/suite.mjs';
import { Client, fresh_room, refusal } from './client.mjs';

const kModes = [['v0', false], ['v1', true]];

export async function joining_checks(suite, server) {
  await suite.check('join is the first message and the only one of its kind [SIG-30] [SIG-104]', async () => {
    for (const [mode, v1] of kModes) {
      const room = fresh_room('join');
      const hidden = await Client.join(suite, server, room, 'hidden', { grant: { hidden: true } });
      const bob = await Client.join(suite, server, room, 'bob');
      const alice = await Client.join(suite, server, room, 'alice', { v1, options: { name: 'Alice', metadata: 'm' } });
      const { joined } = alice;
      assert.equal(alice.log[0].kind, 'join', mode);
      const { identity, name, metadata, state, permission } = joined.participant;
      assert.deepEqual({ identity, name, metadata, state }, { identity: 'alice', name: 'Alice', metadata: 'm', state: 0 });
      assert.deepEqual([permission.canPublish, permission.canSubscribe, permission.hidden], [true, true, false]);
      assert.deepEqual(joined.otherParticipants.map((one) => one.sid), [bob.sid]);
      assert.deepEqual([joined.room.name, joined.room.emptyTimeout, joined.room.departureTimeout], [room, 300, 20]);
      assert.equal(joined.room.sid, hidden.joined.room.sid);
      assert.deepEqual([joined.subscriberPrimary, joined.fastPublish], [!v1, true]);
      assert.deepEqual([joined.pingTimeout, joined.pingInterval], [15, 5]);
      assert.deepEqual([joined.serverInfo.protocol, joined.serverInfo.agentProtocol], [17, 1]);
      assert.equal(joined.serverVersion, joined.serverInfo.version);
      assert.ok(joined.iceServers.every((one) => one.urls.length > 0) && joined.iceServers.length > 0);
      assert.ok(joined.sifTrailer.length > 0);
      const mimes = joined.enabledPublishCodecs.map((one) => one.mime);
      assert.deepEqual(mimes.slice(0, 2), ['video/VP8', 'video/H264']);
      assert.ok(!mimes.includes('video/rtx') && mimes.includes('audio/opus'));
      await alice.fence();
      assert.equal(alice.all('join').length, 1);
      for (const one of [alice, bob, hidden]) one.destroy();
    }
  });

  await suite.check('who may not publish is told so; who may not join gets no socket [SIG-30] [CON-31]', async () => {
    const room = fresh_room('join');
    const listener = await Client.join(suite, server, room, 'listener', { grant: { canPublish: false } });
    assert.equal(listener.joined.fastPublish, false);
    assert.equal(listener.joined.participant.permission.canPublish, false);
    const { status } = await refusal(server, room, 'nobody', { grant: { roomJoin: false } });
    assert.equal(status, 401);
    await listener.fence();
    assert.equal(listener.updates_of('nobody').length, 0);
  });
}
