// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Subscriptions and their settings, as they show in offers, packets and what publishers are told.

import { VideoQuality } from '@livekit/protocol';

import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { fresh_room } from './client.mjs';
import { MediaClient } from './media.mjs';

const kModes = [['v0', false], ['v1', true]];
const { LOW, MEDIUM, HIGH } = VideoQuality;

const count = (peer, kind) => peer.packets.get(kind)?.count ?? 0;
const more = (peer, kind, packets = 20) => {
  const begin = count(peer, kind);
  return until(() => count(peer, kind) >= begin + packets, { what: () => `${packets} packets of ${kind}, of ${begin} there are ${count(peer, kind)}` });
};

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
      const described = (list) => bob.client.told(v1 ? 'answer' : 'offer', ({ midToTrackId }) => `${Object.values(midToTrackId)}` === `${list}`, { from });
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
  await suite.check('a publisher is told which layers are wanted: less after 5 s, more at once [SIG-41] [SIG-115] [SIG-07]', async () => {
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

async function subscriber_checks(suite, server) {
  await suite.check('track_subscribed comes once, at the first who is not hidden [SIG-49] [SIG-116]', async () => {
    const room = fresh_room('subscribe');
    const alice = await MediaClient.join(suite, server, room, 'alice');
    const hidden = await MediaClient.join(suite, server, room, 'hidden', { grant: { hidden: true } });
    const { sid } = await alice.publish('audio');
    await more(hidden, 'audio');
    await alice.client.fence();
    assert.equal(alice.client.all('trackSubscribed').length, 0, 'a hidden subscriber is told of');
    for (const kind of ['egress', 'ingress']) {
      const other = await MediaClient.join(suite, server, room, kind, { kind });
      await more(other, 'audio');
    }
    assert.equal((await alice.client.told('trackSubscribed')).trackSid, sid);
    await alice.client.fence();
    assert.equal(alice.client.all('trackSubscribed').length, 1);
  });
}

async function single_checks(suite, server) {
  await suite.check('single mode: each track asks for an offer and says what is missing, the answer names all [SIG-51] [SIG-84]', async () => {
    const room = fresh_room('subscribe');
    const bob = await MediaClient.join(suite, server, room, 'bob', { v1: true });
    const alice = await MediaClient.join(suite, server, room, 'alice', { v1: true });
    let from = bob.client.log.length;
    const asked = async () => {
      const { numAudios, numVideos } = await bob.client.told('mediaSectionsRequirement', () => true, { from });
      return [numAudios, numVideos];
    };
    // The tracks in the next answer that is as long as this.
    const named = async (...sids) => {
      const { midToTrackId } = await bob.client.told('answer', (one) => Object.keys(one.midToTrackId).length === sids.length, { from });
      assert.deepEqual(Object.values(midToTrackId).sort(), [...sids].sort());
      from = bob.client.log.length;
    };
    const audio = await alice.publish('audio');
    assert.deepEqual(await asked(), [1, 0]);
    await named(audio.sid);
    const video = await alice.publish('video');
    assert.deepEqual(await asked(), [0, 1]);
    await named(audio.sid, video.sid);
    await more(bob, 'video');
    bob.client.send('subscription', { trackSids: [audio.sid], subscribe: false });
    assert.deepEqual(await asked(), [0, 0]);
    await named(video.sid);
    const dual = await MediaClient.join(suite, server, room, 'dual');
    bob.client.send('subscription', { trackSids: [audio.sid], subscribe: true });
    // A section is free.
    assert.deepEqual(await asked(), [0, 0]);
    await named(audio.sid, video.sid);
    await more(dual, 'video');
    assert.equal(dual.client.all('mediaSectionsRequirement').length, 0, 'two connections are asked for sections');
    assert.equal(bob.client.all('offer').length, 0, 'the server offers');
  });
}

export async function subscribing_checks(suite, server) {
  const groups = [explicit_checks, quality_check, subscriber_checks, single_checks];
  await Promise.all(groups.map((group) => group(suite, server)));
}
