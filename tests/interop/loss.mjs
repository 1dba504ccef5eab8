// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// A participant that loses each tenth packet of media in both directions. What is lost is sent
// again, to it and by it: a picture that had to be begun anew each time would show by its key frames.

import { is_dtls, MediaProxy } from '../lib/media_proxy.mjs';
import { Peer } from '../lib/rtc_peer.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';

const kEvery = 10;
const kLosses = 20; // each way
const kManyPackets = { width: 320, height: 180, noise: true };

async function key_frames(peer) {
  const { publisherStats, subscriberStats } = await peer.room.getRtcStats();
  const inbound = [...publisherStats, ...subscriberStats].filter(({ stats }) => stats.case === 'inboundRtp');
  const video = inbound.map(({ stats }) => stats.value).filter(({ stream }) => stream.kind === 'video');
  return video.reduce((sum, one) => sum + Number(one.inbound.keyFramesDecoded), 0);
}

export async function loss_checks(suite, server, { single, label }) {
  await suite.check(`${label}: three of ten datagrams of the handshakes are lost: they come again, and no session is [DTLS-04]`, async () => {
    const room = `handshake-${label}`;
    const proxy = await MediaProxy.start(suite, server);
    const lost = { up: 0, down: 0 };
    const some_of = (way) => {
      let count = 0;
      return (bytes) => {
        if (!is_dtls(bytes) || (count += 1) % 10 > 3) return true;
        lost[way] += 1;
        return false;
      };
    };
    [proxy.to_server, proxy.to_client] = [some_of('up'), some_of('down')];
    const alice = await Peer.join(suite, { ws: proxy.ws }, room, 'alice', { number: 1, single });
    const bob = await Peer.join(suite, server, room, 'bob', { number: 2, single });
    await Promise.all([alice.publish_picture(), bob.publish_picture()]);
    await Promise.all([alice.sees(bob), bob.sees(alice)]);
    assert.ok(lost.up >= 3 && lost.down >= 3, JSON.stringify(lost));
    assert.ok(!alice.events.some(({ name }) => /econnect|isconnected/.test(name)), 'a session was lost');
    await Promise.all([alice.leave(), bob.leave()]);
    proxy.stop();
  }, { seconds: 60 });

  await suite.check(`${label}: a tenth of the media is lost: it is sent again, the pictures go on [IN-04] [FWD-11]`, async () => {
    const room = `loss-${label}`;
    const proxy = await MediaProxy.start(suite, server);
    const alice = await Peer.join(suite, { ws: proxy.ws }, room, 'alice', { number: 1, single });
    const bob = await Peer.join(suite, server, room, 'bob', { number: 2, single });
    await Promise.all([alice.publish_picture(kManyPackets), bob.publish_picture(kManyPackets)]);
    await Promise.all([alice.sees(bob), bob.sees(alice)]);
    const before = await Promise.all([key_frames(alice), key_frames(bob)]);
    const lost = proxy.lose(kEvery);
    await until(() => Math.min(lost.up, lost.down) >= kLosses, { timeout: 20000, what: () => `losses: ${JSON.stringify(lost)}` });
    await Promise.all([alice.sees(bob), bob.sees(alice)]);
    const after = await Promise.all([key_frames(alice), key_frames(bob)]);
    console.log(`   ${JSON.stringify(lost)} lost; key frames: ${before} before, ${after} after`);
    after.forEach((count, index) => {
      const begun_anew = count - before[index];
      assert.ok(begun_anew < kLosses / 4, `${begun_anew} key frames for ${JSON.stringify(lost)} lost`);
    });
    await Promise.all([alice.leave(), bob.leave()]);
    proxy.stop();
  }, { seconds: 60 });
}
