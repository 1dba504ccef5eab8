// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// What nodes of other implementations rely on, as far as two of ours show it.

import net from 'node:net';

import { SignalClient } from '../lib/signal_client.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';

export async function protocol_checks(suite, nodes) {
  const [one] = nodes.all;
  await suite.check('pings are answered once, by the node with the WebSocket [CON-43]', async () => {
    const room = 'pings';
    const alice = await SignalClient.join(one, room, 'alice');
    const holder = await until(() => nodes.holder(room), { what: 'the node of the room in Redis' });
    const bob = await SignalClient.join(nodes.other(holder), room, 'bob');
    holder.signal('SIGSTOP');
    try {
      await bob.send('ping', 1n);
      await bob.send('pingReq', { timestamp: 2n, rtt: 3n });
      assert.equal((await bob.wait('pongResp')).lastPingTimestamp, 2n);
    } finally {
      holder.signal('SIGCONT');
    }
    // What the room says to it comes behind what it said to the pings.
    await bob.send('updateMetadata', { metadata: 'after' });
    await until(() => bob.people.get('bob')?.metadata === 'after', { what: 'the news of bob' });
    assert.deepEqual([bob.counts.pong, bob.counts.pongResp], [1, 1]);
    for (const client of [alice, bob]) await client.leave();
  });

  await suite.check('the record of a node says its address [NODE-01]', async () => {
    for (const { node } of nodes.all) {
      const texts = nodes.redis.cli('--raw', 'HGET', 'nodes', node).match(/[0-9a-f.:]{3,}/g);
      assert.ok(texts?.some((text) => net.isIP(text)), `${texts}`);
    }
  });
}
