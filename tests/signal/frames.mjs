// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Frames of the socket: text and binary, pings, and how it ends.

import { LeaveRequest_Action, SignalRequest } from '@livekit/protocol';

import { kBinary, kText } from '../lib/raw_websocket.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { room_client } from '../api/clients.mjs';
import { Client, fresh_room } from './client.mjs';

const bytes_of = (kind, value) => Buffer.from(new SignalRequest({ message: { case: kind, value } }).toBinary());
const modes = [['v0', false], ['v1', true]];

async function text_check(suite, server) {
  await suite.check('the reply comes in the encoding of the last request, text as JSON [CON-42]', async () => {
    const alice = await Client.join(suite, server, fresh_room('frames'), 'alice');
    const { texts, ws } = alice.signal;
    await alice.fence();
    assert.deepEqual(texts, [], 'text to somebody who spoke binary');
    const from = alice.log.length;
    const say = async (text) => {
      const before = texts.length;
      ws.send(kText, text);
      await until(() => texts.length > before, { every: 5 });
      return JSON.parse(texts.at(-1));
    };
    // Everything not there is left out, what is unknown ignored.
    const { pongResp } = await say('{"pingReq":{"timestamp":"12","rtt":"1"},"unheardOf":1}');
    assert.deepEqual(Object.keys(pongResp).sort(), ['lastPingTimestamp', 'timestamp']);
    assert.equal(pongResp.lastPingTimestamp, '12');
    assert.equal((await say('{"ping_req":{"timestamp":"13","rtt":"1"}}')).pongResp.lastPingTimestamp, '13');
    ws.send(kText, JSON.stringify({ updateMetadata: { metadata: 'text', requestId: 5 } }));
    const parsed = () => texts.map((text) => JSON.parse(text));
    await until(() => parsed().some((one) => one.requestResponse?.requestId === 5), { every: 5 });
    const update = parsed().find((one) => one.update).update.participants[0];
    assert.equal(update.metadata, 'text');
    assert.ok(!('name' in update) && !('isPublisher' in update), 'an empty field is said');
    const count = texts.length;
    await alice.fence();
    assert.equal(texts.length, count, 'text after a binary request');
    assert.ok(alice.all('pongResp', () => true, from).length === 2);
  });
}

async function ping_checks(suite, server) {
  await suite.check('ping is answered with the time, ping_req with what it said, before there is media [CON-43] [SIG-13] [SIG-45]', async () => {
    for (const [mode, v1] of modes) {
      const alice = await Client.join(suite, server, fresh_room('frames'), 'alice', { v1 });
      assert.deepEqual([alice.joined.pingInterval, alice.joined.pingTimeout], [5, 15], mode);
      const now = Date.now();
      alice.send('ping', BigInt(now));
      const pong = await alice.told('pong');
      assert.ok(Math.abs(Number(pong) - now) < 2000, `${pong} is not now`);
      assert.equal(alice.all('pongResp').length, 0);
      alice.send('pingReq', { timestamp: 77n, rtt: 3n });
      const { lastPingTimestamp, timestamp } = await alice.told('pongResp');
      assert.equal(lastPingTimestamp, 77n);
      assert.ok(Math.abs(Number(timestamp) - now) < 2000, `${timestamp} is not now`);
      assert.equal(alice.all('pong').length, 1);
      alice.destroy();
    }
  });

  await suite.check('a socket gets a ping frame every 10 s and stays open without a word of its own [CON-43]', async () => {
    const alice = await Client.join(suite, server, fresh_room('frames'), 'alice');
    const begin = Date.now();
    await until(() => alice.signal.pings === 1, { timeout: 14000 });
    const seconds = (Date.now() - begin) / 1000;
    assert.ok(seconds > 8.5 && seconds < 12, `after ${seconds} s`);
    assert.ok(alice.open);
    await alice.fence();
  }, { seconds: 20 });
}

async function end_checks(suite, server) {
  await suite.check('leave is answered with the same reason, then close 1000 without one [SIG-08] [SIG-35] [CON-44] [SIG-152]', async () => {
    const leave_with = async ([reason, counted]) => {
      const room = fresh_room('frames');
      const watcher = await Client.join(suite, server, room, 'watcher');
      const alice = await Client.join(suite, server, room, 'alice');
      alice.send('leave', { reason });
      const { code, leave } = await alice.ended();
      assert.equal(code, 1000);
      assert.equal(alice.signal.ws.reason, '');
      assert.deepEqual([leave.action, leave.reason], [LeaveRequest_Action.DISCONNECT, counted]);
      const gone = await watcher.told_of('alice', (one) => one.state === 3);
      assert.equal(gone.disconnectReason, counted);
      await assert.rejects(room_client(server).getParticipant(room, 'alice'));
      watcher.destroy();
    };
    // The last one is no reason for a client to leave.
    await Promise.all([[1, 1], [11, 11], [12, 12], [16, 16], [4, 1]].map(leave_with));
  });

  await suite.check('in text mode the leave is text, and close 1000 follows [SIG-152]', async () => {
    const alice = await Client.join(suite, server, fresh_room('frames'), 'alice');
    alice.signal.ws.send(kText, '{"leave":{"reason":"CLIENT_INITIATED"}}');
    const { code } = await alice.ended();
    assert.equal(code, 1000);
    assert.deepEqual(JSON.parse(alice.signal.texts.at(-1)), { leave: { reason: 'CLIENT_INITIATED' } });
  });

  await suite.check('a bad frame ends the socket behind what was asked before it [CON-45] [CON-42] [SIG-149]', async () => {
    for (const [opcode, bad] of [[kBinary, '\xff\xff'], [kText, 'no JSON'], [kText, '']]) {
      const room = fresh_room('frames');
      const alice = await Client.join(suite, server, room, 'alice');
      const good = Array.from({ length: 20 }, (_, index) => bytes_of('updateMetadata', { name: `n${index}`, requestId: index + 1 }));
      for (const one of good) alice.signal.ws.send(kBinary, one);
      alice.signal.ws.send(opcode, Buffer.from(bad, 'latin1'));
      const { code, leave } = await alice.ended();
      assert.equal(code, 1000, bad);
      assert.equal(leave, undefined);
      const answered = alice.all('requestResponse').map((one) => one.requestId);
      assert.deepEqual(answered, good.map((_, index) => index + 1));
      await until(async () => (await room_client(server).listParticipants(room)).length === 0);
    }
    const alice = await Client.join(suite, server, fresh_room('frames'), 'alice');
    alice.signal.ws.send(kBinary, Buffer.alloc(0));
    await alice.fence();
  });
}

export async function frame_checks(suite, server) {
  await Promise.all([text_check(suite, server), ping_checks(suite, server), end_checks(suite, server)]);
}
