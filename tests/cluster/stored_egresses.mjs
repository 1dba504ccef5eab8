// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// What nodes keep in Redis of egresses, as a worker tells them.

import { EgressClient } from 'livekit-server-sdk';

import { refused } from '../api/clients.mjs';
import { encode, Fields, Peer } from '../lib/psrpc.mjs';
import { KEY, SECRET } from '../lib/server.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { Nodes } from './nodes.mjs';
import { kNews, Stored } from './stored.mjs';

const api = (node) => new EgressClient(node.http, KEY, SECRET);
const ids = (list) => list.map(({ egressId }) => egressId).sort();
const kAbsent = 'egress does not exist';

// livekit.EgressInfo of a room composite.
const nanoseconds = () => BigInt(Date.now()) * 1000000n;
const kActive = 1n;
const kComplete = 3n;
export const egress = (id, room, more = {}) => ({ 1: id, 2: 'RM_x', 3: kActive, 4: { 1: room, 2: 'grid' }, 10: 1000n, 13: room, ...more });

export async function stored_egress_checks(suite, nodes, stored) {
  const [one, two] = nodes.all;
  const { peer } = stored;
  const tell = (method, info) => peer.call('IOInfo', method, encode(info));
  const bytes = (id) => stored.ask('HGET', 'egress', id);
  const members = (room) => stored.names('SMEMBERS', `egress:room:${room}`);
  const forget = async (...all) => {
    for (const id of all) await stored.ask('HDEL', 'egress', id);
  };

  await suite.check('an egress as its worker tells it: begun, changed, ended, in a room with the mark in its name [RDS-08] [RDS-09] [RDS-10] [RPC-13] [RPC-34]', async () => {
    const room = 'a|b|7';
    const begun = egress('EG_one', room, kNews);
    assert.equal((await tell('CreateEgress', begun)).claims, 1, 'one node takes a request');
    assert.deepEqual(await bytes('EG_one'), Buffer.from(encode(begun)));
    assert.deepEqual(await members(room), ['EG_one']);
    // The node that asked for it writes it, too; who comes second changes nothing.
    assert.equal((await tell('CreateEgress', egress('EG_one', room, { 9: 'again' }))).answer.length, 0);
    assert.deepEqual(await bytes('EG_one'), Buffer.from(encode(begun)));

    const changed = egress('EG_one', room, { 18: 1500n });
    await tell('UpdateEgress', changed);
    assert.deepEqual(await bytes('EG_one'), Buffer.from(encode(changed)));
    assert.equal(await stored.text('HGET', 'ended_egress', 'EG_one'), null);
    const ended_at = nanoseconds() + 789n;
    const ended = egress('EG_one', room, { 3: kComplete, 11: ended_at });
    await tell('UpdateEgress', ended);
    assert.deepEqual(await bytes('EG_one'), Buffer.from(encode(ended)));
    assert.equal(await stored.text('HGET', 'ended_egress', 'EG_one'), `a|b|7|${ended_at}`);
    assert.deepEqual(await members(room), ['EG_one']);

    // What comes late makes none of what is over.
    await tell('UpdateEgress', changed);
    assert.deepEqual(await bytes('EG_one'), Buffer.from(encode(ended)));
    const { answer } = await tell('GetEgress', { 1: 'EG_one' });
    assert.deepEqual(Buffer.from(answer), Buffer.from(encode(ended)));
    assert.deepEqual(ids(await api(two).listEgress({ roomName: room })), ['EG_one']);
    assert.deepEqual(await api(two).listEgress({ roomName: room, active: true }), []);
  });

  await suite.check('what is no egress, and one that is not there [RDS-08] [RPC-13]', async () => {
    const before = await stored.names('HKEYS', 'egress');
    await assert.rejects(tell('GetEgress', { 1: 'EG_none' }), { code: 'not_found', text: kAbsent });
    for (const method of ['CreateEgress', 'UpdateEgress']) {
      await assert.rejects(tell(method, { 3: kActive, 13: 'nowhere' }), { code: 'invalid_argument' }, `${method} without an id`);
      await assert.rejects(peer.call('IOInfo', method, Buffer.from([0x0a, 0x7f, 0x01])), { code: 'invalid_argument' }, `${method} of what ends within a field`);
    }
    assert.deepEqual(await stored.names('HKEYS', 'egress'), before);
    assert.deepEqual(await members('nowhere'), []);
    // Figures are taken, and kept nowhere.
    assert.equal((await tell('UpdateMetrics', { 1: egress('EG_none', 'nowhere'), 3: { float: 1 } })).answer.length, 0);
    assert.deepEqual(await stored.names('HKEYS', 'egress'), before);
  });

  await suite.check('egresses of a room: of its set those that there are, through any node and by a worker [RDS-09] [RDS-24] [RPC-13]', async () => {
    for (const id of ['EG_a', 'EG_b']) await tell('CreateEgress', egress(id, 'listed'));
    await tell('CreateEgress', egress('EG_c', 'another'));
    await tell('UpdateEgress', egress('EG_b', 'listed', { 3: kComplete, 11: nanoseconds() }));
    await stored.ask('SADD', 'egress:room:listed', 'EG_missing');
    assert.deepEqual(await members('listed'), ['EG_a', 'EG_b', 'EG_missing']);
    for (const node of [one, two]) {
      assert.deepEqual(ids(await api(node).listEgress({ roomName: 'listed' })), ['EG_a', 'EG_b']);
      assert.deepEqual(ids(await api(node).listEgress({ roomName: 'listed', active: true })), ['EG_a']);
    }
    const listed = async (asked) => new Fields((await tell('ListEgress', asked)).answer).all(1).map((item) => new Fields(item).text(1)).sort();
    assert.deepEqual(await listed({ 1: 'listed' }), ['EG_a', 'EG_b']);
    assert.deepEqual(await listed({ 1: 'listed', 3: true }), ['EG_a']);
    assert.deepEqual(await listed({ 1: 'nowhere' }), []);
    assert.deepEqual(await listed({ 1: 'listed', 2: 'EG_c', 3: true }), ['EG_c']);
    // What does not decode is left out and left alone.
    await stored.ask('HSET', 'egress', 'EG_missing', Buffer.from([0x0a, 0x7f]));
    assert.deepEqual(ids(await api(one).listEgress({ roomName: 'listed' })), ['EG_a', 'EG_b']);
    assert.equal(await stored.text('HEXISTS', 'egress', 'EG_missing'), '1');
    assert.deepEqual(await api(one).listEgress({ roomName: 'nowhere' }), []);
    await refused(api(two).listEgress({ egressId: 'EG_none' }), 'not_found', 404, kAbsent);
    await forget('EG_a', 'EG_b', 'EG_c', 'EG_missing');
  });

  await suite.check('what ended more than a day ago is taken away soon after a node starts, whatever its room is called [RDS-22]', async () => {
    const kTwoDays = 2n * 86_400_000_000_000n;
    const own = await Nodes.start(suite, 0);
    const there = new Stored(await Peer.start(suite, own.redis.port, 'sweeping'));
    for (const [id, age] of [['EG_old', kTwoDays], ['EG_young', 0n]]) {
      await there.put('egress', id, egress(id, 'swept|room', { 3: kComplete, 11: nanoseconds() - age }));
      await there.ask('SADD', 'egress:room:swept|room', id);
      await there.ask('HSET', 'ended_egress', id, `swept|room|${nanoseconds() - age}`);
    }
    await there.ask('HSET', 'ended_egress', 'EG_garbage', 'no time');
    await own.add();
    await until(async () => (await there.text('HGET', 'ended_egress', 'EG_old')) === null, { timeout: 25000, what: 'the note of the old one to be gone' });
    assert.equal(await there.text('HGET', 'egress', 'EG_old'), null);
    assert.deepEqual(await there.names('SMEMBERS', 'egress:room:swept|room'), ['EG_young']);
    assert.ok(await there.ask('HGET', 'egress', 'EG_young'));
    assert.equal(await there.text('HGET', 'ended_egress', 'EG_garbage'), 'no time');
    there.peer.end();
    await own.end();
  }, { seconds: 40 });
}
