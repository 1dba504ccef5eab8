// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Subscriptions and their settings, as they show in offers, packets and what publishers are told.

import { SubscriptionError, VideoQuality } from '@livekit/protocol';

import { start_server } from '../lib/server.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { fresh_room } from './client.mjs';
import { count, MediaClient, more } from './media.mjs';

const kModes = [['v0', false], ['v1', true]];
const kAtOnceMillis = 1000;
const { LOW, MEDIUM, HIGH } = VideoQuality;

// Waits until packets of `ended` come no more while those of `going` do.
async function ceases(peer, ended, going) {
  await until(async () => {
    const begin = count(peer, ended);
    await more(peer, going, 25);
    return count(peer, ended) === begin;
  });
}

async function explicit_checks(suite, server) {
  await suite.check('subscription by sid and by participant, and its end; without it nothing comes [SIG-06]', async () => {
    for (const [mode, v1] of kModes) {
      const room = fresh_room('subscribe');
      const alice = await MediaClient.join(suite, server, room, 'alice', { v1 });
      const bob = await MediaClient.join(suite, server, room, 'bob', { v1, subscribe: false });
      const [audio, video] = [await alice.publish('audio'), await alice.publish('video')];
      await bob.client.told_of('alice', (one) => one.tracks.length === 2);
      await bob.client.fence();
      const sections = () => bob.client.all(v1 ? 'answer' : 'offer').at(-1).sdp.match(/^m=(audio|video)/gm) ?? [];
      assert.deepEqual(sections(), [], mode);
      bob.client.send('subscription', { trackSids: [audio.sid], subscribe: true });
      await more(bob, 'audio');
      assert.deepEqual(sections(), ['m=audio']);
      assert.equal(count(bob, 'video'), 0);
      const participantTracks = [{ participantSid: alice.sid, trackSids: [video.sid] }];
      bob.client.send('subscription', { participantTracks, subscribe: true });
      await more(bob, 'video');
      bob.client.send('subscription', { trackSids: [audio.sid], subscribe: false });
      await ceases(bob, 'audio', 'video');
      const from = bob.client.log.length;
      const tracks = ({ midToTrackId }) => `${Object.values(midToTrackId)}`;
      const described = (list) => bob.client.told(v1 ? 'answer' : 'offer', (one) => tracks(one) === `${list}`, { from });
      bob.client.send('subscription', { participantTracks, subscribe: false });
      await described([]);
      bob.client.send('subscription', { trackSids: [audio.sid], subscribe: true });
      await described([audio.sid]);
    }
  });

  await suite.check('track_setting: disabled before the subscription and after it, and enabled at once [SIG-07]', async () => {
    const room = fresh_room('subscribe');
    const alice = await MediaClient.join(suite, server, room, 'alice');
    const bob = await MediaClient.join(suite, server, room, 'bob', { subscribe: false });
    const [audio, video] = [await alice.publish('audio'), await alice.publish('video')];
    const set = (setting) => bob.client.send('trackSetting', { trackSids: [video.sid], ...setting });
    set({ disabled: true });
    bob.client.send('subscription', { trackSids: [audio.sid, video.sid], subscribe: true });
    await bob.client.told('offer', (one) => one.sdp.includes(video.sid));
    await more(bob, 'audio', 40);
    assert.equal(count(bob, 'video'), 0);
    set({ quality: HIGH });
    await more(bob, 'video');
    set({ disabled: true });
    await ceases(bob, 'video', 'audio');
    set({ width: 640, height: 360 });
    await more(bob, 'video');
  });
}

async function quality_check(suite, server) {
  await suite.check('a publisher is told which layers are wanted: less after 5 s, more at once [SIG-41] [SIG-115] [SIG-07] [DYN-01]', async () => {
    const room = fresh_room('subscribe');
    const alice = await MediaClient.join(suite, server, room, 'alice');
    const bob = await MediaClient.join(suite, server, room, 'bob');
    const layers = [[LOW, 160, 90], [MEDIUM, 320, 180], [HIGH, 640, 360]].map(([quality, width, height]) => ({ quality, width, height }));
    const { sid } = await alice.publish('video', { layers });
    const wanted = (update) => update.subscribedQualities.filter((one) => one.enabled).map((one) => one.quality);
    const told = (list, from) => alice.client.told('subscribedQualityUpdate', (one) => `${wanted(one)}` === `${list}`, { from });
    const all = await told([LOW, MEDIUM, HIGH]);
    assert.equal(all.trackSid, sid);
    assert.deepEqual(all.subscribedCodecs.map((one) => one.codec), ['vp8']);
    assert.deepEqual(wanted({ subscribedQualities: all.subscribedCodecs[0].qualities }), [LOW, MEDIUM, HIGH]);
    let from = alice.client.log.length;
    const begin = Date.now();
    bob.client.send('trackSetting', { trackSids: [sid], quality: LOW });
    await told([LOW], from);
    const seconds = (Date.now() - begin) / 1000;
    assert.ok(seconds > 4.5 && seconds < 8, `after ${seconds} s`);
    from = alice.client.log.length;
    const back = Date.now();
    bob.client.send('trackSetting', { trackSids: [sid], quality: HIGH });
    await told([LOW, MEDIUM, HIGH], from);
    assert.ok(Date.now() - back < 2000, 'an upgrade waits');
    assert.equal(bob.client.all('subscribedQualityUpdate').length, 0);
  });
}

async function own_check(suite, server) {
  await suite.check('its own track is no track for who asks for it: an error, and no section [SIG-47] [SIG-111]', async () => {
    for (const [mode, v1] of kModes) {
      const alice = await MediaClient.join(suite, server, fresh_room('subscribe'), 'alice', { v1 });
      const { sid } = await alice.publish('audio');
      const from = alice.client.log.length;
      alice.client.send('subscription', { trackSids: [sid], subscribe: true });
      const { trackSid, err } = await alice.client.told('subscriptionResponse', () => true, { from });
      assert.deepEqual([trackSid, err], [sid, SubscriptionError.SE_TRACK_NOTFOUND], mode);
      await alice.client.fence();
      const sections = alice.client.log.slice(from).filter(({ kind }) => ['offer', 'mediaSectionsRequirement'].includes(kind));
      assert.deepEqual(sections, []);
    }
  });
}

// Twice, so that it was not the round of every three seconds that came just then.
async function limit_check(suite) {
  await suite.check('a freed place of a subscription limit is taken at once by who waits for it [SUB-07]', async () => {
    const server = await start_server(suite, { limit: { subscription_limit_audio: 1 } });
    const room = fresh_room('limit');
    const [alice, carol] = [await MediaClient.join(suite, server, room, 'alice'), await MediaClient.join(suite, server, room, 'carol')];
    const bob = await MediaClient.join(suite, server, room, 'bob', { subscribe: false });
    const [first, second] = [await alice.publish('audio'), await carol.publish('audio')];
    const subscribe = (track, on) => bob.client.send('subscription', { trackSids: [track.sid], subscribe: on });
    const described = (track, from) => bob.client.told('offer', (one) => `${Object.values(one.midToTrackId)}` === track.sid, { from });
    subscribe(first, true);
    await described(first, 0);
    for (const [has, waits] of [[first, second], [second, first]]) {
      const from = bob.client.log.length;
      subscribe(waits, true);
      await more(bob, 'audio', 50);
      assert.equal(bob.client.log.slice(from).filter(({ kind }) => kind === 'offer').length, 0, 'more than the limit');
      const begin = Date.now();
      subscribe(has, false);
      await described(waits, from);
      assert.ok(Date.now() - begin < kAtOnceMillis, `after ${Date.now() - begin} ms`);
    }
    await server.stop();
  });
}

export async function subscribing_checks(suite, server) {
  const groups = [explicit_checks, own_check, quality_check, limit_check];
  await Promise.all(groups.map((group) => group(suite, server)));
}
