// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Frame metadata of livekit-client: its worker writes time and number behind each encoded frame, and
// takes them off at who asked for them. Who did not gets frames without.

import { RoomServiceClient } from 'livekit-server-sdk';

import { KEY, SECRET } from '../lib/server.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { Caller } from './caller.mjs';

const kFrames = 10;
const kLayers = { size: { width: 640, height: 360, fps: 12 }, bitrate: 400000, layers: [[160, 90, 60000, 12]] };
const kFeatures = [0, 1]; // PacketTrailerFeature: time, number

// With one peer connection: with two the client does not say that it knows trailers.
export async function frame_metadata_checks({ suite, server, address, browser }) {
  const room = 'metadata';
  const join = async (identity, number, metadata) => {
    const caller = await Caller.open(suite, browser, address, identity, number);
    await caller.join(server, room, { metadata });
    return caller;
  };

  await suite.check('what a publisher writes behind its frames comes to who reads it, others see the picture [IN-42] [SIG-66] [MC-17]', async () => {
    const [alice, bob, carol] = [await join('alice', 1, true), await join('bob', 2, true), await join('carol', 3, false)];
    for (const [codec, layers] of [['vp8', kLayers], ['h264', {}]]) {
      await alice.call('publish_picture', { codec, metadata: true, ...layers });
      await Promise.all([bob.sees(alice), carol.sees(alice)]);
      const read = async () => (await bob.person(alice))?.metadata;
      const first = await until(read, { what: `metadata of ${codec}` });
      const last = await until(async () => {
        const now = await read();
        return now.count >= first.count + kFrames && now;
      }, { what: `metadata of ${kFrames} frames of ${codec}` });
      assert.ok(last.frame > first.frame, `frame ${last.frame} behind ${first.frame}`);
      // The same machine, so the same clock.
      const age = Date.now() - last.at;
      assert.ok(age > -100 && age < 5000, `a frame of ${age} ms ago`);
      assert.equal((await carol.person(alice)).metadata, undefined);
      const { tracks } = await new RoomServiceClient(server.http, KEY, SECRET).getParticipant(room, 'alice');
      assert.deepEqual([...tracks[0].packetTrailerFeatures], kFeatures);
      await alice.call('unpublish', 'picture');
      await Promise.all([bob, carol].map((one) => one.sees_no_more(alice)));
    }
    await Promise.all([alice, bob, carol].map((caller) => caller.close()));
  }, { seconds: 60 });
}
