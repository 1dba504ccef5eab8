// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// End-to-end encryption: who has the key sees, hears and reads; who has another gets the packets
// and nothing out of them; the server tells everybody that the tracks are encrypted.

import { RoomServiceClient } from 'livekit-server-sdk';
import { Encryption_Type } from '@livekit/protocol';

import { tone_of } from '../lib/picture.mjs';
import { Peer } from '../lib/rtc_peer.mjs';
import { KEY, SECRET } from '../lib/server.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';

const kKey = 'the key of the call';
const kOther = 'another key';

export async function e2ee_checks(suite, server, { single, label }) {
  const room = `e2ee-${label}`;
  const join = (identity, number, secret) => Peer.join(suite, server, room, identity, { number, single, secret });
  const peers = {};

  const met = await suite.check(`${label}: encrypted picture and tone both ways with one key [SIG-100] [MC-01]`, async () => {
    peers.alice = await join('alice', 1, kKey);
    peers.bob = await join('bob', 2, kKey);
    const { alice, bob } = peers;
    for (const peer of [alice, bob]) {
      await peer.publish_picture();
      await peer.publish_tone();
    }
    await Promise.all([alice.sees(bob), bob.sees(alice), alice.hears(bob), bob.hears(alice)]);
  });
  if (!met || !peers.bob) return;
  const { alice, bob } = peers;

  await suite.check(`${label}: the server says that the tracks are encrypted [SIG-100]`, async () => {
    const rooms = new RoomServiceClient(server.http, KEY, SECRET);
    const { tracks } = await rooms.getParticipant(room, 'alice');
    assert.deepEqual(tracks.map((track) => track.encryption), [Encryption_Type.GCM, Encryption_Type.GCM]);
  });

  await suite.check(`${label}: who has another key gets packets and no picture of the call [MC-01]`, async () => {
    const eve = await join('eve', 3, kOther);
    // Packets of both tracks arrive and are counted, so that the silence is the key's.
    const received = async () => {
      const { publisherStats, subscriberStats } = await eve.room.getRtcStats();
      const inbound = [...publisherStats, ...subscriberStats].filter(({ stats }) => stats.case === 'inboundRtp');
      const packets = inbound.map(({ stats }) => Number(stats.value.received.packetsReceived));
      return packets.length >= 4 && packets.every((count) => count >= 10);
    };
    await until(received, { timeout: 15000, every: 200, what: 'packets of four tracks' });
    for (const other of [alice, bob]) {
      assert.equal(eve.pictures.get(other.identity)?.changes ?? 0, 0, `eve sees ${other.identity}`);
      assert.notEqual(eve.sounds.get(other.identity)?.tone, tone_of(other.number), `eve hears ${other.identity}`);
    }
    await eve.leave();
    await Promise.all([alice.sees(bob), bob.sees(alice)]);
  });

  await suite.check(`${label}: encrypted data reaches who has the key [SIG-120]`, async () => {
    await alice.local.publishData(new TextEncoder().encode('for us'), { reliable: true });
    const packet = await until(() => bob.data.find((one) => one.text === 'for us'), { what: 'the packet' });
    assert.equal(packet.from, 'alice');
  });
  await Promise.all([alice.leave(), bob.leave()]);
}
