// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// One publisher, twenty subscribers.

import { Peer } from '../lib/rtc_peer.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';

const kSubscribers = 20;

export async function many_checks(suite, server) {
  const room = 'many';
  const peers = [];
  let speaker;

  await suite.check(`${kSubscribers} subscribers join [SIG-80] [SIG-82]`, async () => {
    speaker = await Peer.join(suite, server, room, 'speaker', { number: 7 });
    await Promise.all([speaker.publish_picture(), speaker.publish_tone()]);
    for (let index = 0; index < kSubscribers; ++index) {
      peers.push(await Peer.join(suite, server, room, `listener-${index}`, { number: 10, single: index % 2 === 0 }));
    }
  }, { seconds: 60, needed: suite.selected(`${kSubscribers} subscribers`) });

  await suite.check(`${kSubscribers} subscribers each see the picture and hear the tone [MC-01] [SIG-110]`, async () => {
    assert.equal(peers.length, kSubscribers);
    const timeout = 20000;
    await Promise.all(peers.map((peer) => peer.sees(speaker, { timeout, changes: 10 })));
    await Promise.all(peers.map((peer) => peer.hears(speaker, { timeout })));
    for (const peer of peers) {
      const { frames, invalid } = peer.pictures.get('speaker');
      assert.ok(invalid <= frames / 5, `${peer.identity}: ${invalid} of ${frames} pictures unreadable`);
    }
  }, { seconds: 60 });

  await suite.check(`data to ${kSubscribers} subscribers arrives once each [SIG-120]`, async () => {
    assert.equal(peers.length, kSubscribers);
    await speaker.local.publishData(new TextEncoder().encode('hello all'), { reliable: true });
    const count = (peer) => peer.data.filter((one) => one.text === 'hello all').length;
    await until(() => peers.every((peer) => count(peer) === 1), {
      what: () => `all: ${peers.map(count).join(' ')}`,
    });
  });

  await Promise.all([...peers, speaker].filter(Boolean).map((peer) => peer.leave()));
}
