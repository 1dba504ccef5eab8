// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Two participants see and hear each other, in every codec; late joining; mute; layers.

import { RoomEvent, VideoCodec } from '@livekit/rtc-node';
import { RoomServiceClient } from 'livekit-server-sdk';

import { Peer } from '../lib/rtc_peer.mjs';
import { KEY, SECRET } from '../lib/server.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';

const kCodecs = [
  ['VP8', VideoCodec.VP8],
  ['H264', VideoCodec.H264],
  ['VP9', VideoCodec.VP9],
  ['AV1', VideoCodec.AV1],
];

// The server names the type, and it is what arrives. Not so at once, and not for the room's own
// `mimeType`: who is asked for sections while it publishes may offer all codecs first, and what it
// chose only with the next offer, of which rtc-node's publications learn nothing.
async function has_codec(server, room, from, to, sid, wanted) {
  const rooms = new RoomServiceClient(server.http, KEY, SECRET);
  let state;
  const is = async () => {
    const { tracks } = await rooms.getParticipant(room, from.identity);
    const told = tracks.find((one) => one.sid === sid)?.mimeType;
    const arrives = [...(await to.picture_codecs()).values()];
    state = { told, arrives };
    return arrives.length > 0 && [told, ...arrives].every((mime) => mime?.toLowerCase() === wanted);
  };
  await until(is, { timeout: 3000, what: () => `${wanted} of ${from.identity}: ${JSON.stringify(state)}` });
}

export async function media_checks(suite, server, { single, label }) {
  const room = `media-${label}`;
  let alice;
  let bob;
  const joined = await suite.check(`${label}: two participants join [SIG-80] [SIG-82] [SIG-83] [CON-31]`, async () => {
    alice = await Peer.join(suite, server, room, 'alice', { number: 1, single });
    bob = await Peer.join(suite, server, room, 'bob', { number: 2, single });
    assert.match(alice.local.sid, /^PA_/);
    assert.match(await alice.room.getSid(), /^RM_/);
    assert.equal(alice.room.name, room);
    await alice.event(RoomEvent.ParticipantConnected, (who) => who.identity === 'bob');
    assert.ok(bob.remote('alice'), 'bob knows alice');
  }, { needed: true });
  if (!joined) return;

  for (const [name, codec] of kCodecs) {
    await suite.check(`${label}: pixels in ${name} both ways [SIG-100] [SIG-105] [ROOM-08]`, async () => {
      const room_name = `${room}-${name}`;
      const join = (identity, number) => Peer.join(suite, server, room_name, identity, { number, single });
      const peers = [await join('one', 11), await join('two', 12)];
      const pictures = await Promise.all(peers.map((peer) => peer.publish_picture({ codec })));
      for (const [index, [from, to]] of [peers, [...peers].reverse()].entries()) {
        await to.sees(from);
        const { sid } = pictures[index].publication;
        assert.match(sid, /^TR_VC/);
        await has_codec(server, room_name, from, to, sid, `video/${name.toLowerCase()}`);
      }
      const since = Date.now();
      await pictures[0].stop();
      await peers[1].event(RoomEvent.TrackUnpublished, () => true, { since });
      await peers[1].sees_no_more(peers[0], { quiet: 300 });
      await Promise.all(peers.map((peer) => peer.leave()));
    });
  }

  await suite.check(`${label}: tones both ways [SIG-75] [SIG-77]`, async () => {
    await Promise.all([alice.publish_tone(), bob.publish_tone()]);
    await Promise.all([alice.hears(bob), bob.hears(alice)]);
  }, { needed: true });

  await suite.check(`${label}: speakers are announced [SIG-134]`, async () => {
    const both = (speakers) => ['alice', 'bob'].every((name) => speakers.some((who) => who.identity === name));
    await bob.event(RoomEvent.ActiveSpeakersChanged, both);
  });

  await suite.check(`${label}: simulcast reaches the receiver in full size [SIG-113]`, async () => {
    const picture = await alice.publish_picture({ width: 640, height: 360, simulcast: true });
    await bob.sees(alice);
    const full = () => bob.pictures.get('alice').width === 640;
    await until(full, { timeout: 15000, what: () => `640 pixels, are ${bob.pictures.get('alice').width}` });
    await picture.stop();
  });

  await suite.check(`${label}: a picture that follows another at once is seen [SDP-07] [SIG-94]`, async () => {
    for (let round = 0; round < 2; ++round) {
      const picture = await alice.publish_picture();
      await bob.sees(alice);
      await picture.stop();
    }
  });

  await suite.check(`${label}: a late comer gets a picture [SIG-110] [MC-07]`, async () => {
    await alice.publish_picture();
    await bob.sees(alice);
    const late = await Peer.join(suite, server, room, 'late', { number: 3, single });
    await late.sees(alice, { changes: 1 });
    await late.hears(alice);
    await late.leave();
  });

  await suite.check(`${label}: leaving is seen [SIG-133]`, async () => {
    const since = Date.now();
    await alice.leave();
    await bob.event(RoomEvent.ParticipantDisconnected, (who) => who.identity === 'alice', { since });
    await bob.leave();
  });
}
