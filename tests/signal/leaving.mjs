// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// How sessions end from the server's side: the reason, the action, the close behind it.

import { LeaveRequest_Action } from '@livekit/protocol';

import { room_client } from '../api/clients.mjs';
import { assert } from '../lib/suite.mjs';
import { sleep, until } from '../lib/wait.mjs';
import { Client, fresh_room } from './client.mjs';
import { MediaClient } from './media.mjs';

const { DISCONNECT, RECONNECT } = LeaveRequest_Action;
const kReason = { STATE_MISMATCH: 6, SIGNAL_CLOSE: 9, ROOM_CLOSED: 10 };
const kModes = [['v0', false], ['v1', true]];

async function room_check(suite, server) {
  await suite.check('a room that closes by its timeout sends those in it away [SIG-144] [SIG-152]', async () => {
    const room = fresh_room('leave');
    await room_client(server).createRoom({ name: room, emptyTimeout: 2, departureTimeout: 2 });
    const agent = await Client.join(suite, server, room, 'agent', { kind: 'agent' });
    const { code, leave } = await agent.ended();
    assert.deepEqual([code, agent.signal.ws.reason, leave.action, leave.reason], [1000, '', DISCONNECT, kReason.ROOM_CLOSED]);
    assert.deepEqual(await room_client(server).listRooms([room]), []);
    assert.equal(leave.regions, undefined);
  });
}

async function resume_checks(suite, server) {
  await suite.check('a resume of nobody: upgraded, then a leave to reconnect, and closed [SIG-147] [SIG-151] [SIG-152]', async () => {
    for (const [mode, v1] of kModes) {
      const room = fresh_room('leave');
      const bob = await Client.join(suite, server, room, 'bob');
      const stranger = new Client('stranger');
      stranger.joined = { participant: { sid: 'PA_nonesuch1234' } };
      const nobody = await stranger.resume(server, room, { v1 });
      const { code, leave } = await nobody.ended();
      assert.deepEqual(nobody.log.map((one) => one.kind), ['leave'], mode);
      assert.deepEqual([code, nobody.signal.ws.reason], [1000, '']);
      assert.deepEqual([leave.action, leave.reason], [RECONNECT, kReason.STATE_MISMATCH]);
      assert.deepEqual(leave.regions?.regions ?? [], []);
      const closed = await Client.join(suite, server, room, 'closed', { v1 });
      closed.send('leave', { reason: 1 });
      await closed.ended();
      const again = await closed.resume(server, room, { v1 });
      assert.equal((await again.ended()).leave.action, RECONNECT);
      assert.ok(bob.open);
      bob.destroy();
    }
  });

  await suite.check('a socket that a resume replaces is closed without leave [SIG-152] [SIG-160]', async () => {
    for (const [mode, v1] of kModes) {
      const room = fresh_room('leave');
      const alice = await Client.join(suite, server, room, 'alice', { v1 });
      const again = await alice.resume(server, room, { v1 });
      const { code, leave } = await alice.ended();
      assert.deepEqual([code, leave], [1000, undefined], mode);
      assert.equal((await again.told_of('alice')).sid, alice.sid);
      again.destroy();
    }
  });

  await suite.check('up to protocol 12 a leave says can_reconnect in place of an action [SIG-152] [SIG-65]', async () => {
    const nobody = new Client('nobody');
    nobody.joined = { participant: { sid: 'PA_nonesuch1234' } };
    const said = async (protocol) => {
      const query = { protocol, reconnect: '1', sid: 'PA_nonesuch1234' };
      const { leave } = await (await nobody.resume(server, fresh_room('leave'), { query })).ended();
      return [leave.canReconnect, leave.action];
    };
    assert.deepEqual(await said('12'), [true, DISCONNECT]);
    assert.deepEqual(await said('13'), [false, RECONNECT]);
  });
}

async function socket_checks(suite, server) {
  await suite.check('a socket that breaks ends who never connected, and nobody who did [SIG-149]', async () => {
    const room = fresh_room('leave');
    const rooms = room_client(server);
    const bob = await MediaClient.join(suite, server, room, 'bob');
    const alice = await MediaClient.join(suite, server, room, 'alice');
    await alice.publish('audio');
    await until(() => bob.packets.get('audio')?.count > 5);
    const early = await Client.join(suite, server, room, 'early');
    early.destroy();
    alice.client.destroy();
    await until(async () => !(await rooms.listParticipants(room)).some((one) => one.identity === 'early'), { timeout: 3000 });
    const gone = await bob.client.told_of('early', (one) => one.state === 3);
    assert.equal(gone.disconnectReason, kReason.SIGNAL_CLOSE);
    const { count } = bob.packets.get('audio');
    await until(() => bob.packets.get('audio').count > count + 50);
    assert.equal((await rooms.getParticipant(room, 'alice')).state, 2);
    assert.equal(bob.client.updates_of('alice').filter((one) => one.state === 3).length, 0);
  });
}

// The subscriber's connection, which makes it active, never comes up; the publisher's does.
async function half_connected_check(suite, server) {
  await suite.check('a socket that breaks while only the publisher connection is up leaves a session to resume [SIG-149] [SIG-160]', async () => {
    const room = fresh_room('leave');
    const alice = await MediaClient.join(suite, server, room, 'alice', { silent: true });
    await alice.publish('audio');
    assert.equal((await room_client(server).getParticipant(room, 'alice')).state, 1);
    alice.client.destroy();
    await sleep(500);
    assert.equal((await room_client(server).getParticipant(room, 'alice')).sid, alice.sid);
    const again = await alice.client.resume(server, room);
    suite.cleanup(() => again.destroy());
    await again.told('reconnect');
    assert.equal((await again.told_of('alice')).sid, alice.sid);
  });
}

export async function leaving_checks(suite, server) {
  const groups = [room_check, resume_checks, socket_checks, half_connected_check];
  await Promise.all(groups.map((group) => group(suite, server)));
}
