// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// What floods are made of: requests, connections, joins and datagrams that come from an address of
// loopback, as many as are asked for. `local` is that address everywhere.

import { randomBytes } from 'node:crypto';
import dgram from 'node:dgram';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';

import { binding_request } from '../lib/stun.mjs';
import { open_websocket } from '../lib/raw_websocket.mjs';
import { sleep } from '../lib/wait.mjs';

const kPatience = 10000;

// Calls `step(number)` `count` times, so many of them under way; the results in their order.
export async function many(count, step, { at_once = 20 } = {}) {
  const results = [];
  let next = 0;
  const work = async () => {
    while (next < count) {
      const mine = next++;
      results[mine] = await step(mine);
    }
  };
  await Promise.all(Array.from({ length: Math.min(at_once, count) }, work));
  return results;
}

// The same for `seconds`; how often.
export async function for_seconds(seconds, step, { at_once = 20 } = {}) {
  const end = Date.now() + seconds * 1000;
  let count = 0;
  const work = async () => {
    while (Date.now() < end) {
      await step(count++);
      await sleep(0);
    }
  };
  await Promise.all(Array.from({ length: at_once }, work));
  return count;
}

// How often each value is there: {401: 10, 429: 20}.
export function tally(values) {
  const result = {};
  for (const value of values) result[value] = (result[value] ?? 0) + 1;
  return result;
}

// {status, headers, text}; status 0 when the connection ended without an answer. With `agent`
// connections are kept.
export function request(server, { local, path, method = 'GET', headers = {}, body, agent = false }) {
  return new Promise((resolve) => {
    const none = () => resolve({ status: 0, headers: {}, text: '' });
    const sent = http.request(
      { host: '127.0.0.1', port: server.ports.http, localAddress: local, path, method, headers, agent, timeout: kPatience },
      (reply) => {
        let text = '';
        reply.setEncoding('utf8');
        reply.on('data', (part) => (text += part));
        reply.on('end', () => resolve({ status: reply.statusCode, headers: reply.headers, text }));
        reply.on('error', none);
      },
    );
    sent.on('error', none);
    sent.on('timeout', () => sent.destroy());
    sent.end(body);
  });
}

// Whether a connection from there is taken: one that is not is closed at once.
export function is_taken(server, local) {
  return new Promise((resolve) => {
    const socket = net.connect({ host: '127.0.0.1', port: server.ports.http, localAddress: local });
    const end = (taken) => {
      socket.destroy();
      resolve(taken);
    };
    socket.setTimeout(kPatience, () => end(false));
    socket.on('connect', () => socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'));
    socket.on('data', () => end(true));
    socket.on('error', () => end(false));
    socket.on('close', () => end(false));
  });
}

// A call of the server API in JSON.
export function call(server, { local, token, method, body = {}, agent }) {
  return request(server, {
    local, agent,
    path: `/twirp/livekit.RoomService/${method}`,
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` },
    body: JSON.stringify(body),
  });
}

// Joins and leaves at once: {status, head, body}.
export async function join(server, { local, token, path = '/rtc?protocol=16&auto_subscribe=0' }) {
  const reply = await open_websocket({
    port: server.ports.http, path, headers: { Authorization: `Bearer ${token}` }, local,
  }).catch(() => ({ status: 0, head: '', body: '' }));
  reply.ws?.destroy();
  return reply;
}

// Sends checks that name nobody; {sent, answers} after `settle` more milliseconds.
export async function stun_flood(server, { local, count, per_second = 5000, settle = 300 }) {
  const socket = dgram.createSocket('udp4');
  socket.on('error', () => {});
  socket.bind(0, local);
  await once(socket, 'listening');
  let answers = 0;
  socket.on('message', () => (answers += 1));
  const checks = Array.from({ length: 64 }, () => {
    const name = () => randomBytes(8).toString('hex');
    return binding_request({ local: { ufrag: name() }, remote: { ufrag: `a${name()}`, pwd: name() } });
  });
  let sent = 0;
  const began = Date.now();
  while (sent < count) {
    for (; sent < Math.min(count, ((Date.now() - began + 5) * per_second) / 1000); ++sent)
      socket.send(checks[sent % checks.length], server.ports.udp, '127.0.0.1');
    await sleep(2);
  }
  await sleep(settle);
  socket.close();
  return { sent, answers };
}
