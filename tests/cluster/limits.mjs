// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// A node that carries as much as it may, and joins of its rooms through another one.

import http from 'node:http';

import { room_client } from '../api/clients.mjs';
import { Peer } from '../lib/rtc_peer.mjs';
import { assert } from '../lib/suite.mjs';
import { join_token } from '../lib/token.mjs';
import { until } from '../lib/wait.mjs';
import { ask, error_of, kSdp } from '../whip/http.mjs';
import { offer } from '../whip/requests.mjs';
import { Nodes } from './nodes.mjs';

const kFull = 'node has exceeded its configured limit';

// "status text" of a WebSocket that is refused; "101" of one that is not, and ended at once.
async function upgrade(node, room, identity) {
  const url = `${node.http}/rtc?protocol=16&access_token=${await join_token(room, identity)}`;
  const headers = { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAA==' };
  return new Promise((resolve, reject) => {
    const request = http.get(url, { headers });
    request.on('error', reject);
    request.on('upgrade', (reply, socket) => {
      socket.destroy();
      resolve(`${reply.statusCode}`);
    });
    request.on('response', async (reply) => {
      const parts = [];
      for await (const part of reply) parts.push(part);
      resolve(`${reply.statusCode} ${Buffer.concat(parts)}`);
    });
  });
}

export async function limit_checks(suite) {
  await suite.check('limit.num_tracks of the room\'s node is asked by joins through another one [NODE-12] [CON-32] [RPC-23]', async () => {
    const nodes = await Nodes.start(suite, 1);
    const [free] = nodes.all;
    const limited = await nodes.add({ limit: { num_tracks: 1 } });
    await room_client(free).createRoom({ name: 'limited', nodeId: limited.node, emptyTimeout: 60 });
    const alice = await Peer.join(suite, free, 'limited', 'alice');
    await alice.publish_tone();
    await until(async () => (await upgrade(free, 'limited', 'bob')) === `503 ${kFull}`, { every: 500, timeout: 20000, what: () => 'a join that is refused' });
    const whip = await ask(free, 'POST', { token: await join_token('limited', 'encoder'), type: kSdp, body: offer() });
    assert.equal(whip.status, 503, whip.text);
    assert.equal(error_of(whip), kFull);
    // Rooms of the other node are not concerned.
    await room_client(free).createRoom({ name: 'unlimited', nodeId: free.node, emptyTimeout: 60 });
    assert.equal(await upgrade(limited, 'unlimited', 'bob'), '101');
    await alice.leave();
    await until(async () => (await upgrade(free, 'limited', 'bob')) === '101', { every: 500, timeout: 30000, what: () => 'a join that is taken again' });
    await nodes.end();
  }, { seconds: 90 });
}
