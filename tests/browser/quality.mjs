// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// The quality of a connection, as livekit-client tells its application: a talker's way to the server
// becomes bad, and good again. Whoever listens is told of the talker as the talker is, and that its
// own connection is as good as ever. So is that of a publisher whose camera nobody looks at.

import { behind_netsim, Netsim } from '../lib/netsim.mjs';
import { start_server } from '../lib/server.mjs';
import { assert } from '../lib/suite.mjs';
import { sleep, until } from '../lib/wait.mjs';
import { Caller } from './caller.mjs';

const kBad = 'up:loss=25%';
const kFine = 'up:loss=0%';
const kJudgedMillis = 30000; // a window is 5 s; falling takes two or three, rising to the top four
const kQuietMillis = 2000; // a frame of a camera comes at least as often

// One with a camera and dynacast in a room of its own: all layers are off after ten seconds.
class Unwatched {
  static async join(suite, browser, address) {
    const alone = new Unwatched();
    alone.server = await start_server(suite);
    alone.caller = await Caller.open(suite, browser, address, 'alone', 18);
    await alone.caller.join(alone.server, 'quality', { dynacast: true });
    await alone.caller.evaluate(() => {
      window.own = [];
      window.caller.room.on('connectionQualityChanged', (quality) => window.own.push(quality));
    });
    await alone.caller.call('publish_picture', { size: { width: 640, height: 360 }, layers: [[320, 180, 100000, 12]] });
    alone.watched = alone.stays_excellent();
    alone.watched.catch(() => {}); // it is awaited at the end
    return alone;
  }

  // From when nothing is sent any more and an encoder that began slowly, as on a busy machine, is
  // forgiven: until reports are overdue, and two windows.
  async stays_excellent() {
    await until(async () => {
      const before = await this.#frames();
      await sleep(kQuietMillis);
      return before > 0 && (await this.#frames()) === before;
    }, { timeout: 40000, what: 'layers that are off' });
    const told = () => this.caller.evaluate(() => window.own);
    await until(async () => (await told()).at(-1) === 'excellent', { timeout: kJudgedMillis, what: async () => `excellent, told ${await told()}` });
    const { length } = await told();
    await sleep(20000);
    assert.deepEqual((await told()).slice(length), [], 'who publishes what nobody watches is told of itself');
  }

  async #frames() {
    const { sent } = await this.caller.call('transport');
    return sent.reduce((sum, { frames }) => sum + frames, 0);
  }

  async end() {
    await this.watched;
    await this.caller.close();
    await this.server.stop();
  }
}

export async function quality_checks({ suite, address, browser }) {
  await suite.check('connections are excellent, poor with a quarter of the sound lost, and by way of good excellent again [MC-16] [CQ-01] [CQ-02] [CQ-03] [CQ-04]', async () => {
    const server = await start_server(suite, behind_netsim());
    const alone = await Unwatched.join(suite, browser, address);
    const relay = await Netsim.start(suite, server, { seed: 9 });
    const talker = await Caller.open(suite, browser, address, 'talks', 16);
    const listener = await Caller.open(suite, browser, address, 'judges', 17);
    for (const caller of [talker, listener]) {
      await caller.join(server, 'quality');
      await caller.evaluate(() => {
        window.qualities = [];
        window.own = [];
        window.caller.room.on('connectionQualityChanged', (quality, who) => {
          if (who.identity === 'talks') window.qualities.push(quality);
          else if (who.isLocal) window.own.push(quality);
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
    assert.deepEqual(await listener.evaluate(() => window.own), ['excellent'], 'the listener is told of itself');
    await alone.end();
    await Promise.all([talker.close(), listener.close()]);
    await relay.end();
    await server.stop();
  }, { seconds: 120 });
}
