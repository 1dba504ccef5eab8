// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// ICE over TCP as a stream shows it: frames, what ends it, and how long it may be nobody's.

import { randomBytes } from 'node:crypto';
import net from 'node:net';

import { random_ice } from '../lib/sdp.mjs';
import { binding_request, binding_success, is_success, parse_stun } from '../lib/stun.mjs';
import { assert } from '../lib/suite.mjs';
import { sleep, until } from '../lib/wait.mjs';
import { fresh_room } from './client.mjs';
import { is_dtls, RawPath } from './raw_path.mjs';

const framed = (bytes) => {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(bytes.length);
  return Buffer.concat([length, bytes]);
};

// A stream to the TCP candidate: {write, frames, open}.
function open_stream(suite, { host, port }) {
  const socket = net.connect({ host, port });
  const stream = { open: true, frames: [], write: (bytes) => socket.write(bytes) };
  let unread = Buffer.alloc(0);
  socket.on('data', (bytes) => {
    unread = Buffer.concat([unread, bytes]);
    while (unread.length >= 2 && unread.length >= 2 + unread.readUInt16BE(0)) {
      stream.frames.push(unread.subarray(2, 2 + unread.readUInt16BE(0)));
      unread = unread.subarray(2 + unread.readUInt16BE(0));
    }
  });
  socket.on('error', () => {});
  socket.on('close', () => (stream.open = false));
  suite.cleanup(() => socket.destroy());
  return stream;
}

export async function stream_checks(suite, server) {
  await suite.check('ICE over TCP: framed checks are answered and DTLS follows; other first frames end the stream, wrong passwords do not [ICE-08]', async () => {
    const path = await RawPath.publisher(suite, server, fresh_room('ice'), 'alice', { v1: true });
    const { local, remote } = path;
    const broken = { 'no STUN': framed(randomBytes(60).fill(0x80, 0, 1)), 'too long': Buffer.from([0x20, 0x01, 0, 1]) };
    for (const [what, bytes] of Object.entries(broken)) {
      const stream = open_stream(suite, path.tcp);
      stream.write(bytes);
      await until(() => !stream.open, { timeout: 3000, what: `the end of a stream: ${what}` });
      assert.equal(stream.frames.length, 0);
    }
    const stream = open_stream(suite, path.tcp);
    stream.write(framed(binding_request({ local, remote: { ...remote, pwd: 'y'.repeat(32) } })));
    const request = binding_request({ local, remote });
    // In two pieces: a frame is no segment.
    const bytes = framed(request);
    stream.write(bytes.subarray(0, 31));
    await sleep(50);
    stream.write(bytes.subarray(31));
    await until(() => stream.frames.some(is_success), { what: 'an answer on the stream' });
    assert.equal(stream.frames.filter(is_success).length, 1, 'the wrong password is answered');
    await until(() => stream.frames.some((one) => parse_stun(one)?.type === 1), { what: 'a check on the stream' });
    const check = stream.frames.find((one) => parse_stun(one)?.type === 1);
    stream.write(framed(binding_success(check, path.tcp, local.pwd)));
    await until(() => stream.frames.some(is_dtls), { what: 'DTLS on the stream' });
    assert.ok(stream.open);
  });
}

// For the suite that has the time.
export async function slow_stream_checks(suite, server) {
  await suite.check('streams without a first frame, or for a name that nobody has, end after 30 s [ICE-08]', async () => {
    const path = await RawPath.publisher(suite, server, fresh_room('timers-ice'), 'alice', { v1: true });
    const begin = Date.now();
    const [silent, stranger] = [open_stream(suite, path.tcp), open_stream(suite, path.tcp)];
    stranger.write(framed(binding_request({ local: random_ice(), remote: random_ice() })));
    await sleep(25000);
    assert.ok(silent.open && stranger.open, 'ended early');
    await until(() => !silent.open && !stranger.open, { timeout: 12000 });
    assert.ok(Date.now() - begin > 28000);
    assert.equal(stranger.frames.length, 0);
  }, { seconds: 60 });
}
