// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// A listener whose way from the server loses each tenth packet of sound on its first try.

import { is_media, is_rtcp, MediaProxy } from '../lib/media_proxy.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { Caller } from './caller.mjs';

const kEvery = 10;
const kLosses = 30;
// What the listener may have stopped waiting for when its machine was slow to ask.
const kGivenUp = 2;

// Loses so many packets of the listener's only stream; keeps which came again.
function lossy(proxy, count) {
  const lost = new Set();
  const repaired = new Set();
  proxy.to_client = (bytes) => {
    if (!is_media(bytes) || is_rtcp(bytes)) return true;
    const sequence = bytes.readUInt16BE(2);
    if (lost.has(sequence)) {
      repaired.add(sequence);
      return true;
    }
    if (sequence % kEvery !== 0 || lost.size >= count) return true;
    lost.add(sequence);
    return false;
  };
  return { lost, repaired };
}

export async function loss_checks({ suite, server, address, browser }) {
  await suite.check('v0: sound that got lost is sent again when asked for [FWD-11] [SDP-21] [TRAP-14]', async () => {
    const proxy = await MediaProxy.start(suite, server);
    const speaker = await Caller.open(suite, browser, address, 'speaker', 3);
    const listener = await Caller.open(suite, browser, address, 'listener', 4);
    await speaker.join(server, 'lossy', { v0: true });
    await listener.join({ ws: proxy.ws }, 'lossy', { v0: true });
    const { lost, repaired } = lossy(proxy, kLosses);
    // Plain Opus: behind RED nothing is asked for.
    await speaker.call('publish_tone', { red: false });
    await listener.hears(speaker);
    const counts = () => `${repaired.size} of ${lost.size} came again`;
    await until(() => lost.size >= kLosses, { timeout: 30000, every: 100, what: () => `losses: ${counts()}` });
    await until(() => repaired.size >= lost.size - kGivenUp, { timeout: 3000, what: counts });
    const [sound] = (await listener.call('transport')).sounds;
    assert.ok(sound.nacks > 0, 'the listener asked for nothing');
    assert.ok(sound.lost <= kGivenUp, `${sound.lost} lost; ${counts()}`);
    await Promise.all([speaker.close(), listener.close()]);
  }, { seconds: 60 });
}
