// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Calls of clients at different nodes.

import { RoomEvent } from '@livekit/rtc-node';

import { Peer } from '../lib/rtc_peer.mjs';
import { assert } from '../lib/suite.mjs';

// `on`: what they are on, for the names of the checks.
export async function call_checks(suite, nodes, on = 'one Redis') {
  const [one, two] = nodes.all;
  for (const [label, single] of [['v1', true], ['v0', false]]) {
    await suite.check(`${on}, ${label}: two clients at two nodes see and hear each other, and leave [NODE-10] [NODE-20] [RPC-01]`, async () => {
      const room = `call-${label}`;
      const alice = await Peer.join(suite, one, room, 'alice', { number: 1, single });
      const holder = nodes.holder(room);
      const away = nodes.other(holder);
      const bob = await Peer.join(suite, holder === one ? two : one, room, 'bob', { number: 2, single });
      assert.ok(away);
      await alice.event(RoomEvent.ParticipantConnected, (who) => who.identity === 'bob');
      await Promise.all([alice.publish_tone(), bob.publish_tone(), alice.publish_picture(), bob.publish_picture()]);
      await Promise.all([alice.sees(bob), bob.sees(alice), alice.hears(bob), bob.hears(alice)]);
      await bob.leave();
      await alice.event(RoomEvent.ParticipantDisconnected, (who) => who.identity === 'bob');
      await alice.leave();
    });
  }
}
