// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Clients that stop reading while the room has much to tell.

import { SignalClient } from '../lib/signal_client.mjs';
import { assert } from '../lib/suite.mjs';
import { sleep, until } from '../lib/wait.mjs';
import { attack } from './witness.mjs';

const kFrozen = 150;
const kTalkers = 10;
const kTalkMillis = 5000;

export async function frozen_attacks(place) {
  const { server } = place;
  for (const v1 of [false, true]) {
    const name = v1 ? '/rtc/v1' : '/rtc';
    await attack(
      place,
      `${name}: ${kFrozen} clients that never read [IMM-15]`,
      async () => {
        const clients = [];
        for (let index = 0; index < kFrozen; ++index) {
          const client = await SignalClient.join(server, place.room, `frozen-${v1}-${index}`, { v1 });
          client.ws.stop_reading();
          clients.push(client);
        }
        // Something to be told: some members of the room change themselves all the time.
        const talkers = [];
        for (let index = 0; index < kTalkers; ++index) {
          talkers.push(await SignalClient.join(server, place.room, `talker-${v1}-${index}`, { v1 }));
        }
        let sent = 0;
        const talk = (talker) =>
          talker.flood(kTalkMillis, async () => {
            await talker.send('updateMetadata', { metadata: `${sent} `.padEnd(60000, 'm'), requestId: (sent += 1) });
            await sleep(10);
          });
        await Promise.all(talkers.map(talk));
        console.log(`   ${sent} changes of 60 KB to ${kFrozen} frozen clients`);
        assert.ok(sent > 10, `${sent} changes`);
        for (const client of [...clients, ...talkers]) client.destroy();
      },
      { seconds: 60 },
    );
  }

  await attack(place, 'one that reads nothing and floods [IMM-15]', async () => {
    const client = await SignalClient.join(server, place.room, 'deaf', { v1: true });
    client.ws.stop_reading();
    const sent = await client.flood(4000, (number) => client.send('pingReq', { timestamp: BigInt(number) }));
    client.destroy();
    await until(() => !client.open, { what: 'its end' });
    assert.ok(sent > 50, `${sent} pings`);
  });
}
