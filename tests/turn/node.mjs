// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Two participants of @livekit/rtc-node that may only relay.

import { IceTransportType } from '@livekit/rtc-node';

import { Peer } from '../lib/rtc_peer.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { metric, metric_becomes, start_turn_server } from './settings.mjs';

export async function node_checks(place) {
  const { suite } = place;
  const name = (label) => `rtc-node, ${label}: relay-only call over UDP with picture, tone and data, counted as such [TURN-01] [TURN-10] [SIG-88] [ICE-18]`;
  const kinds = [true, false].map((single) => ({ single, label: single ? 'single PC' : 'dual PC' }));
  if (!kinds.some(({ label }) => suite.selected(name(label)))) return;
  const server = await start_turn_server(place);
  for (const { single, label } of kinds) {
    await suite.check(name(label), async () => {
      const before = await metric(server, 'confab_turn_relayed_bytes_total');
      const settings = { single, ice: IceTransportType.TRANSPORT_RELAY };
      const alice = await Peer.join(suite, server, `turn-${single}`, 'alice', { number: 1, ...settings });
      const bob = await Peer.join(suite, server, `turn-${single}`, 'bob', { number: 2, ...settings });
      await Promise.all([alice.publish_picture(), alice.publish_tone(), bob.publish_picture()]);
      await Promise.all([bob.sees(alice), alice.sees(bob), bob.hears(alice)]);
      await alice.local.publishData(new TextEncoder().encode('hello'), { reliable: true });
      await until(() => bob.data.some((one) => one.text === 'hello'), { what: 'data' });
      await metric_becomes(server, 'confab_turn_allocations', (count) => count >= 2);
      // All of it is relayed; how much that is by now depends on how soon the first pictures came.
      await metric_becomes(server, 'confab_turn_relayed_bytes_total', (octets) => octets - before > 20000);
      const wanted = single ? 2 : 4;
      await metric_becomes(server, 'confab_connections', (count) => count === wanted, { type: 'turn' });
      for (const type of ['udp', 'tcp']) assert.equal(await metric(server, 'confab_connections', { type }), 0, type);
      await Promise.all([alice.leave(), bob.leave()]);
      // What a participant leaves behind ends with it.
      for (const name of ['confab_connections', 'confab_turn_allocations']) {
        await metric_becomes(server, name, (count) => count === 0);
      }
    }, { seconds: 60 });
  }
  await server.stop();
}
