// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// What goes over a connection beside the media itself: the SCTP of the data channels chunk by chunk,
// sizes of packets, and RTCP in packets of its own.

import { DataPacket, SignalTarget } from '@livekit/protocol';
import { DataPacket_Kind } from 'livekit-server-sdk';
import { RTCPeerConnection } from 'werift';

import { room_client } from '../api/clients.mjs';
import { is_media, is_rtcp, MediaProxy } from '../lib/media_proxy.mjs';
import { start_server } from '../lib/server.mjs';
import { assert } from '../lib/suite.mjs';
import { sleep, until } from '../lib/wait.mjs';
import { Client, fresh_room } from './client.mjs';
import { MediaClient, more } from './media.mjs';

const { PUBLISHER, SUBSCRIBER } = SignalTarget;
const kData = 0;
const kInit = 1;
const kInitAck = 2;
const kSack = 3;
const kBinary = 53;
const kSupportedExtensions = 0x8008;
const kForwardTsn = 192;
const kReconfig = 130;

// The chunks of an SCTP packet (RFC 9260 §3.2): {type, value}.
function chunks_of(packet) {
  const chunks = [];
  for (let at = 12; at + 4 <= packet.length; ) {
    const length = packet.readUInt16BE(at + 2);
    chunks.push({ type: packet[at], value: packet.subarray(at + 4, at + length) });
    at += length + ((4 - (length % 4)) % 4);
  }
  return chunks;
}

function init_of(value) {
  const parameters = new Map();
  for (let at = 16; at + 4 <= value.length; ) {
    const length = value.readUInt16BE(at + 2);
    parameters.set(value.readUInt16BE(at), value.subarray(at + 4, at + length));
    at += length + ((4 - (length % 4)) % 4);
  }
  return { window: value.readUInt32BE(4), out: value.readUInt16BE(8), in: value.readUInt16BE(10), parameters };
}

// A client of a single connection with a data channel, whose SCTP packets are seen before it sees
// them: {client, channel, chunks, drop}.
async function data_client(suite, server, room, identity) {
  const client = await Client.join(suite, server, room, identity, { v1: true });
  const connection = new RTCPeerConnection({ iceServers: [], iceUseIpv6: false });
  suite.cleanup(() => connection.close());
  const peer = { client, chunks: [], sizes: [], drop: () => false, data: [] };
  connection.onIceCandidate.subscribe((one) => {
    if (one) client.send('trickle', { candidateInit: JSON.stringify(one.toJSON()), target: PUBLISHER });
  });
  peer.channel = connection.createDataChannel('_reliable', { ordered: true });
  connection.createDataChannel('_lossy', { ordered: false, maxRetransmits: 0 });
  peer.channel.onMessage.subscribe((bytes) => peer.data.push(bytes));
  await connection.setLocalDescription(await connection.createOffer());
  const { dtlsTransport } = connection.sctpTransport;
  let receive = dtlsTransport.dataReceiver;
  Object.defineProperty(dtlsTransport, 'dataReceiver', {
    get: () => (packet) => {
      peer.sizes.push(packet.length);
      const found = chunks_of(packet).map((one) => ({ ...one, at: Date.now() }));
          peer.chunks.push(...found);
      if (!found.some((one) => peer.drop(one))) receive(packet);
    },
    set: (value) => (receive = value),
  });
  client.send('offer', { type: 'offer', sdp: connection.localDescription.sdp, id: 1 });
  await connection.setRemoteDescription({ type: 'answer', sdp: (await client.told('answer')).sdp });
  await until(() => peer.channel.readyState === 'open', { what: () => `a data channel, is ${peer.channel.readyState}` });
  // werift gives the eighth record of its epoch the number of its Finished; the server drops it as a
  // replay (RFC 6347 §4.1.2.6), and SCTP sends it again.
  const { sctp } = connection.sctpTransport;
  for (let i = 0; i < 10; ++i) peer.channel.send(user_packet('warm'));
  await until(() => sctp.sentQueue.length === 0 && sctp.outboundQueue.length === 0, { what: 'all to be acknowledged' });
  peer.of = (type) => peer.chunks.filter((one) => one.type === type);
  return peer;
}

const user_packet = (text) => Buffer.from(new DataPacket({ value: { case: 'user', value: { payload: Buffer.from(text) } } }).toBinary());

// The packets of a message of 14 000 octets that come before any is acknowledged.
async function first_flight(suite, server) {
  const room = fresh_room('window');
  const bob = await data_client(suite, server, room, 'bob');
  const from = bob.of(kData).length;
  bob.drop = ({ type }) => type === kData;
  await room_client(server).sendData(room, Buffer.alloc(14000, 1), DataPacket_Kind.RELIABLE, { destinationIdentities: ['bob'] });
  await until(() => bob.of(kData).length > from);
  await sleep(500);
  return new Set(bob.of(kData).slice(from).map((one) => one.value.readUInt32BE(0))).size; // a timeout sends them again
}

async function window_checks(suite, server) {
  await suite.check('rtc.sctp_min_cwnd: so much leaves before anything is acknowledged, else four packets [SCTP-03]', async () => {
    assert.ok((await first_flight(suite, server)) <= 4);
    const other = await start_server(suite, { rtc: { sctp_min_cwnd: 65536 } });
    assert.ok((await first_flight(suite, other)) >= 12);
    await other.stop();
    other.forget();
  });
}

async function sctp_checks(suite, server) {
  await suite.check('SCTP: streams, window and extensions of the handshake; what is lost comes again after a second, one message alone is acknowledged after 200 ms [SCTP-01] [NET-01]', async () => {
    const room = fresh_room('transport');
    const bob = await data_client(suite, server, room, 'bob');
    const greetings = [...bob.of(kInit), ...bob.of(kInitAck)].map((one) => init_of(one.value));
    assert.ok(greetings.length > 0);
    for (const greeting of greetings) {
      assert.deepEqual([greeting.window, greeting.out, greeting.in], [1 << 20, 65535, 65535]);
      const extensions = [...(greeting.parameters.get(kSupportedExtensions) ?? [])];
      assert.ok(extensions.includes(kForwardTsn) && extensions.includes(kReconfig), `${extensions}`);
    }
    // One message from the server, of which the first copy never arrives.
    const send = (text) => room_client(server).sendData(room, Buffer.from(text), DataPacket_Kind.RELIABLE, { destinationIdentities: ['bob'] });
    const seen = new Map();
    bob.drop = ({ type, value, at }) => {
      if (type !== kData) return false;
      const number = value.readUInt32BE(0);
      const times = seen.get(number) ?? [];
      seen.set(number, [...times, at]);
      return times.length === 0;
    };
    await send('lost once');
    await until(() => bob.data.some((one) => one.includes('lost once')));
    const [times] = [...seen.values()];
    assert.ok(times[1] - times[0] > 850 && times[1] - times[0] < 2500, `${times[1] - times[0]} ms`);
    const data = bob.of(kData).find((one) => one.value.includes('lost once'));
    assert.equal(data.value.readUInt32BE(8), kBinary);
    bob.drop = () => false;

    const waits = [];
    for (let i = 0; i < 3; ++i) {
      const from = bob.chunks.length;
      const begin = Date.now();
      bob.channel.send(user_packet('alone'));
      const sack = await until(() => bob.chunks.slice(from).find((one) => one.type === kSack), { every: 5 });
      waits.push(sack.at - begin);
    }
    assert.ok(Math.min(...waits) >= 100 && Math.min(...waits) < 600, `${waits} ms`);
    // Strings and nothing at all are no data packets; they end nothing.
    bob.channel.send('text');
    bob.channel.send(Buffer.alloc(0));
    bob.channel.send('');
    await send('still here');
    await until(() => bob.data.some((one) => one.includes('still here')));
  });

  await suite.check('a message of many packets: none is longer than SCTP may have [NET-01]', async () => {
    const room = fresh_room('transport');
    const bob = await data_client(suite, server, room, 'bob');
    const alice = await data_client(suite, server, room, 'alice');
    const { sdp } = alice.client.all('answer')[0];
    assert.match(sdp, /^a=max-message-size:65535\r$/m);
    const text = 'x'.repeat(15000);
    alice.channel.send(user_packet(text));
    await until(() => bob.data.some((one) => one.includes(text)));
    const longest = Math.max(...bob.sizes);
    assert.ok(longest <= 1191 && longest > 1100, `${longest} octets`);
    assert.ok(bob.sizes.filter((one) => one === longest).length >= 12);
  });
}

async function size_check(suite, server) {
  await suite.check('RTP of 1400 octets passes whole, datagrams over the size of a slot are dropped, and nothing else is [NET-01]', async () => {
    const proxy = await MediaProxy.start(suite, server);
    const through = { ports: { ...server.ports, http: Number(new URL(proxy.ws).port) } };
    const room = fresh_room('transport');
    const alice = await MediaClient.join(suite, through, room, 'alice');
    const bob = await MediaClient.join(suite, server, room, 'bob');
    const payload = Buffer.alloc(1380, 7);
    let longest = 0;
    proxy.to_server = (bytes) => {
      longest = Math.max(longest, bytes.length);
      return true;
    };
    await alice.publish('audio', { disableRed: true, frames: () => ({ payload, marker: true }) });
    await more(bob, 'audio', 10);
    assert.deepEqual(bob.packets.get('audio').last, payload);
    assert.ok(longest > 1400 && longest < 1498, `${longest}`);
    for (let i = 0; i < 20; ++i) proxy.inject(Buffer.concat([Buffer.from([0x80, 111]), Buffer.alloc(1600 + i, i)]));
    await more(bob, 'audio', 30);
    assert.equal(alice.client.all('leave').length, 0);
  });
}

async function rtcp_check(suite, server) {
  await suite.check('one transport for all, RTCP beside RTP on it and in packets of its own, both ways [NET-02]', async () => {
    const proxy = await MediaProxy.start(suite, server);
    const through = { ports: { ...server.ports, http: Number(new URL(proxy.ws).port) } };
    const room = fresh_room('transport');
    const alice = await MediaClient.join(suite, through, room, 'alice');
    const bob = await MediaClient.join(suite, server, room, 'bob');
    let drop = 0;
    proxy.to_server = (bytes) => !is_media(bytes) || is_rtcp(bytes) || (drop += 1) % 7 !== 0;
    await alice.publish('audio');
    await alice.publish('video');
    const publisher = alice.connection(PUBLISHER);
    assert.equal(publisher.dtlsTransports.length, 1);
    assert.equal(publisher.iceTransports.length, 1);
    // Types of each RTCP packet that comes as one datagram.
    const came = [];
    const { srtcp } = publisher.dtlsTransports[0];
    const decrypt = srtcp.decrypt;
    srtcp.decrypt = (bytes) => {
      const clear = decrypt(bytes);
      const types = [];
      for (let at = 0; at + 4 <= clear.length; at += 4 * (clear.readUInt16BE(at + 2) + 1)) types.push(clear[at + 1]);
      came.push(types);
      return clear;
    };
    let asked = 0;
    const [, sender] = publisher.getTransceivers().map((one) => one.sender);
    sender.onPictureLossIndication.subscribe(() => (asked += 1));
    await more(bob, 'video', 20);
    const kinds = () => new Set(came.filter((one) => one.length === 1).map(([type]) => type));
    // NACK, and PLI below; what is due with a report may come behind it (RFC 3611 too).
    const right = () => kinds().has(205) && came.some(([type]) => type === 201);
    await until(right, { what: () => `reports, and NACK alone, got ${JSON.stringify(came.slice(-20))}` });
    asked = 0;
    const [receiver] = bob.connection(SUBSCRIBER).getTransceivers().filter((one) => one.kind === 'video').map((one) => one.receiver);
    const ssrc = bob.ssrc_of('video');
    const request = async () => {
      await receiver.sendRtcpPLI(ssrc);
      return asked > 0 && kinds().has(206);
    };
    await until(request, { every: 700, what: 'the request for a key frame, alone' });
    // Where there is a report it comes first; feedback needs none (RFC 5506).
    const fits = (types) => types[0] === 201 || types.every((one) => one === 205 || one === 206);
    assert.ok(came.every(fits), JSON.stringify(came.find((types) => !fits(types))));
  });
}

export async function transport_checks(suite, server) {
  const groups = [sctp_checks, window_checks, size_check, rtcp_check];
  await Promise.all(groups.map((group) => group(suite, server)));
}
