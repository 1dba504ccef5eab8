// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// A call over two nodes: Alice where the room is, Bob by the other node, each heard by the other.

import { room_client } from '../api/clients.mjs';
import { Peer } from '../lib/rtc_peer.mjs';

export async function call_across(suite, nodes, room) {
  const [holder, away] = nodes.all;
  await room_client(holder).createRoom({ name: room, nodeId: holder.node });
  const alice = await Peer.join(suite, holder, room, 'alice', { number: 1 });
  const bob = await Peer.join(suite, away, room, 'bob', { number: 2 });
  await Promise.all([alice.publish_tone(), bob.publish_tone()]);
  await Promise.all([alice.hears(bob), bob.hears(alice)]);
  return { alice, bob, holder, away };
}
