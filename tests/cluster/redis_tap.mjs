// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// All that programs publish on a Redis and write to it, as PSUBSCRIBE and MONITOR tell it.

import net from 'node:net';

const kWrites = new Set(['SET', 'DEL', 'HSET', 'HDEL', 'HSETNX', 'HINCRBY', 'SADD', 'SREM', 'EXPIRE', 'PEXPIRE', 'UNLINK']);

// The words of a line of MONITOR, as bytes: "SET" "a\x00b".
function words_of(line) {
  const words = [];
  for (const [, text] of line.matchAll(/"((?:[^"\\]|\\.)*)"/g)) {
    const plain = text.replace(/\\(x([0-9a-f]{2})|.)/g, (_, one, hex) => {
      if (hex) return String.fromCharCode(parseInt(hex, 16));
      return { n: '\n', r: '\r', t: '\t', a: '\x07', b: '\b' }[one] ?? one;
    });
    words.push(Buffer.from(plain, 'latin1'));
  }
  return words;
}

// One array of bulk strings and what is behind it; undefined where it is not whole. Other replies are passed over.
function take(data) {
  const line = data.indexOf('\r\n');
  if (line < 0) return undefined;
  if (data[0] !== 0x2a) return { items: [], rest: data.subarray(line + 2) };
  const items = [];
  let at = line + 2;
  for (let left = Number(data.toString('latin1', 1, line)); left > 0; left -= 1) {
    const end = data.indexOf('\r\n', at);
    if (end < 0) return undefined;
    if (data[at] === 0x3a) {
      at = end + 2;
      continue;
    }
    const size = Number(data.toString('latin1', at + 1, end));
    if (data.length < end + 2 + size + 2) return undefined;
    items.push(data.subarray(end + 2, end + 2 + size));
    at = end + 2 + size + 2;
  }
  return { items, rest: data.subarray(at) };
}

function connect(port, command, on_data) {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1', () => socket.write(command));
    let data = Buffer.alloc(0);
    socket.on('error', reject);
    socket.on('data', (more) => {
      data = on_data(Buffer.concat([data, more]));
      resolve(socket);
    });
  });
}

export class RedisTap {
  step = '';
  published = []; // {step, channel, payload}
  written = []; // {step, words}
  subscribed = []; // channels that somebody heard, when it was asked

  static async start(suite, port) {
    const tap = new RedisTap();
    const messages = await connect(port, 'PSUBSCRIBE *\r\n', (data) => tap.#published(data));
    const commands = await connect(port, 'MONITOR\r\n', (data) => tap.#written(data));
    tap.end = () => [messages, commands].forEach((socket) => socket.destroy());
    suite.cleanup(tap.end);
    return tap;
  }

  #published(data) {
    let rest = data;
    for (let found = take(rest); found; found = take(rest)) {
      const [kind, , channel, payload] = found.items;
      if (String(kind) === 'pmessage') this.published.push({ step: this.step, channel: String(channel), payload: Buffer.from(payload) });
      rest = found.rest;
    }
    return rest;
  }

  #written(data) {
    const lines = data.toString('latin1').split('\r\n');
    const rest = lines.pop();
    for (const line of lines) {
      const words = words_of(line);
      if (words.length > 0 && kWrites.has(String(words[0]).toUpperCase())) this.written.push({ step: this.step, words });
    }
    return Buffer.from(rest, 'latin1');
  }
}
