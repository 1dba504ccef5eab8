// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// `room join`: who publishes a file is heard and recorded by another, octet for octet.

import fs from 'node:fs';
import path from 'node:path';

import { AccessToken, RoomServiceClient } from 'livekit-server-sdk';

import { is_dtls, MediaProxy } from '../lib/media_proxy.mjs';
import { Peer } from '../lib/rtc_peer.mjs';
import { KEY, SECRET } from '../lib/server.mjs';
import { assert } from '../lib/suite.mjs';
import { sleep, until } from '../lib/wait.mjs';
import { folder } from './program.mjs';
import { fails } from './verb_rooms.mjs';

// Pictures that nobody decodes, but whose headers are those of VP8: a key frame each second.
function ivf_file(frames) {
  const head = Buffer.alloc(32);
  head.write('DKIF');
  head.writeUInt16LE(32, 6);
  head.write('VP80', 8);
  head.writeUInt16LE(320, 12);
  head.writeUInt16LE(180, 14);
  head.writeUInt32LE(25, 16);
  head.writeUInt32LE(1, 20);
  const parts = [head];
  for (let i = 0; i < frames; i += 1) {
    const key = i % 25 === 0;
    const body = Buffer.alloc(key ? 3000 : 400, i);
    body[0] = key ? 0x10 : 0x11;
    if (key) Buffer.from([0x9d, 0x01, 0x2a, 0x40, 0x01, 0xb4, 0x00]).copy(body, 3);
    const header = Buffer.alloc(12);
    header.writeUInt32LE(body.length);
    header.writeUInt32LE(i, 4);
    parts.push(header, body);
  }
  return Buffer.concat(parts);
}

function ivf_frames(file) {
  const frames = [];
  for (let at = 32; at + 12 <= file.length; ) {
    const size = file.readUInt32LE(at);
    frames.push(file.subarray(at + 12, at + 12 + size).toString('hex'));
    at += 12 + size;
  }
  return frames;
}

// Pages of one packet, as small ones are; readers of ours pass over the checksum.
function ogg_file(packets) {
  const page = (body, flags, sequence) => {
    const head = Buffer.alloc(28);
    head.write('OggS');
    head[5] = flags;
    head.writeUInt32LE(7, 14);
    head.writeUInt32LE(sequence, 18);
    head[26] = 1;
    head[27] = body.length;
    return Buffer.concat([head, body]);
  };
  const headers = [Buffer.from('OpusHead\x01\x02\x00\x00\x80\xbb\x00\x00\x00\x00\x00', 'latin1'), Buffer.from('OpusTags\x00\x00\x00\x00\x00\x00\x00\x00', 'latin1')];
  return Buffer.concat([...headers, ...packets].map((body, i) => page(body, i === 0 ? 2 : 0, i)));
}

function ogg_packets(file) {
  const packets = [];
  for (let at = 0; at + 27 <= file.length; ) {
    const segments = file[at + 26];
    const size = file.subarray(at + 27, at + 27 + segments).reduce((sum, one) => sum + one, 0);
    packets.push(file.subarray(at + 27 + segments, at + 27 + segments + size).toString('hex'));
    at += 27 + segments + size;
  }
  // Those of one octet stand for time in which nothing came.
  return packets.slice(2).filter((packet) => packet.length > 2);
}

// Where the sound ends, as the last page says.
function ogg_millis(file) {
  const last = file.lastIndexOf('OggS');
  return last < 0 ? 0 : Number(file.readBigUInt64LE(last + 6)) / 48;
}

// What the server shows of a track that has ended: a picture of 8 by 8 and silence.
const kBlankPicture = /^1002009d012a08000800/;
const kSilence = /^f8fffe/;

function without_end(list, own) {
  const end = list.findLastIndex((one) => !own.test(one)) + 1;
  assert.ok(list.length - end < 20, `${list.length - end} of the server's own`);
  return list.slice(0, end);
}

// Every one of `some` stands in `all`, and in that order.
function is_part(some, all) {
  let at = 0;
  for (const one of some) {
    at = all.indexOf(one, at);
    if (at < 0) return false;
    at += 1;
  }
  return true;
}

export async function join_checks(suite, cli, server) {
  const rooms = new RoomServiceClient(server.http, KEY, SECRET);
  const start = (args) => {
    const one = { out: () => '' };
    one.ended = cli.run(['room', 'join', 'joined', '-o', 'jsonl', ...args], {
      millis: 25000,
      started: (child, out) => Object.assign(one, { child, out }),
    });
    suite.cleanup(() => one.child?.kill('SIGKILL'));
    return one;
  };

  await suite.check('room join: files that one publishes are recorded by another, data and ends are told [LKC-20] [LKC-21] [LKC-24]', async () => {
    const place = folder(suite);
    const sounds = Array.from({ length: 400 }, (_, i) => Buffer.from([0xfc, i & 255, i >> 8, 1, 2, 3]));
    fs.writeFileSync(path.join(place, 'a.ogg'), ogg_file(sounds));
    fs.writeFileSync(path.join(place, 'a.ivf'), ivf_file(200));
    const recorder = start(['--identity', 'rec', '--record', path.join(place, 'out')]);
    await until(() => recorder.out().includes('"connected"'), { what: 'the recorder' });
    const publisher = start(['--identity', 'pub', '--publish', path.join(place, 'a.ogg'), '--publish', path.join(place, 'a.ivf'), '--publish-data', 'hello', '--exit-after-publish']);
    const probe = await cli.run(['room', 'join', 'joined', '--expect-tracks', '2', '--timeout', '10s', '-q'], { millis: 15000 });
    assert.equal(probe.code, 0, probe.err);
    const ended = await publisher.ended;
    assert.equal(ended.code, 0, ended.err);
    await until(() => recorder.out().includes('"participant disconnected"'), { what: 'the end of the publisher' });
    recorder.child.kill('SIGINT');
    const { code, out } = await recorder.ended;
    assert.equal(code, 0);
    const events = out.trim().split('\n').map((line) => JSON.parse(line));
    assert.ok(events.some((event) => event.event === 'data' && event.data === 'hello' && event.participant === 'pub'), out);
    const files = events.filter((event) => event.event === 'recording').map((event) => event.file);
    assert.deepEqual(files.map((file) => path.extname(file)).sort(), ['.ivf', '.ogg']);
    const read = (extension) => fs.readFileSync(path.join(place, 'out', files.find((file) => file.endsWith(extension))));
    const pictures = without_end(ivf_frames(read('.ivf')), kBlankPicture);
    const packets = without_end(ogg_packets(read('.ogg')), kSilence);
    assert.ok(pictures.length > 100 && is_part(pictures, ivf_frames(ivf_file(200))), `${pictures.length} pictures`);
    assert.ok(packets.length > 200 && is_part(packets, sounds.map((one) => one.toString('hex'))), `${packets.length} packets`);
  }, { seconds: 30 });

  await suite.check('room join: the microphone of an SDK, which sends redundant sound, is recorded as Opus, in its time [LKC-24] [SDP-24]', async () => {
    const place = folder(suite);
    const recorder = start(['--identity', 'rec', '--record', path.join(place, 'out')]);
    await until(() => recorder.out().includes('"connected"'), { what: 'the recorder' });
    const talker = await Peer.join(suite, server, 'joined', 'talker');
    await talker.publish_tone();
    const recorded = () => {
      const name = fs.existsSync(path.join(place, 'out')) && fs.readdirSync(path.join(place, 'out')).find((one) => one.startsWith('talker'));
      return name ? fs.readFileSync(path.join(place, 'out', name)) : Buffer.alloc(0);
    };
    await until(() => recorded().length > 100, { what: 'a recording' });
    const [from, before] = [Date.now(), ogg_millis(recorded())];
    await sleep(4000);
    const [took, grew] = [Date.now() - from, ogg_millis(recorded()) - before];
    assert.ok(Math.abs(grew - took) < 1000, `${grew} ms of sound in ${took} ms`);
    const packets = ogg_packets(recorded());
    assert.ok(packets.length > 100, `${packets.length} packets`);
    // One frame of 20 ms each: what begins with the header of a redundant block says otherwise.
    for (const packet of packets) assert.equal(parseInt(packet.slice(0, 2), 16) & 3, 0, packet.slice(0, 16));
    recorder.child.kill('SIGINT');
    assert.equal((await recorder.ended).code, 0);
    await talker.leave();
  }, { seconds: 25 });

  await suite.check('room join: who leaves behind what it said has it acknowledged first [LKC-21] [DC-20]', async () => {
    const hearer = start(['--identity', 'hearer']);
    await until(() => hearer.out().includes('"connected"'), { what: 'the hearer' });
    const proxy = await MediaProxy.start(suite, server);
    // Nothing else that it sends by then is as long: the message is lost twice.
    let lost = 0;
    proxy.to_server = (bytes) => !(is_dtls(bytes) && bytes.length > 900 && lost++ < 2);
    const text = 'x'.repeat(1000);
    const { code, err } = await start(['--url', proxy.ws, '--identity', 'teller', '--publish-data', text, '--exit-after-publish']).ended;
    assert.equal(code, 0, err);
    assert.ok(lost > 2, `${lost} datagrams`);
    await until(() => hearer.out().includes(text), { what: 'what was said' });
    hearer.child.kill('SIGINT');
    assert.equal((await hearer.ended).code, 0);
  }, { seconds: 30 });

  await suite.check('room join: what may not be published is not waited for [LKC-21] [TOK-11]', async () => {
    const place = folder(suite);
    fs.writeFileSync(path.join(place, 'a.ogg'), ogg_file([Buffer.from([0xfc, 1])]));
    const token = new AccessToken(KEY, SECRET, { identity: 'mute' });
    token.addGrant({ roomJoin: true, room: 'joined', canPublish: false });
    const one = start(['--token', await token.toJwt(), '--publish', path.join(place, 'a.ogg'), '--exit-after-publish']);
    const { code, err } = await one.ended;
    assert.equal(code, 1);
    assert.match(err, /did not take what was to be published; does the token allow it/);
  });

  await suite.check('room join: put out it ends with 0, unwelcome with 1, and a probe that sees nothing with 2 [LKC-24]', async () => {
    const one = start(['--identity', 'out']);
    await until(async () => (await rooms.listParticipants('joined')).some((who) => who.identity === 'out'));
    await rooms.removeParticipant('joined', 'out');
    const { code, out } = await one.ended;
    assert.equal(code, 0);
    assert.match(out, /"event":"disconnected","reason":"PARTICIPANT_REMOVED"/);
    await fails(cli, ['room', 'join', 'joined', '--identity', 'x', '--api-secret', 'y'.repeat(40)], 'the server refuses the token');
    await fails(cli, ['room', 'join', 'joined', '--identity', 'x', '--url', 'ws://127.0.0.1:1'], 'cannot connect to 127.0.0.1:1');
    const probe = await cli.run(['room', 'join', 'nothing', '--identity', 'p', '--expect-tracks', '1', '--timeout', '1s', '-q']);
    assert.deepEqual([probe.code, probe.err], [2, 'error: fewer than 1 tracks flow\n']);
  });

  await suite.check('room join --token: without a key; over /rtc too', async () => {
    const token = (await cli.run(['token', 'create', '--join', '--room', 'joined', '--identity', 'given', '-q'])).out.trim();
    const one = start(['--token', token, '--signal', 'v0']);
    await until(async () => (await rooms.listParticipants('joined')).some((who) => who.identity === 'given' && who.state === 2), { what: 'the participant of the token' });
    one.child.kill('SIGINT');
    assert.equal((await one.ended).code, 0);
  });
}
