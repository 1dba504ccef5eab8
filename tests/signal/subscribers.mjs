// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Who is subscribed: when publishers are told, and how sections are asked for in single mode.

import { TrackSource } from '@livekit/protocol';

import { assert } from '../lib/suite.mjs';
import { fresh_room } from './client.mjs';
import { MediaClient, more } from './media.mjs';
import { sections_of } from './rich_offer.mjs';

async function subscribed_check(suite, server) {
  await suite.check('track_subscribed comes once, at the first who is not hidden [SIG-49] [SIG-116] [SUB-08]', async () => {
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

async function single_check(suite, server) {
  await suite.check('single mode: each track asks for an offer and says what is missing, the answer names all [SIG-51] [SIG-84] [SDP-40]', async () => {
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

async function swap_check(suite, server) {
  await suite.check('single mode: no section goes from one track to another, each is seen idle in between [SDP-07] [SDP-40] [SIG-84]', async () => {
    const room = fresh_room('swap');
    const alice = await MediaClient.join(suite, server, room, 'alice', { v1: true });
    const bob = await MediaClient.join(suite, server, room, 'bob', { v1: true, subscribe: false });
    const one = await alice.publish('audio');
    const other = await alice.publish('audio', { source: TrackSource.SCREEN_SHARE_AUDIO });
    const wish = (track, subscribe) => bob.client.send('subscription', { trackSids: [track.sid], subscribe });
    // The sections wanted for what `wishes` does, and where the track is in the answer then.
    const after = async (wishes, { sid }) => {
      const from = bob.client.log.length;
      wishes();
      const { numAudios } = await bob.client.told('mediaSectionsRequirement', () => true, { from });
      const answer = await bob.client.told('answer', ({ midToTrackId }) => Object.values(midToTrackId).includes(sid), { from });
      const [mid] = Object.entries(answer.midToTrackId).find(([, track]) => track === sid);
      return { numAudios, mid, sections: sections_of(answer.sdp) };
    };
    const swap = (from, to) => () => {
      wish(from, false);
      wish(to, true);
    };
    const first = await after(() => wish(one, true), one);
    const second = await after(swap(one, other), other);
    assert.equal(second.numAudios, 1);
    assert.notEqual(second.mid, first.mid);
    assert.equal(second.sections.find(({ mid }) => mid === first.mid).direction, 'inactive');
    const third = await after(swap(other, one), one);
    assert.deepEqual([third.numAudios, third.mid], [0, first.mid]);
    assert.equal(third.sections.find(({ mid }) => mid === second.mid).direction, 'inactive');
  });
}

export async function subscriber_checks(suite, server) {
  await Promise.all([subscribed_check(suite, server), single_check(suite, server), swap_check(suite, server)]);
}
