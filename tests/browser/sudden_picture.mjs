// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// A camera comes to a call of sound alone, over a link that is wide and loses a packet now and then:
// that is no reason to send less of it.

import { behind_netsim, Netsim } from '../lib/netsim.mjs';
import { start_server } from '../lib/server.mjs';
import { assert } from '../lib/suite.mjs';
import { sleep, until } from '../lib/wait.mjs';
import { Caller } from './caller.mjs';

const kDown = 'loss=0.5%';
const kSoundMillis = 10000;
const kWatchedMillis = 8000; // longer than the losses that an estimate goes by
const [kWidth, kLarge] = [640, 360];
const kSome = 4; // frames, of the twelve a second
const kPicture = { size: { width: kWidth, height: kLarge, fps: 12, busy: true }, bitrate: 900000, layers: [[320, 180, 120000, 12]] };

const height_of = async (to, from) => (await to.call('inbound', from.identity, 'picture'))[0]?.frameHeight;

const frames_sent = async (from) => Math.max(0, ...(await from.call('transport')).sent.filter((one) => one.width === kWidth).map((one) => one.frames));

// What it saw from the first large picture on that was not large while large ones were sent: an
// encoder on a busy machine leaves these out, too.
async function cuts(to, from) {
  const is_large = async () => (await height_of(to, from)) === kLarge;
  await until(is_large, { timeout: 20000, every: 50, what: `${to.identity} to see it large` });
  const seen = [];
  for (const end = Date.now() + kWatchedMillis; Date.now() < end; await sleep(50)) {
    if (await is_large()) continue;
    const [height, before] = [await height_of(to, from), await frames_sent(from)];
    await sleep(1000);
    if ((await frames_sent(from)) - before > kSome) seen.push(height);
  }
  return seen;
}

export async function sudden_picture_checks({ suite, address, browser }) {
  await suite.check('a camera that comes to sound is sent whole over a wide link that loses 0.5 % [MC-12]', async () => {
    const server = await start_server(suite, behind_netsim());
    const relay = await Netsim.start(suite, server, { down: kDown, seed: 5 });
    const from = await Caller.open(suite, browser, address, 'comes', 20);
    const watching = await Promise.all([21, 22, 23].map((number) => Caller.open(suite, browser, address, `sees${number}`, number)));
    for (const caller of [from, ...watching]) await caller.join(server, 'sudden');
    await from.call('publish_tone');
    await Promise.all(watching.map((to) => to.hears(from)));
    await sleep(kSoundMillis);
    await from.call('publish_picture', kPicture);
    assert.deepEqual(await Promise.all(watching.map((to) => cuts(to, from))), [[], [], []]);
    await Promise.all([from, ...watching].map((caller) => caller.close()));
    assert.ok((await relay.end()).down.lost > 0, 'nothing was lost');
    await server.stop();
  }, { seconds: 60 });
}
