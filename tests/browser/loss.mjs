// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Ways from the server that lose packets: each tenth of sound on its first try; a few of a picture with all
// copies of them.

import { is_media, is_rtcp, MediaProxy } from '../lib/media_proxy.mjs';
import { assert } from '../lib/suite.mjs';
import { sleep, until } from '../lib/wait.mjs';
import { Caller } from './caller.mjs';

const kEvery = 10;
const kLosses = 30;
// What the listener may have stopped waiting for when its machine was slow to ask.
const kGivenUp = 2;
const kCutMillis = 100; // what is lost of a picture
const kDecodedMillis = 500; // after which no picture from before is still to be decoded
const kStuckMillis = 2000; // of those a decoder waits 3000 until it asks for a key frame

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

const type_of = (bytes) => bytes[1] & 0x7f;

export async function stuck_picture_checks({ suite, server, address, browser }) {
  for (const v0 of [false, true]) {
    await suite.check(`${v0 ? 'v0' : 'v1'}: a picture goes on soon where a packet is lost with all its copies [FWD-11] [IN-08]`, async () => {
      const proxy = await MediaProxy.start(suite, server);
      const talker = await Caller.open(suite, browser, address, 'talker', 3);
      const viewer = await Caller.open(suite, browser, address, 'viewer', 4);
      await talker.join(server, 'stuck', { v0 });
      await viewer.join({ ws: proxy.ws }, 'stuck', { v0 });
      let picture; // the payload type; copies have another one
      proxy.to_client = (bytes) => {
        if (is_media(bytes) && !is_rtcp(bytes)) picture ??= type_of(bytes);
        return true;
      };
      await talker.call('publish_picture', { simulcast: false });
      await viewer.sees(talker);
      const lost = { picture: 0, copies: 0 };
      let begin; // with the first packet that is lost
      let repairs = false; // no copy comes through before the picture goes on
      proxy.to_client = (bytes) => {
        if (!is_media(bytes) || is_rtcp(bytes)) return true;
        const first = type_of(bytes) === picture;
        if (first) begin ??= Date.now();
        if (first ? Date.now() - begin > kCutMillis : repairs) return true;
        lost[first ? 'picture' : 'copies'] += 1;
        return false;
      };
      await until(() => begin, { every: 5, what: 'a picture to lose' });
      await sleep(kDecodedMillis);
      const frames = async () => (await viewer.call('inbound', 'talker', 'picture'))[0]?.framesDecoded ?? 0;
      const before = await frames();
      const moves = async () => (await frames()) >= before + 3;
      await until(moves, { timeout: kStuckMillis, every: 50, what: () => `pictures, lost ${JSON.stringify(lost)}` });
      const after = Date.now() - begin;
      repairs = true;
      console.log(`   lost ${JSON.stringify(lost)}, pictures again after ${after} ms`);
      assert.ok(lost.copies >= 3, JSON.stringify(lost));
      assert.ok(after < kStuckMillis, `pictures again after ${after} ms`);
      await Promise.all([talker.close(), viewer.close()]);
    });
  }
}
