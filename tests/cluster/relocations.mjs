// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// A participant goes to a room of another node, told by any node: rtc-node and livekit-client, with
// one peer connection and with two. Its connections cannot go along: it connects anew, of itself.

import { RoomEvent } from '@livekit/rtc-node';

import { refused, room_client } from '../api/clients.mjs';
import { Caller } from '../browser/caller.mjs';
import { start_chromium } from '../lib/browser.mjs';
import { Peer } from '../lib/rtc_peer.mjs';
import { start_page_server } from '../lib/static_server.mjs';
import { assert } from '../lib/suite.mjs';
import { join_token } from '../lib/token.mjs';
import { until } from '../lib/wait.mjs';

const mover_of = (one) =>
  one instanceof Caller
    ? {
        publish: async () => [await one.call('publish_picture'), await one.call('publish_tone')],
        room: () => one.evaluate(() => window.caller.room.name),
        others: () => one.evaluate(() => [...window.caller.room.remoteParticipants.keys()]),
        events: () => one.evaluate(() => window.caller.events.map(({ name, at }) => ({ name, at }))),
        leave: () => one.close(),
        breaks: ['disconnected'],
      }
    : {
        publish: async () => [await one.publish_picture(), await one.publish_tone()],
        room: async () => one.room.name,
        others: async () => [...one.room.remoteParticipants.keys()],
        events: async () => one.events,
        leave: () => one.leave(),
        breaks: [RoomEvent.Disconnected],
      };

const names = (list) => list.map((one) => one.identity).sort();

const name_of = (what) => `${what} moves to a room of another node: seen and heard there, with its name [API-12] [RPC-04] [SIG-50]`;

async function move_check(suite, nodes, what, join) {
  await suite.check(name_of(what), async () => {
    const [one, two] = nodes.all;
    const [lobby, stage] = [`lobby-${what}`, `stage-${what}`].map((name) => name.replaceAll(' ', '-'));
    await room_client(one).createRoom({ name: lobby, nodeId: one.node, emptyTimeout: 60 });
    await room_client(one).createRoom({ name: stage, nodeId: two.node, emptyTimeout: 60 });
    const bob = await Peer.join(suite, one, lobby, 'bob', { number: 2 });
    const carol = await Peer.join(suite, one, stage, 'carol', { number: 3 });
    await carol.publish_tone();
    const mia = await join(two, lobby); // its signalling is at another node than its room
    const mover = mover_of(mia);
    await mover.publish();
    await Promise.all([bob.sees(mia), bob.hears(mia)]);
    const since = Date.now();
    await room_client(two).moveParticipant(lobby, 'mia', stage);
    await bob.event(RoomEvent.ParticipantDisconnected, (who) => who.identity === 'mia', { since });
    await carol.event(RoomEvent.ParticipantConnected, (who) => who.identity === 'mia', { since, timeout: 20000 });
    console.log(`  there after ${Date.now() - since} ms`);
    await Promise.all([carol.sees(mia), carol.hears(mia), mia.hears(carol)]);
    await until(async () => (await mover.room()) === stage && (await mover.others()).join() === 'carol', { what: async () => `to be in ${stage} with carol, is in ${await mover.room()} with ${await mover.others()}` });
    assert.deepEqual((await mover.events()).filter(({ name, at }) => at >= since && mover.breaks.includes(name)), []);
    for (const node of nodes.all) {
      assert.deepEqual(names(await room_client(node).listParticipants(lobby)), ['bob']);
      assert.deepEqual(names(await room_client(node).listParticipants(stage)), ['carol', 'mia']);
    }
    await mover.leave();
    await Promise.all([bob.leave(), carol.leave()]);
  }, { seconds: 60 });
}

async function refusal_checks(suite, nodes) {
  await suite.check('what cannot go to another node is refused with what to do, and stays [API-11] [API-12] [RPC-04]', async () => {
    const [one, two] = nodes.all;
    await room_client(one).createRoom({ name: 'stays', nodeId: one.node, emptyTimeout: 60 });
    await room_client(one).createRoom({ name: 'narrow', nodeId: two.node, maxParticipants: 1, emptyTimeout: 60 });
    const mia = await Peer.join(suite, one, 'stays', 'mia');
    const guest = await Peer.join(suite, two, 'narrow', 'guest', { number: 2 });
    const nodes_told = async () => Number((await room_client(one).listRooms(['narrow']))[0].numParticipants) === 1;
    await until(nodes_told, { what: 'a room that is full' });
    for (const node of nodes.all) {
      const rooms = room_client(node);
      await refused(rooms.moveParticipant('stays', 'mia', 'narrow'), 'failed_precondition', 412, 'the room is full');
      await refused(rooms.moveParticipant('stays', 'nobody', 'narrow'), 'not_found', 404, 'participant does not exist');
      await refused(rooms.forwardParticipant('stays', 'mia', 'narrow'), 'failed_precondition', 412, `CreateRoom with node_id ${one.node}`);
    }
    assert.deepEqual(names(await room_client(two).listParticipants('stays')), ['mia']);
    // A new room is made beside it, whichever node is asked.
    await room_client(two).moveParticipant('stays', 'mia', 'beside');
    await mia.event(RoomEvent.Moved, () => true);
    assert.equal(nodes.holder('beside'), one);
    assert.deepEqual(mia.events.filter(({ name }) => [RoomEvent.Reconnecting, RoomEvent.Disconnected].includes(name)), []);
    await room_client(two).forwardParticipant('beside', 'mia', 'hall');
    await until(async () => names(await room_client(two).listParticipants('hall')).join() === 'mia', { what: 'mia to be seen in the hall' });
    assert.equal(nodes.holder('hall'), one);
    await Promise.all([mia.leave(), guest.leave()]);
  }, { seconds: 60 });
}

export async function relocation_checks(suite, nodes) {
  for (const single of [true, false]) {
    const mode = single ? 'v1' : 'v0';
    await move_check(suite, nodes, `rtc-node ${mode}`, (node, room) => Peer.join(suite, node, room, 'mia', { single }));
  }
  const pages = ['page v1', 'page v0'];
  if (pages.some((name) => suite.selected(name_of(name)))) {
    const [address, browser] = await Promise.all([start_page_server(suite), start_chromium(suite)]);
    for (const what of pages) {
      await move_check(suite, nodes, what, async (node, room) => {
        const caller = await Caller.open(suite, browser, address, 'mia', 1);
        await caller.join(node, room, { v0: what.endsWith('v0'), token: await join_token(room, 'mia') });
        return caller;
      });
    }
  }
  await refusal_checks(suite, nodes);
}
