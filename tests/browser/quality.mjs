// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// The quality of a connection, as livekit-client tells its application: a talker's way to the server
// becomes bad, and good again. Whoever listens is told of the talker as the talker is.

import { behind_netsim, Netsim } from '../lib/netsim.mjs';
import { start_server } from '../lib/server.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { Caller } from './caller.mjs';

const kBad = 'up:loss=25%';
const kFine = 'up:loss=0%';
const kJudgedMillis = 30000; // a window is 5 s; falling takes two or three, rising to the top four

export async function quality_checks({ suite, address, browser }) {
  await suite.check('connections are excellent, poor with a quarter of the sound lost, and by way of good excellent again [MC-16] [CQ-01] [CQ-02] [CQ-03] [CQ-04]', async () => {
    const server = await start_server(suite, behind_netsim());
    const relay = await Netsim.start(suite, server, { seed: 9 });
    const talker = await Caller.open(suite, browser, address, 'talks', 16);
    const listener = await Caller.open(suite, browser, address, 'judges', 17);
    for (const caller of [talker, listener]) {
      await caller.join(server, 'quality');
      await caller.evaluate(() => {
        window.qualities = [];
        window.caller.room.on('connectionQualityChanged', (quality, who) => {
          if (who.identity === 'talks') window.qualities.push(quality);
        });
      });
    }
    // Sound that is there twice (RED) would be judged more mildly.
    await talker.call('publish_tone', { red: false });
    await listener.hears(talker);
    const told = (caller) => caller.evaluate(() => window.qualities);
    const both = async (quality) => {
      const reached = async () => (await Promise.all([talker, listener].map(told))).every((all) => all.at(-1) === quality);
      await until(reached, { timeout: kJudgedMillis, every: 200, what: async () => `${quality}, told ${await told(talker)}; ${await told(listener)}` });
    };
    await both('excellent');
    await relay.apply(kBad);
    await both('poor');
    await relay.apply(kFine);
    await both('excellent');
    for (const caller of [talker, listener]) {
      const all = await told(caller);
      console.log(`   ${caller.identity} is told ${all}`);
      assert.deepEqual(all.slice(all.lastIndexOf('poor')), ['poor', 'good', 'excellent']);
    }
    await Promise.all([talker.close(), listener.close()]);
    await relay.end();
    await server.stop();
  }, { seconds: 120 });
}
