// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Three hundred participants come and go, each in its own way. The call beside them loses no frame,
// and the server has its descriptors and its memory back afterwards.

import { Peer } from '../lib/rtc_peer.mjs';
import { RoomServiceClient } from 'livekit-server-sdk';

import { descriptors, resident } from '../lib/process_stats.mjs';
import { KEY, SECRET, start_server } from '../lib/server.mjs';
import { frame, kClose } from '../lib/raw_websocket.mjs';
import { SignalClient } from '../lib/signal_client.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { half_connected } from './media_ports.mjs';
import { Witness } from './witness.mjs';

const kJoins = 300;
const kAtOnce = 4;
const kReal = 12; // of the joins, with real media
const kReturnBytes = Number(process.env.CONFAB_RETURN_MB ?? 30) * 2 ** 20;
// Who never connects is sent away after 60 s (SIG-148).
const kQuietMillis = 80000;

// Ways to end, for a signalling client.
const kEndings = {
  async leave({ place, identity, v1 }) {
    await (await SignalClient.join(place.server, place.room, identity, { v1 })).leave();
  },
  async close({ place, identity, v1 }) {
    const client = await SignalClient.join(place.server, place.room, identity, { v1 });
    await client.ws.write(frame(kClose, Buffer.from([3, 232])));
    await until(() => !client.open, { every: 5, what: 'the close frame of the server' });
  },
  async reset({ place, identity, v1 }) {
    const client = await SignalClient.join(place.server, place.room, identity, { v1 });
    client.ws.reset();
  },
  async reset_at_once({ place, identity, v1 }) {
    const reply = await SignalClient.ask(place.server, place.room, identity, { v1 });
    reply.client.ws.reset();
  },
  async vanish_before_ice({ place, identity, v1 }) {
    const client = await SignalClient.join(place.server, place.room, identity, { v1 });
    client.ws.stop_reading();
  },
  async vanish_after_ice({ place, identity }) {
    const { client, socket } = await half_connected(place, identity);
    client.ws.stop_reading();
    socket.close();
  },
  async removed({ place, rooms, identity, v1 }) {
    const client = await SignalClient.join(place.server, place.room, identity, { v1 });
    await rooms.removeParticipant(place.room, identity);
    await until(() => !client.open, { every: 5, what: 'removal' });
  },
  async duplicate({ place, identity, v1 }) {
    const first = await SignalClient.join(place.server, place.room, identity, { v1 });
    const second = await SignalClient.join(place.server, place.room, identity, { v1: !v1 });
    await until(() => !first.open, { every: 5, what: 'the end of the first' });
    await second.leave();
  },
  async refused({ place, identity, v1 }) {
    const { status } = await SignalClient.ask(place.server, place.room, identity, { v1, token: 'a.b.c' });
    assert.equal(status, 401);
  },
  async room_deleted({ place, rooms, identity, v1 }) {
    const room = `other-${identity}`;
    const client = await SignalClient.join(place.server, room, identity, { v1 });
    await rooms.deleteRoom(room);
    await until(() => !client.open, { every: 5, what: 'the end of the room' });
  },
};

// With media of its own, and that of the call.
async function real_join(place, index) {
  const peer = await Peer.join(place.suite, place.server, place.room, `real-${index}`, {
    number: 3 + index,
    single: index % 2 === 0,
  });
  await peer.publish_picture();
  await peer.publish_tone();
  await until(() => peer.pictures.size >= 2, { what: 'pictures of the call' });
  await peer.leave();
}

export async function churn_checks(suite) {
  const name = `${kJoins} joins and leaves of every kind beside a call [IMM-15]`;
  if (!suite.selected(name)) return;
  const server = await start_server(suite);
  const place = { suite, server, room: 'churn' };
  const rooms = new RoomServiceClient(server.http, KEY, SECRET);
  await suite.check(
    name,
    async () => {
      place.witness = await Witness.start(suite, server, place.room);
      await place.witness.mark();
      const before = {
        frames: await place.witness.frames(),
        fds: descriptors(server.pid),
        memory: resident(server.pid),
        at: Date.now(),
      };

      const ways = Object.entries(kEndings);
      let next = 0;
      let reals = 0;
      const worker = async () => {
        for (let index = next++; index < kJoins; index = next++) {
          if (index % Math.floor(kJoins / kReal) === 5) {
            await real_join(place, (reals += 1));
            continue;
          }
          const [, action] = ways[index % ways.length];
          await action({ place, rooms, identity: `guest-${index}`, v1: index % 3 !== 0 });
        }
      };
      await Promise.all(Array.from({ length: kAtOnce }, worker));
      const took = Date.now() - before.at;
      await place.witness.fine();
      const frames = await place.witness.lost_none(before.frames);
      console.log(`   ${kJoins} in ${took} ms, ${reals} with media; ${frames} frames arrived, none lost`);
      console.log(`   ${ways.map(([way]) => way).join(' ')}`);

      const left = () => descriptors(server.pid) - before.fds;
      await until(() => left() <= 0, {
        timeout: kQuietMillis,
        every: 500,
        what: () => `descriptors to be returned, ${left()} are not`,
      });
      const alone = async () => (await rooms.listParticipants(place.room)).length === 2;
      await until(alone, { timeout: 10000, every: 200, what: 'all guests to be gone' });
      const growth = resident(server.pid) - before.memory;
      const seconds = Math.round((Date.now() - before.at) / 1000);
      console.log(`   after ${seconds} s descriptors are back, memory is ${(growth / 2 ** 20).toFixed(1)} MB off`);
      assert.ok(Math.abs(growth) <= kReturnBytes, `memory differs by ${(growth / 2 ** 20).toFixed(1)} MB`);
      await place.witness.fine();
      await place.witness.lost_none(before.frames);
    },
    { seconds: 200 },
  );
  await place.witness?.stop();
  server.forget();
  await server.stop();
}
