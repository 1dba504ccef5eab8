// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// A client behind a path whose MTU is 600, as run_small_mtu lays it, beside one on a wide path, both
// at one socket of the server: segmented sends that the kernel refuses for the first must reach it.

import { MediaProxy } from '../lib/media_proxy.mjs';
import { Peer } from '../lib/rtc_peer.mjs';
import { start_server } from '../lib/server.mjs';
import { assert, Suite } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';

const kNarrow = '10.70.6.1';
const kManyPackets = { width: 320, height: 180, noise: true };
const kMtu = 600;

const suite = new Suite({ limit: 120 });
await suite.run(async () => {
  const server = await start_server(suite, { rtc: { tcp_port: 0 } });
  for (const single of [true, false]) {
    const label = single ? 'single PC' : 'dual PC';
    await suite.check(`${label}: picture, tone and data over a path with an MTU of 600 [DES-13]`, async () => {
      const room = `mtu-${single}`;
      const proxy = await MediaProxy.start(suite, server, { from: kNarrow });
      let longest = 0;
      proxy.to_client = (bytes) => {
        longest = Math.max(longest, bytes.length);
        return true;
      };
      const alice = await Peer.join(suite, server, room, 'alice', { number: 1, single });
      const narrow = await Peer.join(suite, { ws: proxy.ws }, room, 'narrow', { number: 2, single });
      const wide = await Peer.join(suite, server, room, 'wide', { number: 3, single });
      await Promise.all([alice.publish_picture(kManyPackets), alice.publish_tone(), narrow.publish_picture(kManyPackets)]);
      const changes = { changes: 20, timeout: 20000 };
      await Promise.all([narrow.sees(alice, changes), wide.sees(alice, changes), wide.sees(narrow, changes)]);
      await Promise.all([narrow.hears(alice), wide.hears(alice)]);
      const text = 'x'.repeat(10000);
      await alice.local.publishData(new TextEncoder().encode(text), { reliable: true });
      await until(() => [narrow, wide].every((peer) => peer.data.some((one) => one.text === text)), { what: 'data' });
      assert.ok(longest > kMtu, `the longest datagram has ${longest} bytes`);
      await Promise.all([alice, narrow, wide].map((peer) => peer.leave()));
    }, { seconds: 60 });
  }
});
