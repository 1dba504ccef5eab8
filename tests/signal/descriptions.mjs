// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Offers and answers: who sends which in which mode, their ids, and what is wrong.

import { LeaveRequest_Action } from '@livekit/protocol';

import { room_client } from '../api/clients.mjs';
import { make_offer } from '../lib/sdp.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { Client, fresh_room } from './client.mjs';
import { MediaClient } from './media.mjs';

const kModes = [['v0', false], ['v1', true]];
const kJoined = 1;
const kActive = 2;

const state_of = async (server, room, identity) => (await room_client(server).getParticipant(room, identity)).state;

async function answer_checks(suite, server) {
  await suite.check('each offer is answered with its own id, whatever that is [SIG-01] [SIG-31] [SIG-85]', async () => {
    for (const [mode, v1] of kModes) {
      const alice = await Client.join(suite, server, fresh_room('sdp'), 'alice', { v1 });
      const sdp = make_offer([]);
      for (const id of [7, 0, 7, 70000]) {
        const from = alice.log.length;
        alice.send('offer', { type: 'offer', sdp, id });
        const answer = await alice.told('answer', () => true, { from });
        assert.equal(answer.id, id, mode);
        assert.equal(answer.type, 'answer');
        assert.match(answer.sdp, /^m=application 9 UDP\/DTLS\/SCTP webrtc-datachannel\r$/m);
      }
      await alice.fence();
      assert.equal(alice.all('answer').length, 4);
      assert.equal(alice.all('offer').length, v1 ? 0 : 1, 'offers of the server');
      alice.destroy();
    }
  });

  await suite.check('an offer that is no SDP gets no answer, and ends nothing [SIG-01] [SIG-86]', async () => {
    for (const [, v1] of kModes) {
      const alice = await Client.join(suite, server, fresh_room('sdp'), 'alice', { v1 });
      alice.send('offer', { type: 'offer', sdp: 'no SDP', id: 1 });
      await alice.fence();
      assert.equal(alice.all('answer').length, 0);
      alice.send('offer', { type: 'offer', sdp: make_offer([]), id: 2 });
      assert.equal((await alice.told('answer')).id, 2);
      alice.destroy();
    }
  });

  await suite.check('the subscriber offer starts between 1 and 256, counts up, also over a resume [SIG-85] [SIG-31]', async () => {
    const room = fresh_room('sdp');
    const sender = await MediaClient.join(suite, server, room, 'sender');
    const others = await Promise.all(Array.from({ length: 8 }, (_, index) => Client.join(suite, server, room, `other-${index}`)));
    const firsts = await Promise.all(others.map(async (one) => (await one.told('offer')).id));
    for (const id of firsts) assert.ok(id >= 1 && id <= 256, `${id}`);
    assert.ok(new Set(firsts).size > 1, `all begin with ${firsts[0]}`);
    for (const one of others) one.destroy();
    const bob = await MediaClient.join(suite, server, room, 'bob');
    await sender.publish('audio');
    await bob.client.told('offer', (one) => one.sdp.includes('m=audio'));
    const ids = bob.client.all('offer').map((one) => one.id);
    const again = await bob.client.resume(server, room);
    suite.cleanup(() => again.destroy());
    ids.push((await again.told('offer')).id);
    assert.deepEqual(ids, ids.map((_, index) => ids[0] + index));
    assert.ok(ids.length > 2);
  });

  await suite.check('the answer of a subscriber makes it active, not before; in single mode it is dropped [SIG-02] [SIG-137]', async () => {
    const room = fresh_room('sdp');
    const peer = await MediaClient.join(suite, server, room, 'alice', { silent: true });
    const offer = await peer.client.told('offer');
    await peer.client.fence();
    assert.equal(await state_of(server, room, 'alice'), kJoined);
    await peer.answer(offer);
    await peer.active();
    await until(async () => (await state_of(server, room, 'alice')) === kActive);
    const single = await Client.join(suite, server, room, 'bob', { v1: true });
    single.send('answer', { type: 'answer', sdp: 'v=0', id: 1 });
    await single.fence();
    assert.ok(single.open);
    assert.equal(await state_of(server, room, 'bob'), kJoined);
  });
}

async function error_checks(suite, server) {
  // A client of this protocol version, sent away for what `break_it` sends.
  const sent_away = async (protocol, break_it) => {
    const room = fresh_room('sdp');
    const alice = await Client.join(suite, server, room, 'alice', { query: { protocol } });
    await break_it(alice);
    const { code, leave } = await alice.ended();
    assert.equal(code, 1000);
    assert.equal(leave.reason, 6);
    await until(async () => (await room_client(server).listParticipants(room)).length === 0);
    return { action: leave.action, canReconnect: leave.canReconnect };
  };

  await suite.check('an answer that does not fit asks for a full reconnect at once [SIG-86] [SIG-146]', async () => {
    const bad_answer = async (alice) => {
      const { id } = await alice.told('offer');
      alice.send('answer', { type: 'answer', sdp: 'v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n', id });
    };
    assert.deepEqual(await sent_away('16', bad_answer), { action: LeaveRequest_Action.RECONNECT, canReconnect: false });
    assert.deepEqual(await sent_away('12', bad_answer), { action: LeaveRequest_Action.DISCONNECT, canReconnect: true });
  });
}

export async function description_checks(suite, server) {
  await Promise.all([answer_checks(suite, server), error_checks(suite, server)]);
}
