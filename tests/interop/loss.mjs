// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// A participant that loses each tenth packet of media in both directions. What is lost is sent
// again, to it and by it: otherwise most pictures would be missing, each up to the next key frame.

import { is_dtls, MediaProxy } from '../lib/media_proxy.mjs';
import { Peer } from '../lib/rtc_peer.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';

const kEvery = 10;
const kLosses = 20; // each way
const kManyPackets = { width: 320, height: 180, noise: true };

// Of its video: frames and repairs it sent, frames it showed and how many of these were key frames.
async function counts(peer) {
  const { publisherStats, subscriberStats } = await peer.room.getRtcStats();
  const sum = { sent: 0, repairs: 0, shown: 0, key_frames: 0 };
  for (const { stats } of [...publisherStats, ...subscriberStats]) {
    if (stats.value?.stream?.kind !== 'video') continue;
    if (stats.case === 'outboundRtp') {
      sum.sent += Number(stats.value.outbound.framesSent);
      sum.repairs += Number(stats.value.outbound.retransmittedPacketsSent);
    } else if (stats.case === 'inboundRtp') {
      sum.shown += Number(stats.value.inbound.framesDecoded);
      sum.key_frames += Number(stats.value.inbound.keyFramesDecoded);
    }
  }
  return sum;
}
const since = (before, after) => Object.fromEntries(Object.keys(after).map((key) => [key, after[key] - before[key]]));

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
    const before = await Promise.all([alice, bob].map(counts));
    const lost = proxy.lose(kEvery);
    await until(() => Math.min(lost.up, lost.down) >= kLosses, { timeout: 20000, what: () => `losses: ${JSON.stringify(lost)}` });
    await Promise.all([alice.sees(bob), bob.sees(alice)]);
    const after = await Promise.all([alice, bob].map(counts));
    const [of_alice, of_bob] = after.map((count, index) => since(before[index], count));
    const all = JSON.stringify({ lost, of_alice, of_bob });
    console.log(`   ${all}`);
    assert.ok(of_alice.repairs >= lost.up / 2, `what alice sent was not asked for again: ${all}`);
    // A client that is not let run in time asks for a key frame now and then, though nothing is missing for good.
    for (const [from, to] of [[of_alice, of_bob], [of_bob, of_alice]]) {
      assert.ok(to.key_frames < kLosses / 2, `pictures are begun anew: ${all}`);
      assert.ok(to.shown > from.sent / 2, `pictures are missing: ${all}`);
    }
    await Promise.all([alice.leave(), bob.leave()]);
    proxy.stop();
  }, { seconds: 60 });
}
