// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// HTTP and WebSocket as weapons: bodies too large, too deep, compressed, never ending; frames that
// break RFC 6455.

import net from 'node:net';
import zlib from 'node:zlib';

import { AccessToken } from 'livekit-server-sdk';

import { frame, kBinary, kContinuation, kPing, kText, open_websocket } from '../lib/raw_websocket.mjs';
import { KEY, SECRET } from '../lib/server.mjs';
import { SignalClient } from '../lib/signal_client.mjs';
import { assert } from '../lib/suite.mjs';
import { join_token } from '../lib/token.mjs';
import { sleep, until } from '../lib/wait.mjs';
import { attack } from './witness.mjs';

const kMega = 1 << 20;

async function api_token() {
  const token = new AccessToken(KEY, SECRET, { identity: 'api', ttl: 600 });
  token.addGrant({ roomCreate: true, roomList: true, roomAdmin: true, room: 'bombs' });
  return token.toJwt();
}

// One request on a raw connection: writes `parts` one after the other, gives the status (0: closed).
function raw_request(port, parts, { timeout = 8000 } = {}) {
  return new Promise((resolve) => {
    const socket = net.connect({ port, host: '127.0.0.1' });
    let text = '';
    const done = () => {
      clearTimeout(late);
      socket.destroy();
      resolve(Number(/^HTTP\/1.1 (\d+)/.exec(text)?.[1] ?? 0));
    };
    const late = setTimeout(done, timeout);
    socket.on('error', done);
    socket.on('close', done);
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1');
      if (text.includes('\r\n\r\n')) done();
    });
    socket.on('connect', () => {
      for (const part of parts) socket.write(part);
    });
  });
}

function json_bombs() {
  const room = (name) => JSON.stringify({ name });
  return {
    'deep array': '['.repeat(100000),
    'deep array, closed': '['.repeat(50000) + ']'.repeat(50000),
    'deep object': '{"name":'.repeat(50000),
    'deep in a field': `{"name":"bombs","agents":${'[{"agents":'.repeat(20000)}`,
    'many keys': `{${Array.from({ length: 100000 }, (_, index) => `"k${index}":1`).join(',')}}`,
    'one key often': `{${Array(100000).fill('"name":"bombs"').join(',')}}`,
    'a huge number': `{"emptyTimeout":${'9'.repeat(1000000)}}`,
    'a huge text': room('x'.repeat(5 * kMega)),
    'broken escapes': `{"name":"${'\\ud800'.repeat(100000)}"}`,
  };
}

function wide_bombs() {
  return {
    'huge attributes': JSON.stringify({
      room: 'bombs',
      identity: 'x',
      attributes: Object.fromEntries(Array.from({ length: 50000 }, (_, index) => [`a${index}`, 'v'])),
    }),
  };
}

async function body_attacks(place) {
  const { server } = place;
  const { http: port } = server.ports;
  const bearer = `Bearer ${await api_token()}`;
  const post = (method, body, headers = {}) =>
    fetch(`${server.http}/twirp/livekit.RoomService/${method}`, {
      method: 'POST',
      headers: { Authorization: bearer, 'Content-Type': 'application/json', ...headers },
      body,
    })
      .then(async (reply) => (await reply.arrayBuffer(), reply.status))
      .catch(() => 0);

  await attack(place, 'JSON bombs are refused [IMM-13]', async () => {
    for (const method of ['CreateRoom', 'UpdateParticipant', 'SendData']) {
      for (const [name, body] of Object.entries(json_bombs())) {
        const status = await post(method, body);
        assert.ok(status >= 400 && status < 500, `${method}, ${name}: ${status}`);
      }
    }
    for (const [name, body] of Object.entries(wide_bombs())) {
      const status = await post('UpdateParticipant', body);
      assert.ok(status >= 400 && status < 500, `${name}: ${status}`);
    }
    assert.equal(await post('ListRooms', '{}'), 200);
  });

  await attack(place, 'protobuf bombs are refused [IMM-13]', async () => {
    const proto = { 'Content-Type': 'application/protobuf' };
    const deep = (depth) => {
      let bytes = Buffer.alloc(0);
      for (let left = depth; left > 0; --left)
        bytes = Buffer.concat([Buffer.from([0x7a]), varint(bytes.length), bytes]);
      return bytes;
    };
    const nested = await post('CreateRoom', deep(300), proto); // an unknown field is left alone
    assert.ok(nested < 500, `nested fields: ${nested}`);
    const bodies = [
      Buffer.alloc(kMega, 0x0b),
      Buffer.concat([Buffer.from([0x0a]), varint(2 ** 31)]),
      Buffer.from('0affffffff0f', 'hex'),
      Buffer.from('ffffffffffffffffffff01', 'hex'),
    ];
    for (const body of bodies) {
      const status = await post('CreateRoom', body, proto);
      assert.ok(status >= 400 && status < 500, `${body.subarray(0, 8).toString('hex')}: ${status}`);
    }
  });

  await attack(
    place,
    'oversize, lying and endless bodies and heads are cut [IMM-13] [CON-05]',
    async () => {
      const lines = ['Host: x', `Authorization: ${bearer}`, 'Content-Type: application/json'].join('\r\n');
      const head = (more) => `POST /twirp/livekit.RoomService/CreateRoom HTTP/1.1\r\n${lines}\r\n${more}`;
      const filling = Buffer.alloc(kMega, 0x20);
      assert.equal(await raw_request(port, [head('Content-Length: 99999999999\r\n\r\n')]), 413);
      // The answer may be lost with the connection while we are still sending.
      const large = await raw_request(port, [head('Content-Length: 11000000\r\n\r\n'), ...Array(11).fill(filling)]);
      assert.ok([0, 413].includes(large), `11 MB: ${large}`);
      const chunk = Buffer.concat([Buffer.from('100000\r\n'), filling, Buffer.from('\r\n')]);
      const chunked = await raw_request(port, [head('Transfer-Encoding: chunked\r\n\r\n'), ...Array(40).fill(chunk)]);
      assert.ok([0, 400, 413].includes(chunked), `40 MB in chunks: ${chunked}`);
      for (const size of ['fffffffffffffffff', '-1', 'x', '7fffffffffffffff']) {
        const status = await raw_request(port, [head(`Transfer-Encoding: chunked\r\n\r\n${size}\r\n`), filling], {
          timeout: 2000,
        });
        assert.ok(status === 0 || status >= 400, `a chunk of ${size}: ${status}`);
      }
      for (const rest of [
        'Content-Length: 5\r\nContent-Length: 6\r\n\r\n',
        'Content-Length: -5\r\n\r\n',
        'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n',
        'Content-Length: 0x5\r\n\r\n',
      ]) {
        const status = await raw_request(port, [head(rest), '0\r\n\r\n{}'], { timeout: 2000 });
        assert.ok(status === 0 || status >= 400, `${JSON.stringify(rest)}: ${status}`);
      }
      assert.equal(await raw_request(port, [`GET /${'a'.repeat(2 * kMega)} HTTP/1.1\r\n\r\n`]), 431);
      assert.equal(await raw_request(port, [`GET / HTTP/1.1\r\n${'X-A: b\r\n'.repeat(5000)}\r\n`]), 431);
    },
    { seconds: 60 },
  );

  await attack(
    place,
    'gzip bodies and join requests that inflate are not inflated beyond 1 MiB [IMM-13] [CON-39]',
    async () => {
      const bomb = zlib.gzipSync(Buffer.alloc(200 * kMega));
      const status = await post('CreateRoom', bomb, { 'Content-Encoding': 'gzip' });
      assert.ok(status >= 400 && status < 500, `a gzip body: ${status}`);
      const token = await join_token(place.room, 'bomber');
      // WrappedJoinRequest {compression: GZIP, join_request: bomb}
      const wrapped = Buffer.concat([Buffer.from([0x08, 1, 0x12]), varint(bomb.length), bomb])
        .toString('base64')
        .replaceAll('+', '-')
        .replaceAll('/', '_');
      for (let index = 0; index < 10; ++index) {
        const reply = await open_websocket({
          port,
          path: `/rtc/v1?join_request=${encodeURIComponent(wrapped)}`,
          headers: { Authorization: `Bearer ${token}` },
        });
        assert.equal(`${reply.status} ${reply.body}`, '400 join request too large');
      }
    },
    { seconds: 60 },
  );

  await attack(place, '400 connections that say nothing, or a byte at a time [IMM-13] [IMM-15]', async () => {
    const sockets = Array.from({ length: 400 }, () => net.connect({ port, host: '127.0.0.1' }).on('error', () => {}));
    const text = head_of_slow(bearer);
    for (let step = 0; step < 30; ++step) {
      for (const [index, socket] of sockets.entries()) if (index % 2) socket.write(text[step]);
      await sleep(50);
    }
    assert.equal(await post('ListRooms', '{}'), 200);
    for (const socket of sockets) socket.destroy();
  });
}

const head_of_slow = (bearer) => `POST /twirp/livekit.RoomService/ListRooms HTTP/1.1\r\nAuthorization: ${bearer}\r\n`;

function varint(value) {
  const bytes = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    bytes.push((rest % 128) | (rest >= 128 ? 128 : 0));
    if (rest < 128) return Buffer.from(bytes);
  }
}

async function frame_attacks(place) {
  const { server, room, random } = place;
  let count = 0;
  const join = (more) => SignalClient.join(server, room, `framer-${(count += 1)}`, more);
  const ends = (client, what, timeout = 8000) =>
    until(() => !client.open, { timeout, every: 5, what: `the end after ${what}` });

  await attack(place, 'oversize WebSocket messages end with 1009 [IMM-13] [CON-41]', async () => {
    for (const parts of [1, 64]) {
      const client = await join();
      const piece = Buffer.alloc((3 * kMega) / parts);
      for (let index = 0; index < parts && client.open; ++index) {
        await client.ws.send(index ? kContinuation : kBinary, piece, { fin: index === parts - 1 });
      }
      await ends(client, `3 MiB in ${parts} frames`);
      assert.ok([1009, undefined].includes(client.ws.code), `code ${client.ws.code}`);
    }
    const announced = await join();
    await announced.ws.send(kBinary, Buffer.alloc(100), { length: 2 ** 40 });
    await sleep(100);
    announced.destroy();
  });

  await attack(
    place,
    'fragments without end, empty and in wrong order are bounded [IMM-13] [CON-41]',
    async () => {
      const endless = await join();
      const empty = frame(kContinuation, Buffer.alloc(0), { fin: false });
      await endless.ws.send(kBinary, Buffer.alloc(0), { fin: false });
      for (let index = 0; index < 300; ++index) await endless.ws.write(Buffer.concat(Array(1000).fill(empty)));
      endless.destroy();
      const growing = await join();
      await growing.ws.send(kBinary, Buffer.alloc(1), { fin: false });
      for (let index = 0; index < 5000 && growing.open; ++index)
        await growing.ws.send(kContinuation, Buffer.alloc(1000), { fin: false });
      await ends(growing, '5 MB of fragments');
      for (const bytes of [
        frame(kContinuation, Buffer.from('x')),
        Buffer.concat([frame(kText, Buffer.from('a'), { fin: false }), frame(kText, Buffer.from('b'))]),
        frame(kBinary, Buffer.from('x'), { mask: false }),
        frame(kBinary, Buffer.from('x'), { rsv: 7 }),
        frame(kBinary, Buffer.from('x'), { rsv: 4 }),
        frame(3, Buffer.from('x')),
        frame(11, Buffer.from('x')),
        frame(kPing, Buffer.alloc(200)),
        frame(kPing, Buffer.from('x'), { fin: false }),
        frame(8, Buffer.from([3])),
        frame(8, Buffer.from([0, 5])),
        frame(kText, Buffer.from([0xff, 0xfe, 0xc0])),
      ]) {
        const client = await join();
        await client.ws.write(bytes);
        await ends(client, bytes.toString('hex').slice(0, 40));
      }
    },
    { seconds: 60 },
  );

  await attack(
    place,
    'compressed frames that inflate or do not inflate are cut [IMM-13] [CON-41]',
    async () => {
      const headers = { 'Sec-WebSocket-Extensions': 'permessage-deflate' };
      const deflate = (bytes) => {
        const whole = zlib.deflateRawSync(bytes, { finishFlush: zlib.constants.Z_SYNC_FLUSH });
        return whole.subarray(0, whole.length - 4);
      };
      for (const [what, payload] of [
        ['500 MB of zeros', deflate(Buffer.alloc(500 * kMega))],
        ['no deflate', random.fork('deflate').bytes(5000)],
      ]) {
        const client = await join({ headers });
        await client.ws.send(kBinary, payload, { rsv: 4 });
        await ends(client, what);
      }
    },
    { seconds: 60 },
  );

  await attack(place, 'a flood of WebSocket pings [IMM-15]', async () => {
    const client = await join();
    const pings = Buffer.concat(Array(1000).fill(frame(kPing, Buffer.alloc(100))));
    for (let index = 0; index < 100; ++index) await client.ws.write(pings);
    client.ws.stop_reading();
    const more = (async () => {
      for (let index = 0; index < 100 && client.open; ++index) await client.ws.write(pings);
    })();
    await Promise.race([more, sleep(2000)]);
    client.destroy();
  });

  await attack(
    place,
    '3000 random and changed HTTP requests [IMM-13]',
    async () => {
      const own = random.fork('http');
      const token = await join_token(room, 'http');
      const good = Buffer.from(
        `GET /rtc/validate?access_token=${token} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
      );
      const one = async () => {
        for (let index = 0; index < 300; ++index) {
          await raw_request(
            server.ports.http,
            [own.chance(0.2) ? own.bytes(own.below(400)) : own.mutate(good), '\r\n\r\n'],
            { timeout: 50 },
          );
        }
      };
      await Promise.all(Array.from({ length: 10 }, one));
    },
    { seconds: 60 },
  );
}

export async function http_attacks(place) {
  await body_attacks(place);
  await frame_attacks(place);
}
