// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// A real client behind a proxy: its own encrypted packets come again, are changed, or what the
// server waits for never comes.

import { Peer } from '../lib/rtc_peer.mjs';
import { is_dtls, is_media, is_rtcp, MediaProxy } from '../lib/media_proxy.mjs';
import { Scrape } from '../lib/metrics.mjs';
import { assert } from '../lib/suite.mjs';
import { sleep, until } from '../lib/wait.mjs';
import { attack } from './witness.mjs';

const kReplayed = 3000;
const kStalled = 300; // packets at least, however slow the machine

export async function replay_attacks(place) {
  const { suite, server, room, random } = place;
  const behind_proxy = async (identity, number) => {
    const proxy = await MediaProxy.start(suite, server);
    const peer = await Peer.join(suite, { ws: proxy.ws }, room, identity, { number });
    return { proxy, peer };
  };

  await attack(
    place,
    'captured SRTP, SRTCP and DTLS sent again and changed [IMM-10] [IMM-1]',
    async () => {
      const captured = [];
      const { proxy, peer } = await behind_proxy('replayed', 9);
      proxy.to_server = (bytes) => {
        if (captured.length < kReplayed && (is_media(bytes) || is_dtls(bytes))) captured.push(Buffer.from(bytes));
        return true;
      };
      await peer.publish_picture({ fps: 15 });
      await peer.publish_tone();
      const viewer = await Peer.join(suite, server, room, 'viewer', { number: 10 });
      await viewer.sees(peer);
      const rtcp = () => captured.filter(is_rtcp).length;
      const what = () => `datagrams to send again: ${captured.length}, ${rtcp()} SRTCP`;
      await until(() => captured.length > 100 && rtcp() > 0, { timeout: 20000, what });
      console.log(`   ${captured.length} datagrams captured, ${rtcp()} of them SRTCP`);

      const log = viewer.pictures.get('replayed');
      const before = { frames: log.frames, invalid: log.invalid, at: Date.now() };
      const own = random.fork('replay');
      const list = [...captured];
      const failures = async () => (await Scrape.of(server)).value('confab_srtp_failures_total');
      // At least `expected` of them do not get past SRTP.
      const again = async (what, expected, change) => {
        const begin = await failures();
        for (const [index, bytes] of list.entries()) {
          proxy.inject(change(bytes));
          if (index % 20 === 0) await sleep(2);
        }
        await until(async () => (await failures()) >= begin + expected, { every: 200, what: `${expected} ${what} to be refused` });
      };
      // SRTP that comes again is dropped by its number, behind; the system may lose datagrams, and
      // some changes change nothing.
      for (let round = 0; round < 2; ++round) await again('SRTCP packets', list.filter(is_rtcp).length / 2, (bytes) => bytes);
      await again('changed packets', list.filter(is_media).length / 2, (bytes) => own.mutate(bytes, 1));
      await viewer.sees(peer);
      await viewer.hears(peer);
      // Replayed pictures would be decoded again: at most as many frames as were made, with some slack.
      const seconds = (Date.now() - before.at) / 1000;
      const seen = log.frames - before.frames;
      console.log(`   ${seen} frames seen in ${seconds.toFixed(1)} s`);
      assert.ok(seen <= seconds * 15 + 15, `${seen} frames in ${seconds} s`);
      assert.ok(log.invalid - before.invalid <= 3, `${log.invalid - before.invalid} spoilt pictures`);
      await viewer.leave();
      await peer.leave();
      proxy.stop();
    },
    { seconds: 60 },
  );

  await attack(
    place,
    'a data receiver that never acknowledges [IMM-15]',
    async () => {
      const { proxy, peer } = await behind_proxy('stalled', 11);
      const sender = await Peer.join(suite, server, room, 'sender', { number: 12 });
      await sender.local.publishData(Buffer.from('first'), { reliable: true });
      await until(() => peer.data.some(({ text }) => text === 'first'), { what: 'data before the stall' });
      proxy.to_server = (bytes) => !is_dtls(bytes);
      const filling = Buffer.alloc(14000, 'x');
      const end = Date.now() + 6000;
      let sent = 0;
      const reliable = [];
      for (; Date.now() < end || sent <= kStalled; ++sent) {
        if (sent % 4 !== 0) reliable.push(sent);
        filling.write(`${sent} `);
        await sender.local.publishData(filling, { reliable: sent % 4 !== 0, topic: 'bulk' });
        if (sent % 10 === 9) await sleep(10);
      }
      console.log(`   ${((sent * filling.length) / 2 ** 20).toFixed(0)} MB sent past it`);
      // One that does not acknowledge does not stop the others: what is sent now reaches both.
      await sender.local.publishData(Buffer.from(`${sent} is the last`), { reliable: true, topic: 'bulk' });
      let got = [];
      const last = async () => {
        got = await place.witness.ask('numbers', 'bulk');
        return got.every((list) => list.at(-1) === sent);
      };
      const what = () => `packet ${sent} at both, are at ${got.map((list) => list.at(-1))}`;
      await until(last, { timeout: 30000, every: 200, what });
      for (const list of got) {
        assert.deepEqual(list, [...new Set(list)].sort((a, b) => a - b), 'in order and once');
        const came = new Set(list);
        const missing = reliable.filter((number) => !came.has(number));
        assert.equal(missing.length, 0, `of ${reliable.length} reliable packets did not come: ${missing.slice(0, 10)} …`);
      }
      proxy.stop();
      await Promise.all([sender.leave(), peer.leave().catch(() => {})]);
    },
    { seconds: 90 },
  );

  await attack(
    place,
    'a subscriber that vanishes without a word, media flowing to it [IMM-15]',
    async () => {
      const { proxy, peer } = await behind_proxy('vanished', 13);
      await until(() => peer.pictures.size === 2, { what: 'pictures before it vanishes' });
      proxy.to_server = () => false;
      proxy.to_client = () => false;
      await sleep(3000);
      proxy.stop();
      await peer.leave().catch(() => {});
    },
    { seconds: 60 },
  );
}
