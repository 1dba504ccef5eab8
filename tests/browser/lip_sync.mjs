// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Lip sync: who watches plays picture and sound of one time at one time, by what the server's sender
// reports say, through changes of layers and a mute, near and far away (N3: 150 ms ± 30 ms each way).

import { room_client } from '../api/clients.mjs';
import { behind_netsim, Netsim } from '../lib/netsim.mjs';
import { start_server } from '../lib/server.mjs';
import { assert } from '../lib/suite.mjs';
import { sleep, until } from '../lib/wait.mjs';
import { Caller } from './caller.mjs';

const kPublished = { size: { width: 640, height: 360, fps: 20 }, bitrate: 400000, layers: [[160, 90, 80000, 20]] };
const kWidths = { low: 160, high: 640 };
const kSwitches = 10;
const kMuteMillis = 4000;
const kBursts = 9;
// In ms. A browser goes by when the last packets of both came, and lets 30 ms be; far away each of them
// is up to 30 ms early or late.
const kMaxOffset = { N0: 60, N3: 100 };
const kWindows = 3; // a browser moves to where both fit by steps, each second

// The median of a window is within the limit.
async function in_sync(to, name, moment) {
  const when = `${name} ${moment}`;
  for (let window = 1; ; window += 1) {
    await to.evaluate(() => window.clock.forget());
    let offsets;
    await until(async () => (offsets = await to.evaluate(() => window.clock.offsets())).length >= kBursts, {
      timeout: 20000, every: 100, what: () => `${kBursts} bursts, noted ${offsets}`,
    });
    const sorted = offsets.map(Math.round).sort((a, b) => a - b);
    const median = sorted[Math.floor(sorted.length / 2)];
    console.log(`   ${when}: ${median} ms (${sorted.join(', ')})`);
    if (Math.abs(median) < kMaxOffset[name]) return;
    assert.ok(window < kWindows, `${when} sound comes ${median} ms after its picture (${sorted})`);
  }
}

async function lip_sync({ suite, address, browser }, server, name, number) {
  await room_client(server).createRoom({ name, syncStreams: true });
  const from = await Caller.open(suite, browser, address, `clock-${name}`, number);
  const to = await Caller.open(suite, browser, address, `watcher-${name}`, number + 1);
  for (const caller of [from, to]) await caller.join(server, name);
  await from.evaluate(async (of, published) => {
    const { publish_clock } = await import('/page/clock.js');
    await publish_clock(window.caller.room, of, published);
  }, number, kPublished);
  const shows = async (quality) => {
    await to.call('quality', from.identity, quality);
    await until(async () => (await to.person(from))?.picture?.width === kWidths[quality], {
      timeout: 20000, every: 50, what: `${name}: a picture ${kWidths[quality]} wide`,
    });
  };
  await to.sees(from);
  await shows('high');
  await to.evaluate(async (identity) => {
    const { ClockReader } = await import('/page/clock.js');
    window.clock = await ClockReader.of(window.caller.room.remoteParticipants.get(identity));
  }, from.identity);
  await in_sync(to, name, 'at first');
  for (let i = 0; i < kSwitches; i += 1) await shows(i % 2 === 0 ? 'low' : 'high');
  await in_sync(to, name, 'after switches');
  for (const muted of [true, false]) {
    for (const what of ['picture', 'tone']) await from.call('mute', what, muted);
    if (muted) await sleep(kMuteMillis);
  }
  await to.sees(from);
  await in_sync(to, name, 'after a mute');
  await Promise.all([from.close(), to.close()]);
}

export async function lip_sync_checks(place) {
  await place.suite.check('picture and sound of one time are played at one time, over N0 and N3, after layer switches and a mute, too [MC-11]', async () => {
    const far = await start_server(place.suite, behind_netsim());
    const relay = await Netsim.start(place.suite, far, { profile: 'N3', seed: 11 });
    await Promise.all([lip_sync(place, place.server, 'N0', 28), lip_sync(place, far, 'N3', 32)]);
    await relay.end();
    await far.stop();
  }, { seconds: 120 });
}
