// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// How the server behaves as a program: limits of the room, its end, what it leaves behind.

import { Peer } from '../lib/rtc_peer.mjs';
import { assert } from '../lib/suite.mjs';
import { join_token } from '../lib/token.mjs';
import { fresh_name, room_client } from './clients.mjs';

async function full_room_checks(suite, server) {
  await suite.check('a full room is refused in words, at the upgrade and at validate [ROOM-06] [CON-22] [CON-33]', async () => {
    const name = fresh_name('full');
    await room_client(server).createRoom({ name, maxParticipants: 1 });
    const alice = await Peer.join(suite, server, name, 'alice');
    const text = 'the room is full (max_participants is 1)';
    const error = await Peer.join(suite, server, name, 'bob').then(() => new Error('joined'), (caught) => caught);
    assert.ok(error.message.includes(text), error.message);
    const validate = async (identity) => {
      const token = await join_token(name, identity);
      const reply = await fetch(`${server.http}/rtc/validate?access_token=${token}`);
      return `${reply.status} ${await reply.text()}`;
    };
    assert.equal(await validate('bob'), `403 ${text}`);
    assert.equal(await validate('alice'), '200 success', 'who is inside may come again');
    await alice.leave();
  });
}

export async function operation_checks(suite, server) {
  await full_room_checks(suite, server);
}
