// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Tokens that are refused and rights that are missing; real devices; adaptive streams.

import { assert } from '../lib/suite.mjs';
import { join_token } from '../lib/token.mjs';
import { until } from '../lib/wait.mjs';
import { Caller } from './caller.mjs';

const kNotAllowed = 'NotAllowed';
const kLayered = {
  size: { width: 640, height: 360, fps: 12 },
  bitrate: 400000,
  layers: [[160, 90, 60000, 12]],
};
// Within a second a layer that was paused is there again; counted in its own frames, so that a
// slow machine changes nothing, and with as much again for asking.
const kUnseenFrames = 2 * kLayered.size.fps;
const kPauseFrames = 2 * kLayered.size.fps;

export async function refusal_checks({ suite, server, address, browser }) {
  await suite.check('a forged or expired token gets 401 in both modes [CON-21] [CON-22] [CON-34]', async () => {
    const page = await Caller.open(suite, browser, address, 'mallory', 5);
    const forged = await join_token('guarded', 'mallory', { secret: 'f'.repeat(40) });
    const expired = await join_token('guarded', 'mallory', { options: { ttl: -600 } });
    for (const v0 of [false, true]) {
      for (const token of [forged, expired]) {
        const joined = await page.join(server, 'guarded', { token, v0, may_fail: true });
        assert.equal(joined.reason, kNotAllowed, JSON.stringify(joined));
        assert.equal(joined.status, 401);
      }
    }
    const validate = (url) => fetch(url).then(async (reply) => ({ status: reply.status, text: await reply.text() }));
    for (const path of ['/rtc/validate', '/rtc/v1/validate']) {
      const seen = await page.evaluate(validate, `${server.http}${path}?access_token=${forged}`);
      assert.equal(seen.status, 401, `${path}: ${seen.text}`);
    }
    await page.close();
  });

  const publish_without_right = async (v0) => {
    const room = `rights-${v0 ? 'v0' : 'v1'}`;
    const guest = await Caller.open(suite, browser, address, 'guest', 6);
    const host = await Caller.open(suite, browser, address, 'host', 7);
    await guest.join(server, room, { v0, grant: { canPublish: false } });
    await host.join(server, room, { v0 });
    await host.call('publish_picture');
    await guest.sees(host);
    const refused = await guest.call('force_publish');
    assert.ok(refused.error, JSON.stringify(refused));
    assert.deepEqual((await host.person(guest))?.tracks ?? [], []);
    await Promise.all([guest.close(), host.close()]);
  };
  await suite.check('without the right to publish nothing is published, v1 and v0 [SIG-101] [TOK-11]', async () => {
    await Promise.all([publish_without_right(false), publish_without_right(true)]);
  }, { seconds: 60 });

  const only_the_named = async (v0) => {
    const room = `access-${v0 ? 'v0' : 'v1'}`;
    const [sender, other, named] = await Promise.all(
      ['sender', 'other', 'named'].map((name, index) => Caller.open(suite, browser, address, name, 10 + index)));
    await sender.join(server, room, { v0 });
    await other.join(server, room, { v0 });
    await sender.call('allow_only', ['named']);
    await sender.call('publish_tone');
    await named.join(server, room, { v0 });
    await named.hears(sender);
    const subscribed = async (who) => (await who.person(sender))?.tracks?.map((track) => track.subscribed);
    await until(async () => (await subscribed(other))?.length === 1, { what: 'the other to know of the track' });
    assert.deepEqual(await subscribed(named), [true]);
    assert.deepEqual(await subscribed(other), [false]);
    await other.event('trackSubscriptionPermissionChanged', { who: 'sender' });
    await Promise.all([sender.close(), other.close(), named.close()]);
  };
  await suite.check('an access list set before the track reaches only whom it names, v1 and v0 [SIG-10] [SIG-112]', async () => {
    await only_the_named(false);
    await only_the_named(true);
  }, { seconds: 90 });

  const layers_follow = async (v0) => {
    const room = `layers-${v0 ? 'v0' : 'v1'}`;
    const sender = await Caller.open(suite, browser, address, 'sender', 8);
    const viewer = await Caller.open(suite, browser, address, 'viewer', 9);
    await sender.join(server, room, { v0, dynacast: true });
    await viewer.join(server, room, { v0, adaptive: true });
    await sender.call('publish_picture', kLayered);
    await viewer.sees(sender);
    const encoded = (sent, rid) => sent.find((one) => one.rid === rid)?.frames;
    // Waits for the width shown and the layers sent; gives the frames encoded of the large one.
    const shows = async (width, rids) => {
      let seen;
      await until(async () => {
        const { sent } = await sender.call('transport');
        const active = sent.filter((one) => one.active).map((one) => one.rid).sort().join();
        seen = { active, frames: encoded(sent, 'h'), width: (await viewer.person(sender)).picture.width };
        return seen.width === width && active === rids;
      }, { timeout: 25000, every: 100, what: () => `${width} pixels and layers ${rids} sent: ${JSON.stringify(seen)}` });
      return seen.frames;
    };
    await viewer.call('resize', 'sender', 640, 360);
    await shows(640, 'h,q');
    await viewer.call('resize', 'sender', 160, 90);
    const before = await shows(160, 'q');
    // The server has noticed, too, that the large one is gone.
    const small = async () => encoded((await sender.call('transport')).sent, 'q');
    const pause = (await small()) + kPauseFrames;
    await until(async () => (await small()) >= pause, { timeout: 15000, every: 100, what: 'the small layer alone' });
    await viewer.call('resize', 'sender', 640, 360);
    const unseen = (await shows(640, 'h,q')) - before;
    console.log(`   ${room}: shown after ${unseen} frames`);
    assert.ok(unseen <= kUnseenFrames, `${unseen} frames of a layer were sent again before it was shown`);
    await Promise.all([sender.close(), viewer.close()]);
  };
  await suite.check('a small element gets the small layer, the large one is paused and back at once, v1 and v0 [SIG-113] [SIG-115] [MC-14] [IN-21]', async () => {
    await Promise.all([layers_follow(false), layers_follow(true)]);
  }, { seconds: 90 });

  await suite.check('v1: fake camera and microphone; nobody subscribed pauses the camera [SIG-115] [MC-14]', async () => {
    const sender = await Caller.open(suite, browser, address, 'sender', 8);
    const viewer = await Caller.open(suite, browser, address, 'viewer', 9);
    await sender.join(server, 'adaptive', { dynacast: true });
    await viewer.join(server, 'adaptive', { adaptive: true });
    await sender.call('use_devices');
    const frames = async () => {
      const { received } = await viewer.call('transport');
      return Math.max(0, ...received.map((one) => one.frames ?? 0));
    };
    await until(async () => (await frames()) > 10, { timeout: 15000, every: 200, what: 'decoded frames' });
    const sending = async (wanted) => {
      const all = async () => (await sender.call('transport')).sent.every((one) => one.active === wanted);
      await until(all, { timeout: 15000, every: 200, what: `the camera ${wanted ? 'sent' : 'paused'}` });
    };
    await viewer.call('subscribe', 'sender', false);
    await sending(false);
    await viewer.call('subscribe', 'sender', true);
    await sending(true);
    const before = await frames();
    await until(async () => (await frames()) > before + 10, { timeout: 15000, every: 200, what: 'more frames' });
    await Promise.all([sender.close(), viewer.close()]);
  }, { seconds: 60 });
}
