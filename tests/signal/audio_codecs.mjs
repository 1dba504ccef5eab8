// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Audio with a backup codec: its publisher is told which codecs somebody takes.

import { TrackSource } from '@livekit/protocol';

import { start_server } from '../lib/server.mjs';
import { assert } from '../lib/suite.mjs';
import { fresh_room } from './client.mjs';
import { MediaClient, more } from './media.mjs';

const kBackup = { simulcastCodecs: [{ codec: 'opus', cid: '' }, { codec: 'pcmu', cid: '' }] };
const kKind = 'subscribedAudioCodecUpdate';

const said = (update) => update.subscribedAudioCodecs.map(({ codec, enabled }) => `${codec} ${enabled}`);

async function dynacast_checks(suite, server, v1) {
  const label = v1 ? 'v1' : 'v0';
  await suite.check(`${label}: a codec of audio is on while somebody takes it, and off at once when nobody does [SIG-52] [DYN-03]`, async () => {
    const room = fresh_room('audio-codecs');
    const alice = await MediaClient.join(suite, server, room, 'alice', { v1 });
    const track = await alice.publish('audio', kBackup);
    const bob = await MediaClient.join(suite, server, room, 'bob', { v1 });
    await more(bob, 'audio');
    const on = await alice.client.told(kKind);
    assert.deepEqual([on.trackSid, said(on)], [track.sid, ['opus true']]);
    const carol = await MediaClient.join(suite, server, room, 'carol', { v1 });
    await more(carol, 'audio');
    bob.client.send('subscription', { trackSids: [track.sid], subscribe: false });
    await more(carol, 'audio', 50);
    assert.equal(alice.client.all(kKind).length, 1, 'one more or less changes nothing');
    const from = alice.client.log.length;
    carol.client.send('leave', {});
    const off = await alice.client.told(kKind, () => true, { from });
    assert.deepEqual([off.trackSid, said(off)], [track.sid, ['opus false']]);
    const again = alice.client.log.length;
    bob.client.send('subscription', { trackSids: [track.sid], subscribe: true });
    assert.deepEqual(said(await alice.client.told(kKind, () => true, { from: again })), ['opus true']);
  });

  await suite.check(`${label}: audio with one codec is never told of [SIG-52] [DYN-03]`, async () => {
    const room = fresh_room('audio-codecs');
    const alice = await MediaClient.join(suite, server, room, 'alice', { v1 });
    const track = await alice.publish('audio');
    // Beside one that is told of: when its codec is off, the other's would be.
    const other = await alice.publish('audio', { ...kBackup, source: TrackSource.SCREEN_SHARE_AUDIO });
    const told = (codec) => alice.client.told(kKind, (one) => one.trackSid === other.sid && said(one)[0] === codec);
    const bob = await MediaClient.join(suite, server, room, 'bob', { v1 });
    await more(bob, 'audio');
    await told('opus true');
    bob.client.send('subscription', { trackSids: [track.sid, other.sid], subscribe: false });
    await told('opus false');
    assert.equal(alice.client.all(kKind, (one) => one.trackSid === track.sid).length, 0);
  });
}

export async function audio_codec_checks(suite) {
  const server = await start_server(suite, { video: { dynacast_pause_delay: '1m' } }); // of video alone
  await Promise.all([false, true].map((v1) => dynacast_checks(suite, server, v1)));
  await server.stop();
  server.forget();
}
