// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// How a connection comes about: whose is the primary one, early candidates, and answers that never
// come.

import { LeaveRequest_Action, SignalTarget } from '@livekit/protocol';
import { DataPacket_Kind } from 'livekit-server-sdk';
import { RTCPeerConnection } from 'werift';

import { room_client } from '../api/clients.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { Client, fresh_room } from './client.mjs';
import { MediaClient } from './media.mjs';

const without_candidates = (sdp) => sdp.replace(/a=(candidate:.*|end-of-candidates)\r\n/g, '');

async function primary_check(suite, server) {
  await suite.check('who may not subscribe, or is of protocol 2, has no subscriber connection: all goes over its own [SIG-81]', async () => {
    const room = fresh_room('primary');
    const rooms = room_client(server);
    const settings = { mute: { grant: { canSubscribe: false } }, old: { query: { protocol: '2' } } };
    const silent = await Client.join(suite, server, room, 'silent', settings.mute);
    for (const [identity, one] of Object.entries(settings)) {
      const { client, channels, data } = await MediaClient.join(suite, server, room, identity, one);
      assert.equal(client.joined.subscriberPrimary, false, identity);
      const state = async () => (await rooms.getParticipant(room, identity)).state;
      await until(async () => (await state()) === 2);
      await until(() => channels._reliable.readyState === 'open');
      await rooms.sendData(room, Buffer.from('hello'), DataPacket_Kind.RELIABLE, { destinationIdentities: [identity] });
      await until(() => data.some(({ label, bytes }) => label === '_reliable' && bytes.includes('hello')));
      assert.equal(client.all('offer').length, 0, `${identity} got an offer`);
    }
    const other = await Client.join(suite, server, room, 'other');
    assert.equal(other.joined.subscriberPrimary, true);
    await other.told('offer');
    // Without its own connection it stays JOINED.
    assert.equal((await rooms.getParticipant(room, 'silent')).state, 1);
    silent.destroy();
  });
}

// A publisher connection that knows nothing of the server's addresses: the server has to find it.
async function blind(suite, server, room, identity, early) {
  const client = await Client.join(suite, server, room, identity, { v1: true });
  const connection = new RTCPeerConnection({ iceServers: [], iceUseIpv6: false });
  suite.cleanup(() => connection.close());
  const candidates = [];
  connection.onIceCandidate.subscribe((candidate) => candidate && candidates.push(candidate.toJSON()));
  connection.createDataChannel('_reliable');
  await connection.setLocalDescription(await connection.createOffer());
  await until(() => connection.iceGatheringState === 'complete');
  assert.ok(candidates.length > 0);
  for (const one of early ? candidates : []) {
    client.send('trickle', { candidateInit: JSON.stringify(one), target: SignalTarget.PUBLISHER });
  }
  client.send('offer', { type: 'offer', sdp: without_candidates(connection.localDescription.sdp), id: 1 });
  const answer = await client.told('answer');
  await connection.setRemoteDescription({ type: 'answer', sdp: without_candidates(answer.sdp) });
  return { client, connection };
}

async function early_candidates_check(suite, server) {
  await suite.check('candidates that come before the offer are kept for it [SIG-87] [ICE-13]', async () => {
    const room = fresh_room('early');
    const stranger = await blind(suite, server, room, 'stranger', false);
    const early = await blind(suite, server, room, 'early', true);
    await until(() => early.connection.connectionState === 'connected', { what: () => `a connection, is ${early.connection.connectionState}` });
    assert.notEqual(stranger.connection.connectionState, 'connected');
    assert.equal(early.client.all('requestResponse').length, 0);
  });
}

async function no_answer_check(suite, server) {
  await suite.check('15 s without an answer ask for a full reconnect, once it is connected [SIG-86] [SIG-146] [SDP-03]', async () => {
    const room = fresh_room('answers');
    const never = await Client.join(suite, server, room, 'never');
    await never.told('offer');
    const sender = await MediaClient.join(suite, server, room, 'sender');
    const bob = await MediaClient.join(suite, server, room, 'bob');
    bob.silent = true;
    await sender.publish('audio');
    await bob.client.told('offer', (one) => one.sdp.includes('m=audio'));
    const begin = Date.now();
    const { code, leave } = await bob.client.ended({ seconds: 21 });
    const seconds = (Date.now() - begin) / 1000;
    assert.ok(seconds > 14 && seconds < 20, `after ${seconds} s`);
    assert.deepEqual([code, leave.action, leave.reason], [1000, LeaveRequest_Action.RECONNECT, 6]);
    await until(async () => !(await room_client(server).listParticipants(room)).some((one) => one.identity === 'bob'));
    // Its offer is older, and it never had a connection.
    await never.fence();
    assert.equal(never.all('leave').length, 0);
  }, { seconds: 40 });
}

export async function connecting_checks(suite, server) {
  await Promise.all([primary_check(suite, server), early_candidates_check(suite, server), no_answer_check(suite, server)]);
}
