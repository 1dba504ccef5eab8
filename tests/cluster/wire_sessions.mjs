// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Sessions of participants between a node of ours and one of somebody else, at either end
// (03 PSR-16, NODE-20 to NODE-23).

import { JoinResponse, SignalRequest, SignalResponse } from '@livekit/protocol';
import { RoomEvent } from '@livekit/rtc-node';

import { room_client } from '../api/clients.mjs';
import { encode, Fields } from '../lib/psrpc.mjs';
import { Peer } from '../lib/rtc_peer.mjs';
import { SignalClient } from '../lib/signal_client.mjs';
import { assert } from '../lib/suite.mjs';
import { TcpGate } from '../lib/tcp_gate.mjs';
import { until } from '../lib/wait.mjs';
import { ForeignNode, SignalStream } from './foreign_node.mjs';

const said = (stream) => stream.heard.flatMap((batch) => batch.all(2)).map((bytes) => SignalResponse.fromBinary(bytes).message);
const asked = (stream) => stream.heard.flatMap((batch) => batch.all(3)).map((bytes) => SignalRequest.fromBinary(bytes).message);
const request_of = (kind, value) => new SignalRequest({ message: { case: kind, value } }).toBinary();
const response_of = (kind, value) => new SignalResponse({ message: { case: kind, value } }).toBinary();
const grants = (room, more) => JSON.stringify({ video: { roomJoin: true, room, canPublish: true, canSubscribe: true, canPublishData: true, canUpdateOwnMetadata: true }, ...more });

async function holder_check(suite, nodes) {
  await suite.check("a client at somebody else's node: its session at ours, what it says and is told, and its end [PSR-16] [NODE-20] [NODE-21] [NODE-22] [RPC-34]", async () => {
    const [node] = nodes.all;
    const foreign = await ForeignNode.start(suite, nodes, 'clients');
    await room_client(node).createRoom({ name: 'held', nodeId: node.node, emptyTimeout: 60 });
    const bob = await SignalClient.join(node, 'held', 'bob');
    const stream = await SignalStream.open(foreign, node.node);
    await until(() => stream.acks.has(stream.opening), { what: 'the stream to be open' });
    const start = { 1: 'held', 2: 'ann', 3: 'CO_annannannann', 9: true, 11: { 1: 1n, 2: '2.23.0', 3: 16n }, 13: 'Ann', 14: grants('held', { metadata: 'from afar' }), 16: 'PA_annannannann', 24: true };
    const first = await stream.say({ 1: start });
    await until(() => stream.acks.has(first) && said(stream).length > 0, { what: 'the first response' });
    const { case: kind, value: join } = said(stream)[0];
    assert.equal(kind, 'join');
    assert.deepEqual([join.room.name, join.participant.identity, join.participant.name, join.participant.metadata], ['held', 'ann', 'Ann', 'from afar']);
    assert.deepEqual(join.otherParticipants.map(({ identity }) => identity), ['bob']);
    const numbers = [...new Set(stream.heard.map((batch) => batch.number(3)))]; // one that is late may come twice
    assert.deepEqual(numbers, numbers.map((_, index) => index), 'batches are counted from 0');
    await until(() => bob.people.get('ann')?.name === 'Ann', { what: 'bob to be told of ann' });

    // What it asks for: the first batch behind the start has the number 0; one that comes again counts once.
    const updates = ({ metadata }) => request_of('updateMetadata', { metadata, name: 'Ann', requestId: 7 });
    await stream.say({ 3: updates({ metadata: 'one' }), 4: 0n });
    await until(() => bob.people.get('ann')?.metadata === 'one', { what: 'bob to be told once' });
    const seen = [];
    bob.on_message = () => seen.push(bob.people.get('ann')?.metadata);
    await stream.say({ 3: [updates({ metadata: 'never' }), updates({ metadata: 'two' })], 4: 0n });
    await until(() => bob.people.get('ann')?.metadata === 'two', { what: 'bob to be told again' });
    assert.ok(!seen.includes('never'), 'what was there already');

    // What is too old for its receiver is nothing, and its sender is not told that it was taken.
    const late = await stream.say({ 3: updates({ metadata: 'late' }), 4: 2n }, { expires: -1000 });
    const next = await stream.say({ 3: updates({ metadata: 'three' }), 4: 2n });
    await until(() => bob.people.get('ann')?.metadata === 'three', { what: 'what came in time' });
    await until(() => stream.acks.has(next), { what: 'that it was taken' });
    assert.ok(!stream.acks.has(late));

    await stream.close();
    await until(() => ['DISCONNECTED', 3].includes(bob.people.get('ann')?.state) || room_client(node).listParticipants('held').then((all) => all.length === 1), { timeout: 40000, what: 'ann to be gone' });
    assert.equal(stream.closed, undefined, 'a close is not answered');
    await bob.leave();
    await room_client(node).deleteRoom('held');
    await foreign.stop();
  }, { seconds: 60 });

  await suite.check('a batch that is missing ends the session, and the client comes again [NODE-21]', async () => {
    const [node] = nodes.all;
    const foreign = await ForeignNode.start(suite, nodes, 'gapgap');
    await room_client(node).createRoom({ name: 'gaps', nodeId: node.node, emptyTimeout: 60 });
    const stream = await SignalStream.open(foreign, node.node);
    await stream.say({ 1: { 1: 'gaps', 2: 'ann', 3: 'CO_gapgapgapgap', 9: true, 11: { 1: 1n, 3: 16n }, 14: grants('gaps'), 16: 'PA_gapgapgapgap' } });
    await until(() => said(stream)[0]?.case === 'join', { what: 'the first response' });
    await stream.say({ 3: request_of('ping', 1n), 4: 3n });
    await until(() => stream.closed, { what: 'the end of the stream' });
    await foreign.stop();
  });
}

async function away_check(suite, nodes) {
  await suite.check("a client at our node whose room is at somebody else's: what the start says, and each word both ways [PSR-16] [NODE-10] [NODE-22] [RPC-34]", async () => {
    const [node] = nodes.all;
    const foreign = await ForeignNode.start(suite, nodes, 'rooms');
    await foreign.takes('theirs');
    const streams = [];
    await SignalStream.accept(foreign, (stream) => {
      streams.push(stream);
      const first = until(() => stream.heard.length > 0, { what: 'the start' });
      void first.then(() => stream.say({ 2: response_of('join', new JoinResponse({ room: { name: 'theirs', sid: 'RM_theirs' }, participant: { identity: 'cem', sid: 'PA_cem' }, serverVersion: '9.9.9' })), 3: 0n })).catch(() => {});
    });
    const joining = { request: { addTrackRequests: [{ cid: 'c', name: 'tone', type: 0 }], metadata: 'his' } };
    const cem = await SignalClient.join(node, 'theirs', 'cem', { ...joining, options: { name: 'Cem', metadata: 'his' } });
    assert.equal(cem.last.join.serverVersion, '9.9.9');
    const [stream] = streams;
    const start = stream.heard[0].message(1);
    assert.ok(!stream.heard[0].has(4), 'the start has no number');
    assert.deepEqual([start.text(1), start.text(2), start.number(4), start.number(9), start.text(13), start.number(24)], ['theirs', 'cem', 0, 1, 'Cem', 1]);
    assert.match(start.text(3), /^CO_[0-9A-Za-z]{12}$/);
    assert.match(start.text(16), /^PA_|^$/);
    const client = start.message(11);
    assert.deepEqual([client.number(1), client.text(2), client.number(3)], [1, '2.23.0', 16]);
    const told = JSON.parse(start.text(14));
    assert.deepEqual([told.video.room, told.video.roomJoin, told.metadata], ['theirs', true, 'his']);
    assert.ok(start.number(26) > Date.now() / 1000, 'when its token expires');
    assert.deepEqual(start.all(21).map((bytes) => new Fields(bytes).text(1)), ['c']);

    await cem.send('updateMetadata', { metadata: 'new', name: 'Cem', requestId: 3 });
    await until(() => asked(stream).some(({ case: kind, value }) => kind === 'updateMetadata' && value.metadata === 'new'), { what: 'his request' });
    assert.equal(stream.heard.find((batch) => batch.has(3)).number(4), 0, 'the first batch is number 0');
    await stream.say({ 2: response_of('requestResponse', { requestId: 3, reason: 0 }), 3: 1n });
    assert.equal((await cem.wait('requestResponse')).requestId, 3);
    // Nobody acknowledges: said again, with what has come to it, from the same number on.
    stream.acknowledges = false;
    const before = stream.heard.length;
    await cem.send('updateMetadata', { metadata: 'again', name: 'Cem', requestId: 4 });
    await until(() => stream.heard.length >= before + 2, { timeout: 5000, what: 'what was not acknowledged' });
    assert.equal(new Set(stream.heard.slice(before).map((batch) => batch.number(4))).size, 1);
    stream.acknowledges = true;
    // The last batch ends it.
    await stream.say({ 2: response_of('leave', { reason: 4, action: 0 }), 3: 2n, 4: true });
    assert.equal((await cem.wait('leave')).reason, 4);
    await until(() => !cem.open, { what: 'the end of the WebSocket' });
    nodes.redis.cli('HDEL', 'room_node_map', 'theirs');
    await foreign.stop();
  }, { seconds: 40 });
}

async function resume_check(suite, nodes) {
  await suite.check('a client whose WebSocket breaks resumes through another node: same participant, no new session [NODE-23] [NODE-10]', async () => {
    const [holder, away] = nodes.all;
    await room_client(holder).createRoom({ name: 'resumes', nodeId: holder.node, emptyTimeout: 60 });
    const gate = await TcpGate.start(suite, holder.ports.http);
    const alice = await Peer.join(suite, { ws: `ws://${gate.address}` }, 'resumes', 'alice', { number: 1 });
    const bob = await Peer.join(suite, holder, 'resumes', 'bob', { number: 2 });
    await Promise.all([alice.publish_tone(), bob.publish_tone()]);
    await Promise.all([alice.hears(bob), bob.hears(alice)]);
    const { sid } = alice.local;
    const begin = Date.now();
    gate.lead_to(away.ports.http);
    gate.shut();
    gate.open();
    await alice.event(RoomEvent.Reconnected, () => true, { since: begin, timeout: 15000 });
    await room_client(holder).updateParticipant('resumes', 'bob', { metadata: 'since' });
    await until(() => alice.remote('bob').metadata === 'since', { what: 'alice to be told by way of the other node' });
    await Promise.all([alice.hears(bob), bob.hears(alice)]);
    assert.equal(alice.local.sid, sid);
    assert.deepEqual(bob.events.filter(({ name, at }) => at > begin && [RoomEvent.ParticipantDisconnected, RoomEvent.ParticipantConnected].includes(name)), [], 'bob sees nobody go');
    for (const peer of [alice, bob]) await peer.leave();
  }, { seconds: 40 });

  await suite.check('who resumes through another node and is not there any more is told to join anew [NODE-23]', async () => {
    const [holder, away] = nodes.all;
    await room_client(holder).createRoom({ name: 'no-resume', nodeId: holder.node, emptyTimeout: 60 });
    const { client } = await SignalClient.ask(away, 'no-resume', 'nobody', { v1: false, query: { reconnect: '1', sid: 'PA_nobodynobody' } });
    const leave = await client.wait('leave');
    assert.deepEqual([leave.reason, leave.action], [6, 2], 'STATE_MISMATCH, RECONNECT');
    await until(() => !client.open, { what: 'the end of the WebSocket' });
    await room_client(holder).deleteRoom('no-resume');
  });
}

export async function session_on_wire_checks(suite, nodes) {
  for (const check of [holder_check, away_check, resume_check]) await check(suite, nodes);
}
