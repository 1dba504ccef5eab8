// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Alice, who has media, and Bob, who only hears the socket.

import { Client, fresh_room } from './client.mjs';
import { MediaClient } from './media.mjs';

export const track_of = (info, sid) => info.tracks.find((one) => one.sid === sid);

// A publisher with media and somebody who only hears the socket.
export async function pair(suite, server, v1 = false) {
  const room = fresh_room('publish');
  const bob = await Client.join(suite, server, room, 'bob', { v1 });
  const alice = await MediaClient.join(suite, server, room, 'alice', { v1 });
  return { room, alice, bob };
}

// Waits until bob is told of a track of alice that satisfies `match`; gives its TrackInfo.
export const told_of_track = async (bob, sid, match = () => true, options) =>
  track_of(await bob.told_of('alice', (info) => track_of(info, sid) && match(track_of(info, sid)), options), sid);
