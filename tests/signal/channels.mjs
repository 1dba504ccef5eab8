// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Data channels below their messages: ids, openings, kinds of frames, sizes, ends; labels of nobody
// (02 §6.1), and frames of data tracks octet by octet (§6.4).

import { DataPacket, SignalTarget } from '@livekit/protocol';

import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { fresh_room } from './client.mjs';
import { MediaClient } from './media.mjs';

const kEstablished = 4; // of werift's SCTP
const kBinary = 53;
const kText = 51;
const kEmpty = 57;

const user = (payload) => new DataPacket({ value: { case: 'user', value: { payload: Buffer.from(payload) } } }).toBinary();
const texts = (peer, label = '_reliable') => peer.data.filter((one) => one.label === label).map(({ bytes }) => {
  const packet = DataPacket.fromBinary(bytes);
  return packet.value.case === 'user' ? Buffer.from(packet.value.value.payload).toString() : packet.value.case ?? '';
});
const has = (peer, text, label) => until(() => texts(peer, label).includes(text), { what: () => `${text.slice(0, 20)} among ${texts(peer, label).map((one) => one.slice(0, 20))}` });
const open = (peer, ...labels) => until(() => labels.every((label) => peer.channels[label]?.readyState === 'open'), { what: () => `${labels} of ${Object.keys(peer.channels)}` });

// Those a client sends on; with two connections the server's are on the other one.
async function sender(suite, server, room, identity, v1) {
  const peer = await MediaClient.join(suite, server, room, identity, { v1 });
  if (!v1) {
    await open(peer, '_reliable', '_lossy', '_data_track'); // the server's
    await peer.open_channels();
  }
  await open(peer, '_reliable', '_lossy', '_data_track');
  return peer;
}

async function opening_checks(suite, server) {
  await suite.check('v0: the server opens three channels with odd ids, by DCEP, one association [DC-01] [DC-02] [DC-03]', async () => {
    const bob = await MediaClient.join(suite, server, fresh_room('channels'), 'bob');
    await open(bob, '_reliable', '_lossy', '_data_track');
    const of = ({ id, ordered, maxRetransmits, protocol, negotiated }) => [id, ordered, maxRetransmits ?? null, protocol, negotiated];
    assert.deepEqual(of(bob.channels._reliable), [1, true, null, '', false]);
    assert.deepEqual(of(bob.channels._lossy), [3, false, 0, '', false]);
    assert.deepEqual(of(bob.channels._data_track), [5, false, 0, '', false]);
    const { sctpTransport } = bob.connection(SignalTarget.SUBSCRIBER);
    assert.equal(sctpTransport.sctp.associationState, kEstablished);
  });

  await suite.check('v1: the server answers on the channels of the client, whose ids are odd [DC-02]', async () => {
    const room = fresh_room('channels');
    const [alice, bob] = await Promise.all(['alice', 'bob'].map((name) => sender(suite, server, room, name, true)));
    const ids = Object.values(bob.channels).map(({ id }) => id);
    assert.deepEqual(ids.sort(), [1, 3, 5]);
    alice.channels._reliable.send(Buffer.from(user('hello')));
    await has(bob, 'hello');
    assert.equal(Object.keys(bob.channels).length, 3, 'the server opened one');
  });
}

async function frame_checks(suite, server) {
  for (const v1 of [true, false]) {
    const label = v1 ? 'v1' : 'v0';
    await suite.check(`${label}: text counts as its octets, nothing as a packet of nothing, nonsense is dropped; the channel goes on [DC-04] [DC-13]`, async () => {
      const room = fresh_room('channels');
      const alice = await sender(suite, server, room, 'alice', v1);
      const bob = await sender(suite, server, room, 'bob', v1);
      const association = alice.connection(SignalTarget.PUBLISHER).sctpTransport.sctp;
      const kinds = [];
      const heard = bob.connection(v1 ? SignalTarget.PUBLISHER : SignalTarget.SUBSCRIBER).sctpTransport.sctp;
      heard.onReceive.subscribe((_, kind) => kinds.push(kind));
      const { id } = alice.channels._reliable;
      await association.send(id, kText, Buffer.from(user('as text')));
      await has(bob, 'as text');
      const from = bob.data.length;
      await association.send(id, kEmpty, Buffer.from([0])); // as one octet (RFC 8831 §6.6)
      await until(() => bob.data.length > from);
      const empty = DataPacket.fromBinary(bob.data.at(-1).bytes);
      assert.deepEqual([empty.value.case, empty.participantIdentity], [undefined, 'alice']);
      alice.channels._reliable.send(Buffer.from([0xff, 0xff, 0xff, 0xff]));
      alice.channels._reliable.send(Buffer.from(user('and on')));
      await has(bob, 'and on');
      assert.equal(bob.data.length, from + 2);
      assert.deepEqual([...new Set(kinds)], [kBinary]);
    });

    await suite.check(`${label}: 64 000 octets pass in fragments, 70 000 end the channel and no other; it may be opened again [DC-05] [DC-06] [DC-08] [DC-10]`, async () => {
      const room = fresh_room('channels');
      const alice = await sender(suite, server, room, 'alice', v1);
      const bob = await sender(suite, server, room, 'bob', v1);
      assert.match(alice.connection(SignalTarget.PUBLISHER).remoteDescription.sdp, /a=max-message-size:65535\r\n/);
      const whole = 'x'.repeat(63900);
      alice.channels._reliable.send(Buffer.from(user(whole)));
      await has(bob, whole);
      const first = alice.channels._reliable;
      await alice.connection(SignalTarget.PUBLISHER).sctpTransport.sctp.send(first.id, kBinary, Buffer.from(user('x'.repeat(70000))));
      await until(() => first.readyState === 'closed', { what: () => first.readyState });
      alice.channels._lossy.send(Buffer.from(user('lossy')));
      await has(bob, 'lossy', '_lossy');
      assert.equal(alice.client.all('leave').length, 0);
      alice.open_channel('_reliable', { ordered: true });
      await open(alice, '_reliable');
      alice.channels._reliable.send(Buffer.from(user('again')));
      await has(bob, 'again');
      // A second one of the same name: the first one ends.
      const second = alice.channels._reliable;
      alice.open_channel('_reliable', { ordered: true });
      await until(() => second.readyState === 'closed', { what: () => second.readyState });
      await open(alice, '_reliable');
      alice.channels._reliable.send(Buffer.from(user('third')));
      await has(bob, 'third');
      assert.ok(!texts(bob).some((text) => text.length === 70000));
    });

    await suite.check(`${label}: what comes on a channel of another name is a user packet for all [DC-12]`, async () => {
      const room = fresh_room('channels');
      const alice = await sender(suite, server, room, 'alice', v1);
      const bob = await sender(suite, server, room, 'bob', v1);
      alice.open_channel('my own', { ordered: true });
      await open(alice, 'my own');
      alice.channels['my own'].send(Buffer.from('no packet'));
      await has(bob, 'no packet');
      const packet = DataPacket.fromBinary(bob.data.find(({ label: on }) => on === '_reliable').bytes);
      assert.deepEqual([packet.participantIdentity, packet.participantSid], ['alice', '']);
      assert.equal(alice.data.length, 0);
    });
  }
}

// Header: flags, version, handle, sequence, frame number, time; extensions in between.
const frame = (handle, sequence, number, text, { flags = 0x18, reserved = 0, extension = [] } = {}) => {
  const head = Buffer.alloc(12);
  head[0] = flags;
  head[1] = reserved;
  head.writeUInt16BE(handle, 2);
  head.writeUInt16BE(sequence, 4);
  head.writeUInt16BE(number, 6);
  head.writeUInt32BE(0x01020304, 8);
  return Buffer.concat([head, Buffer.from(extension), Buffer.from(text)]);
};

async function data_track_check(suite, server) {
  await suite.check('frames of data tracks: the handle changes and nothing else, in the order they come; without a track, a header or the right there are none [DT-01] [DT-02] [DT-03] [DT-06] [IN-44]', async () => {
    const room = fresh_room('channels');
    const alice = await sender(suite, server, room, 'alice', true);
    const bob = await sender(suite, server, room, 'bob', true);
    const publish = async (pubHandle, name) => {
      alice.client.send('publishDataTrackRequest', { pubHandle, name });
      return (await alice.client.told('publishDataTrackResponse', (one) => one.info.name === name)).info;
    };
    const pose = await publish(7, 'pose');
    bob.client.send('updateDataSubscription', { updates: [{ trackSid: pose.sid, subscribe: true }] });
    const map = await bob.client.told('dataTrackSubscriberHandles', (one) => Object.keys(one.subHandles).length === 1);
    const handle = Number(Object.keys(map.subHandles)[0]);
    const got = () => bob.data.filter(({ label }) => label === '_data_track').map(({ bytes }) => bytes);
    const send = (bytes) => alice.channels._data_track.send(bytes);
    await until(() => {
      send(frame(7, 1, 1, 'ready'));
      return got().some((bytes) => bytes.includes('ready'));
    });
    const encrypted = [0, 4, 1, 13, ...Buffer.alloc(13, 0xab), 0]; // one of 13 octets, and padding
    const unknown = [0, 3, 2, 8, 1, 2, 3, 4, 5, 6, 7, 8, 99, 1, 0xff, 0];
    const sent = [
      frame(7, 10, 5, 'with keys', { flags: 0x1c, extension: encrypted }),
      frame(7, 11, 6, 'with others', { flags: 0x1c, extension: unknown }),
      frame(7, 30, 9, 'the end of a frame', { flags: 0x08 }),
      frame(7, 12, 7, 'its start, late', { flags: 0x10 }),
      frame(7, 12, 7, 'its start, late', { flags: 0x10 }),
      frame(7, 13, 8, 'of a later version', { flags: 0x38 }),
      frame(7, 14, 8, ''),
    ];
    const nothing = [frame(9, 15, 9, 'of no track'), Buffer.alloc(11, 7), Buffer.alloc(0)];
    for (const bytes of [...nothing, ...sent, ...nothing]) send(bytes);
    send(frame(7, 20, 20, 'the last'));
    await until(() => got().some((bytes) => bytes.includes('the last')));
    const expected = sent.map((bytes) => {
      const copy = Buffer.from(bytes);
      copy.writeUInt16BE(handle, 2);
      return copy.toString('hex');
    });
    const seen = got().map((bytes) => bytes.toString('hex')).filter((text) => !text.includes(Buffer.from('ready').toString('hex')));
    assert.deepEqual(seen.slice(0, -1), expected);

    // Without the right to publish data its tracks end, and its frames.
    const from = bob.client.log.length;
    alice.client.send('unpublishDataTrackRequest', { pubHandle: 7 });
    await bob.client.told('dataTrackSubscriberHandles', (one) => Object.keys(one.subHandles).length === 0, { from });
    send(frame(7, 21, 21, 'after the end'));
    alice.channels._reliable.send(Buffer.from(user('fence')));
    await has(bob, 'fence');
    assert.ok(!got().some((bytes) => bytes.includes('after the end')));
  });
}

export async function channel_checks(suite, server) {
  const groups = [opening_checks, frame_checks, data_track_check];
  await Promise.all(groups.map((group) => group(suite, server)));
}
