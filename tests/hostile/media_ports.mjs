// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Datagrams and TCP streams that are thrown at the media ports: from nowhere, and from a peer whose
// connectivity checks are right.

import dgram from 'node:dgram';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';

import { candidate_of, ice_of, make_offer, random_ice } from '../lib/sdp.mjs';
import { ROOT } from '../lib/server.mjs';
import { SignalClient } from '../lib/signal_client.mjs';
import { bind_path, binding_request, with_fingerprint } from '../lib/stun.mjs';
import { assert } from '../lib/suite.mjs';
import { sleep, until } from '../lib/wait.mjs';
import { attack } from './witness.mjs';

const kHellosPerSecond = 10000;
const kHelloSeconds = 2;
const kJunk = 20000;
const kJunkAnswers = 20; // alerts and the flight of a handshake that one peer's junk may bring
const kFewPaths = 8; // right checks from new addresses that are surely answered
const kCorpora = [
  'rtp',
  'rtcp',
  'stun',
  'rtp_extensions',
  'vp8',
  'transport_cc',
  'srtp',
  'dtls_session',
  'sctp_packet',
];

// A participant with a right UDP path and no DTLS behind it: {client, socket, address}.
export async function half_connected(place, identity) {
  const { server, room } = place;
  const local = random_ice();
  const offer = make_offer([{ kind: 'audio', direction: 'sendonly', cid: 'mic', ssrc: 77 }], local);
  const request = {
    publisherOffer: { type: 'offer', sdp: offer, id: 1 },
    addTrackRequests: [{ cid: 'mic', type: 0, source: 2 }],
  };
  const client = await SignalClient.join(server, room, identity, { request });
  await client.wait('answer');
  await client.wait('trickle');
  const remote = ice_of(client.last.answer.sdp);
  const addresses = client.trickles.map((one) => candidate_of(one.candidateInit));
  const address = addresses.find((one) => one.transport === 'udp' && one.port === server.ports.udp);
  assert.ok(address, `no UDP candidate in ${JSON.stringify(addresses)}`);
  const socket = await bind_path({ local, remote, address });
  return { client, socket, address, local, remote };
}

const uint = (value, size) => {
  const result = Buffer.alloc(size);
  result.writeUIntBE(value, 0, size);
  return result;
};

// DTLS 1.2 records (RFC 6347 §4.1, §4.2.2).
function record(type, body, { epoch = 0, sequence = 0, version = 0xfefd, length = body.length } = {}) {
  return Buffer.concat([uint(type, 1), uint(version, 2), uint(epoch, 2), uint(sequence, 6), uint(length, 2), body]);
}
function fragment(type, body, { length = body.length, number = 0, offset = 0, size = body.length } = {}) {
  return Buffer.concat([uint(type, 1), uint(length, 3), uint(number, 2), uint(offset, 3), uint(size, 3), body]);
}

// A ClientHello, with null cipher if wanted.
export function client_hello(random, sequence = 0, suites = [0xc02b, 0xc02f, 0x00ff, 0x0000]) {
  const list = Buffer.concat(suites.map((one) => uint(one, 2)));
  const extensions = Buffer.from('000e00050002000100' + '000a00040002001d', 'hex');
  const body = Buffer.concat([
    uint(0xfefd, 2),
    random.bytes(32),
    uint(0, 1),
    uint(0, 1),
    uint(list.length, 2),
    list,
    Buffer.from([1, 0]),
    uint(extensions.length, 2),
    extensions,
  ]);
  return record(22, fragment(1, body), { sequence });
}

function handshake_junk(random, index) {
  const kind = index % 10;
  const sequence = index;
  if (kind === 0) return record(22, fragment(1, Buffer.alloc(0), { length: 0 }), { sequence });
  if (kind === 1)
    return record(22, fragment(1, Buffer.alloc(0), { length: 0xffffff, number: index & 0xffff }), { sequence });
  if (kind === 2)
    return record(
      22,
      fragment(1, random.bytes(100), { length: 0xffffff, offset: random.below(0xffffff), number: index & 7 }),
      { sequence },
    );
  if (kind === 3)
    return record(22, fragment(11, random.bytes(1100), { length: 60000, offset: (index * 1100) % 60000 }), {
      sequence,
    });
  if (kind === 4) return record(22, Buffer.alloc(0), { sequence });
  if (kind === 5)
    return record(random.pick([20, 21, 23, 25, 63]), random.bytes(random.below(60)), {
      sequence,
      epoch: random.below(3),
    });
  if (kind === 6) return record(21, Buffer.from([2, random.below(120)]), { sequence });
  if (kind === 7) return record(22, random.bytes(40), { sequence, length: 0xffff });
  if (kind === 8) return random.mutate(client_hello(random, sequence));
  return Buffer.concat(
    Array.from({ length: 20 }, (_, part) =>
      record(22, fragment(1, random.bytes(1), { length: 5000, offset: part, number: 1 }), {
        sequence: sequence + part,
      }),
    ),
  );
}

// Sends a list of datagrams without losing them on our own side.
async function send_datagrams(socket, address, datagrams, { per_turn = 200 } = {}) {
  let count = 0;
  for (const bytes of datagrams) {
    socket.send(bytes, address.port, address.host, () => {});
    if ((count += 1) % per_turn === 0) await sleep(1);
  }
  return count;
}

async function open_socket(address) {
  const socket = dgram.createSocket(address.host.includes(':') ? 'udp6' : 'udp4');
  socket.on('error', () => {});
  await new Promise((resolve) => socket.bind(0, resolve));
  return socket;
}

// The files of the fuzz corpora, as packets to start from.
export function golden_packets() {
  const folder = path.join(ROOT, 'fuzz/corpus');
  const files = kCorpora.flatMap((name) => {
    const place = path.join(folder, name);
    return fs.existsSync(place)
      ? fs
          .readdirSync(place)
          .sort()
          .map((file) => path.join(place, file))
      : [];
  });
  const packets = files.map((file) => fs.readFileSync(file)).filter((bytes) => bytes.length > 0 && bytes.length < 1500);
  assert.ok(packets.length > 50, `${packets.length} packets in ${folder}`);
  return packets;
}

function* mutations(random, packets, count) {
  for (let index = 0; index < count; ++index) {
    const packet = random.pick(packets);
    const kind = random.below(10);
    if (kind < 2) yield packet.subarray(0, random.below(packet.length + 1));
    else if (kind < 3) yield random.bytes(1 + random.below(1400));
    else if (kind < 5)
      yield Buffer.concat([
        Buffer.from([0x80 | random.below(64), random.pick([96, 111, 200, 201, 205, 206, 224])]),
        packet.subarray(Math.min(2, packet.length)),
      ]);
    else yield random.mutate(packet);
  }
}

const is_stun_answer = (bytes) => bytes.length >= 20 && bytes[0] < 4 && (bytes.readUInt16BE(0) & 0x0100) !== 0;

// A check of which something before the end of MESSAGE-INTEGRITY is no longer what was signed.
function spoilt(random, good) {
  const result = Buffer.from(good);
  result[random.below(good.length - 8)] ^= 1 << random.below(8);
  return random.chance(0.5) ? result : with_fingerprint(result);
}

async function udp_attacks(place) {
  const { server, random } = place;
  const count = kHellosPerSecond * kHelloSeconds;

  await attack(
    place,
    `${kHellosPerSecond} spoofed ClientHellos a second while others join [IMM-1]`,
    async () => {
      const own = random.fork('hellos');
      const address = { host: place.media_host, port: server.ports.udp };
      const sockets = [];
      for (let index = 0; index < 20; ++index) sockets.push(await open_socket(address));
      const hellos = Array.from({ length: 500 }, (_, index) =>
        client_hello(own, index % 7, index % 2 ? [0x0000, 0x0001, 0x0002] : undefined),
      );
      const begin = Date.now();
      let sent = 0;
      let joined = 0;
      const joining = (async () => {
        while (sent < count) {
          const peer = await half_connected(place, `hello-${(joined += 1)}`);
          peer.socket.close();
          peer.client.destroy();
          await sleep(100);
        }
      })();
      while (sent < count) {
        const due = Math.min(count, ((Date.now() - begin) * kHellosPerSecond) / 1000);
        for (; sent < due; ++sent) sockets[sent % 20].send(hellos[sent % 500], address.port, address.host, () => {});
        await sleep(2);
      }
      console.log(`   ${sent} in ${Date.now() - begin} ms, ${joined} joins meanwhile`);
      await joining;
      for (const socket of sockets) socket.close();
      assert.ok(joined > 0);
    },
    { seconds: 60 },
  );

  await attack(
    place,
    'a valid path, then DTLS junk and zero-length fragments [IMM-4]',
    async () => {
      const own = random.fork('dtls');
      const peers = [];
      for (let index = 0; index < 5; ++index) peers.push(await half_connected(place, `dtls-${index}`));
      const answers = peers.map(() => ({ datagrams: 0, bytes: 0 }));
      for (const [index, { socket, address }] of peers.entries()) {
        socket.on('message', (bytes) => {
          answers[index].datagrams += 1;
          answers[index].bytes += bytes.length;
        });
        await send_datagrams(
          socket,
          address,
          (function* () {
            for (let index = 0; index < 4000; ++index) yield handshake_junk(own, index);
          })(),
        );
      }
      await sleep(300);
      for (const { socket, client } of peers) {
        socket.close();
        client.destroy();
      }
      console.log(`   answers: ${answers.map(({ datagrams, bytes }) => `${datagrams} (${bytes} bytes)`).join(', ')}`);
      for (const { datagrams, bytes } of answers) {
        assert.ok(datagrams <= kJunkAnswers, `${datagrams} answers to junk of one peer`);
        assert.ok(bytes <= kJunkAnswers * 1500, `${bytes} bytes for junk of one peer`);
      }
    },
    { seconds: 60 },
  );

  await attack(
    place,
    `${kJunk} changed, cut and random packets from nowhere and on a valid path [IMM-7]`,
    async () => {
      const packets = golden_packets();
      const own = random.fork('packets');
      const { socket, address, client } = await half_connected(place, 'junk');
      const nowhere = await open_socket(address);
      await send_datagrams(nowhere, address, mutations(own, packets, kJunk));
      await send_datagrams(socket, address, mutations(own, packets, kJunk));
      nowhere.close();
      socket.close();
      client.destroy();
    },
    { seconds: 60 },
  );

  await attack(
    place,
    'STUN: changed checks, wrong passwords, unknown names, thousands of paths [IMM-7] [IMM-15]',
    async () => {
      const own = random.fork('stun');
      const { socket, address, client, local, remote } = await half_connected(place, 'stun');
      // Of the class "success" or "error" (RFC 8489 §5); nobody who does not know the password gets one.
      let forged = 0;
      socket.on('message', (bytes) => (forged += is_stun_answer(bytes) ? 1 : 0));
      await send_datagrams(
        socket,
        address,
        (function* () {
          for (let index = 0; index < 5000; ++index) {
            const good = binding_request({ local, remote, nominate: own.chance(0.5) });
            const kind = own.below(3);
            if (kind === 0) yield spoilt(own, good);
            if (kind === 1) yield binding_request({ local, remote: { ufrag: remote.ufrag, pwd: 'x'.repeat(32) } });
            if (kind === 2) yield binding_request({ local: random_ice(), remote: random_ice() });
          }
        })(),
      );
      const paths = [];
      for (let index = 0; index < 300; ++index) paths.push(await open_socket(address));
      let answered = 0;
      for (const one of paths) {
        one.on('message', (bytes) => (answered += is_stun_answer(bytes) ? 1 : 0));
        one.send(binding_request({ local, remote }), address.port, address.host, () => {});
      }
      // They came after the forged ones: once these are answered, those were looked at.
      await until(() => answered >= kFewPaths, { what: () => `answers to right checks, got ${answered}` });
      for (const one of [...paths, socket]) one.close();
      client.destroy();
      assert.equal(forged, 0, 'answers to forged checks');
    },
    { seconds: 60 },
  );
}

async function tcp_attacks(place) {
  const { server, random } = place;
  let connected = 0;
  const connect = () =>
    net
      .connect({ port: server.ports.tcp, host: place.media_host }, () => (connected += 1))
      .on('error', () => {});

  await attack(
    place,
    'media over TCP: junk, cut frames, silence, thousands of connections [IMM-7] [IMM-15]',
    async () => {
      const own = random.fork('tcp');
      const packets = golden_packets();
      for (let round = 0; round < 300; ++round) {
        const socket = connect();
        for (let part = own.below(5); part >= 0; --part) {
          const packet = own.mutate(own.pick(packets));
          const length = own.chance(0.2) ? own.below(65536) : packet.length;
          socket.write(Buffer.concat([uint(length, 2), packet]));
        }
        if (own.chance(0.5)) socket.end();
        if (round % 50 === 0) await sleep(20);
      }
      const silent = Array.from({ length: 500 }, connect);
      await sleep(500);
      for (const socket of silent) socket.resetAndDestroy();
      assert.ok(connected >= 400, `${connected} connections`);
    },
    { seconds: 60 },
  );

  await attack(
    place,
    'media over TCP: a peer that does not read what it asked for [IMM-15]',
    async () => {
      const { client, local, remote, socket: udp } = await half_connected(place, 'tcp');
      const socket = connect();
      socket.pause();
      let open = true;
      socket.on('close', () => (open = false));
      let asked = 0;
      for (; asked < 20000 && open; ++asked) {
        const request = binding_request({ local, remote });
        if (!socket.write(Buffer.concat([uint(request.length, 2), request]))) await sleep(1);
      }
      assert.ok(asked >= 500, `${asked} checks`);
      socket.destroy();
      udp.close();
      client.destroy();
    },
    { seconds: 60 },
  );
}

export async function media_port_attacks(place) {
  const probe = await half_connected(place, 'probe');
  place.media_host = probe.address.host;
  probe.socket.close();
  await probe.client.leave();
  await udp_attacks(place);
  await tcp_attacks(place);
}
