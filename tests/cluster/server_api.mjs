// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// The server API through a node that does not have the room.

import { DataPacket_Kind, RoomServiceClient } from 'livekit-server-sdk';

import { refused } from '../api/clients.mjs';
import { KEY, SECRET } from '../lib/server.mjs';
import { Peer } from '../lib/rtc_peer.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';

const api = (node) => new RoomServiceClient(node.http, KEY, SECRET);
const sorted = (list) => list.map((one) => one.identity).sort();

export async function api_checks(suite, nodes) {
  await suite.check('rooms are made, listed and deleted through any node [RDS-02] [RDS-21] [RPC-02] [RPC-33]', async () => {
    const [one, two] = nodes.all;
    const made = await api(one).createRoom({ name: 'api-rooms', metadata: 'first', emptyTimeout: 60 });
    for (const node of nodes.all) {
      const [seen] = await until(async () => (await api(node).listRooms(['api-rooms'])).filter((room) => room.sid === made.sid), { what: `the room at ${node.node}` });
      assert.equal(seen.metadata, 'first');
    }
    const again = await api(two).createRoom({ name: 'api-rooms', metadata: 'second' });
    assert.equal(again.sid, made.sid);
    assert.equal(again.creationTime, made.creationTime);
    const away = nodes.other(nodes.holder('api-rooms'));
    assert.equal((await api(away).updateRoomMetadata('api-rooms', 'third')).metadata, 'third');
    await until(async () => (await api(one).listRooms(['api-rooms']))[0].metadata === 'third', { what: 'new metadata' });
    await api(away).deleteRoom('api-rooms');
    for (const node of nodes.all) assert.deepEqual(await api(node).listRooms(['api-rooms']), []);
    assert.equal(nodes.redis.cli('HGET', 'room_node_map', 'api-rooms'), '');
    await refused(api(away).deleteRoom('api-rooms'), 'not_found', 404);
  });

  await suite.check('a room of a node that has just come is deleted by that node [RDS-27] [RPC-03]', async () => {
    const [one] = nodes.all;
    for (let i = 0; i < 3; i += 1) {
      const fresh = await nodes.add();
      await api(fresh).createRoom({ name: `fresh-${i}`, nodeId: fresh.node, emptyTimeout: 600 });
      await until(() => nodes.redis.cli('HEXISTS', 'rooms', `fresh-${i}`) === '1', { every: 1, what: 'its record' });
      await api(one).deleteRoom(`fresh-${i}`);
      await until(() => fresh.log.includes(`room_finished room="fresh-${i}"`), { what: 'its end there' });
      await fresh.stop();
      nodes.all.pop();
    }
  });

  await suite.check('participants of another node are listed, muted, changed, written to, removed [RPC-03] [RPC-04] [RPC-33] [RDS-04]', async () => {
    const alice = await Peer.join(suite, nodes.all[0], 'api-people', 'alice', { number: 1 });
    const away = nodes.other(nodes.holder('api-people'));
    const bob = await Peer.join(suite, away, 'api-people', 'bob', { number: 2 });
    const { publication } = await alice.publish_tone();
    const picture = await alice.publish_picture();
    await Promise.all([bob.hears(alice), bob.sees(alice)]);
    for (const node of nodes.all) {
      assert.deepEqual(sorted(await api(node).listParticipants('api-people')), ['alice', 'bob']);
      assert.deepEqual((await api(node).getParticipant('api-people', 'alice')).tracks.map((one) => one.sid).sort(), [publication.sid, picture.publication.sid].sort());
    }
    const muted = await api(away).mutePublishedTrack('api-people', 'alice', publication.sid, true);
    assert.equal(muted.muted, true);
    await until(() => bob.remote('alice').trackPublications.get(publication.sid).muted, { what: 'bob to see the mute' });
    await api(away).updateParticipant('api-people', 'bob', { metadata: 'told', attributes: { from: 'afar' } });
    await until(() => alice.remote('bob').metadata === 'told' && alice.remote('bob').attributes.from === 'afar', { what: 'alice to be told' });
    await api(away).sendData('api-people', new TextEncoder().encode('to all'), DataPacket_Kind.RELIABLE, { topic: 'afar' });
    for (const peer of [alice, bob]) await until(() => peer.data.some(({ text, topic }) => text === 'to all' && topic === 'afar'), { what: `data for ${peer.identity}` });
    await api(away).updateSubscriptions('api-people', 'bob', [picture.publication.sid], false);
    await bob.sees_no_more(alice);
    await api(away).updateSubscriptions('api-people', 'bob', [picture.publication.sid], true);
    await bob.sees(alice);
    await refused(api(away).removeParticipant('api-people', 'nobody'), 'not_found', 404, 'participant does not exist');
    await refused(api(away).getParticipant('api-people', 'nobody'), 'not_found', 404, 'participant does not exist');
    await api(away).removeParticipant('api-people', 'alice');
    await until(() => !bob.remote('alice'), { what: 'bob to see alice gone' });
    assert.deepEqual(sorted(await api(away).listParticipants('api-people')), ['bob']);
    await api(away).deleteRoom('api-people');
    await until(() => !bob.room.isConnected, { what: 'bob to be sent away' });
  });
}
