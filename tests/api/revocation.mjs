// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// RemoveParticipant with revoke_token_ts: who was removed stays away until it gets a new token.

import { RoomEvent } from '@livekit/rtc-node';

import { Peer } from '../lib/rtc_peer.mjs';
import { SignalClient } from '../lib/signal_client.mjs';
import { assert } from '../lib/suite.mjs';
import { join_token } from '../lib/token.mjs';
import { until } from '../lib/wait.mjs';
import { fresh_name, refused, room_client } from './clients.mjs';

const seconds = () => Math.floor(Date.now() / 1000);

// What livekit-client asks when an upgrade was refused.
async function validate(server, token, query = '') {
  const reply = await fetch(`${server.http}/rtc/validate?access_token=${token}${query}`);
  return `${reply.status} ${await reply.text()}`;
}

const kRevoked = '401 invalid authorization token: token was revoked';

export async function revocation_checks(suite, server) {
  const rooms = room_client(server);
  const name = fresh_name('revoked');
  let token;
  let before;

  await suite.check('RemoveParticipant revokes the tokens that were issued before a time [TOK-14] [API-05]', async () => {
    await rooms.createRoom({ name, departureTimeout: 1 });
    token = await join_token(name, 'alice');
    const alice = await Peer.join(suite, server, name, 'alice', { token });
    before = seconds() + 1;
    await rooms.removeParticipant(name, 'alice', { revokeTokenTs: BigInt(before) });
    await alice.event(RoomEvent.Disconnected);
    const error = await Peer.join(suite, server, name, 'alice', { token }).catch((caught) => caught);
    assert.match(String(error?.message), /401|revoked|[Nn]ot allowed|[Uu]nauthorized/);
    assert.equal(await validate(server, token), kRevoked);
    assert.equal(await validate(server, token, '&reconnect=1&sid=PA_x'), kRevoked);
    assert.deepEqual(await rooms.listParticipants(name), []);
  });

  await suite.check('others, other rooms and tokens that are issued later are not revoked [TOK-14]', async () => {
    const bob = await Peer.join(suite, server, name, 'bob', { number: 2 });
    const elsewhere = await Peer.join(suite, server, fresh_name('elsewhere'), 'alice', { number: 3 });
    await until(() => seconds() >= before);
    const again = await Peer.join(suite, server, name, 'alice', { token: await join_token(name, 'alice') });
    await bob.event(RoomEvent.ParticipantConnected, (who) => who.identity === 'alice');
    for (const peer of [bob, elsewhere, again]) await peer.leave();
  });

  await suite.check('refresh tokens are revoked with the token that they follow, those of publish= connections too [TOK-14] [TOK-12] [CON-38]', async () => {
    const room = fresh_name('revoked');
    const own = await join_token(room, 'ann');
    const first = await SignalClient.join(server, room, 'ann', { token: own });
    const twin = await SignalClient.join(server, room, 'ann', { token: own, v1: false, query: { publish: 'x' } });
    const refresh = (await first.wait('refreshToken')) && first.last.refreshToken;
    const twin_refresh = (await twin.wait('refreshToken')) && twin.last.refreshToken;
    // It comes back as who it is, and nobody else takes its place.
    for (const token of [refresh, twin_refresh]) assert.equal(await validate(server, token), '200 success');
    assert.equal(await validate(server, twin_refresh, '&publish=x'), '200 success');
    const others = await join_token(room, 'ann#y'); // somebody whose name only looks like that
    const revoked_from = seconds() + 1;
    await rooms.removeParticipant(room, 'ann', { revokeTokenTs: BigInt(revoked_from) });
    await first.wait('leave');
    for (const token of [own, refresh, twin_refresh]) {
      assert.equal(await validate(server, token), kRevoked);
      assert.equal(await validate(server, token, '&publish=x'), kRevoked);
    }
    assert.equal(await validate(server, others), '200 success');
    // The connection that publishes is a participant of its own, and is removed as one.
    assert.deepEqual((await rooms.listParticipants(room)).map((one) => one.identity), ['ann#x']);
    await rooms.removeParticipant(room, 'ann#x');
    await twin.wait('leave');
    await until(() => seconds() >= revoked_from);
    const later = await join_token(room, 'ann');
    assert.equal(await validate(server, later, '&publish=x'), '200 success');
    await rooms.removeParticipant(room, 'ann#x', { revokeTokenTs: BigInt(seconds() + 1) }).catch(() => {});
    assert.equal(await validate(server, later), '200 success');
    assert.equal(await validate(server, later, '&publish=x'), kRevoked);
  });

  await suite.check('a revocation outlives its room, and needs nobody to be there [TOK-14]', async () => {
    await until(async () => (await rooms.listRooms([name])).length === 0, { what: 'the end of the room' });
    assert.equal(await validate(server, token), kRevoked);
    const absent = await join_token(name, 'carol');
    assert.equal(await validate(server, absent), '200 success');
    const removal = rooms.removeParticipant(name, 'carol', { revokeTokenTs: BigInt((seconds() + 1) * 1000) });
    await refused(removal, 'not_found', 404, 'participant does not exist');
    assert.equal(await validate(server, absent), kRevoked);
  });
}
