// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Two participants of @livekit/rtc-node that may only relay.

import { IceTransportType } from '@livekit/rtc-node';

import { Peer } from '../lib/rtc_peer.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { metric, start_turn_server } from './settings.mjs';

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
      assert.ok((await metric(server, 'confab_turn_allocations')) >= 2, 'nobody has an allocation');
      // All of it is relayed; how much that is by now depends on how soon the first pictures came.
      await until(async () => (await metric(server, 'confab_turn_relayed_bytes_total')) - before > 20000, { what: 'media to be relayed' });
      const connections = (type) => metric(server, 'confab_connections', { type });
      const count = single ? 2 : 4;
      await until(async () => (await connections('turn')) === count, { what: `${count} connections by TURN` });
      assert.equal((await connections('udp')) + (await connections('tcp')), 0);
      await Promise.all([alice.leave(), bob.leave()]);
      await until(async () => (await connections('turn')) === 0, { what: 'the connections to end' });
      // What a participant leaves behind ends with it.
      await until(async () => (await metric(server, 'confab_turn_allocations')) === 0, { what: 'the allocations to end' });
    }, { seconds: 60 });
  }
  await server.stop();
}
