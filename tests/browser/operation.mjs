// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// What livekit-client does when the server has no place or is stopped.

import { RoomServiceClient } from 'livekit-server-sdk';

import { KEY, SECRET, start_server } from '../lib/server.mjs';
import { assert } from '../lib/suite.mjs';
import { join_token } from '../lib/token.mjs';
import { Cable } from './cable.mjs';
import { Caller, meet } from './caller.mjs';

const kReconnectMillis = 20000;

async function full_room_checks({ suite, server, address, browser }) {
  await suite.check('a full room is refused in words the application gets, v1 and v0 [ROOM-06] [CON-33] [CON-22]', async () => {
    const rooms = new RoomServiceClient(server.http, KEY, SECRET);
    await rooms.createRoom({ name: 'full', maxParticipants: 1 });
    const inside = await Caller.open(suite, browser, address, 'inside', 10);
    const outside = await Caller.open(suite, browser, address, 'outside', 11);
    await inside.join(server, 'full');
    for (const v0 of [false, true]) {
      const joined = await outside.join(server, 'full', { v0, may_fail: true });
      assert.equal(`${joined.reason} ${joined.status}`, 'NotAllowed 403', JSON.stringify(joined));
      assert.match(joined.error, /: the room is full \(max_participants is 1\)$/);
    }
    await Promise.all([inside.close(), outside.close()]);
  }, { seconds: 40 });
}

async function restart_checks({ suite, address, browser }) {
  for (const v0 of [false, true]) {
    await suite.check(`${v0 ? 'v0' : 'v1'}: clients of a server that is stopped come back to the next [SIG-143] [CON-11]`, async () => {
      let server = await start_server(suite);
      const cable = await Cable.lay(suite, server.ports.http);
      const place = { ws: cable.http.replace('http', 'ws') };
      const alice = await Caller.open(suite, browser, address, 'alice', 12);
      const bob = await Caller.open(suite, browser, address, 'bob', 13);
      const token = (identity) => join_token('restarted', identity);
      await alice.join(place, 'restarted', { v0, token: await token('alice') });
      await bob.join(place, 'restarted', { v0, token: await token('bob') });
      await Promise.all([alice, bob].flatMap((one) => [one.call('publish_picture'), one.call('publish_tone')]));
      await meet(alice, bob);
      const since = Date.now();
      await server.stop();
      await alice.event('reconnecting', { since });
      server = await start_server(suite);
      cable.mend(server.ports.http);
      await Promise.all([alice, bob].map((one) => one.event('reconnected', { since, timeout: kReconnectMillis })));
      await Promise.all([alice.settled(), bob.settled()]);
      const carol = await Caller.open(suite, browser, address, 'carol', 14);
      await carol.join(server, 'restarted', { v0 });
      await Promise.all([carol.call('publish_picture'), carol.call('publish_tone')]);
      await Promise.all([meet(alice, carol), meet(bob, carol)]);
      const events = await alice.evaluate(() => window.caller.events.map((one) => one.name));
      assert.ok(!events.includes('disconnected'), events.join());
      await Promise.all([alice, bob, carol].map((one) => one.close()));
      await server.stop();
    }, { seconds: 90 });
  }
}

export async function operation_checks(place) {
  await full_room_checks(place);
  await restart_checks(place);
}
