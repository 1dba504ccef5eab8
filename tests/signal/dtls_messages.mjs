// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// What of a DTLS handshake goes in the clear (RFC 6347 §4.2, RFC 5246 §7.4), and a ClientHello.

import { randomBytes } from 'node:crypto';

const kHandshake = 22;
const kSupportedGroups = 10;
const kUseSrtp = 14;

// The handshake messages of epoch 0 that are whole in a datagram: {type, body}.
export function messages_of(datagram) {
  const messages = [];
  for (let at = 0; at + 13 <= datagram.length; ) {
    const [type, epoch, length] = [datagram[at], datagram.readUInt16BE(at + 3), datagram.readUInt16BE(at + 11)];
    const record = datagram.subarray(at + 13, at + 13 + length);
    at += 13 + length;
    if (type !== kHandshake || epoch !== 0) continue;
    for (let from = 0; from + 12 <= record.length; ) {
      const size = record.readUIntBE(from + 9, 3);
      const whole = size === record.readUIntBE(from + 1, 3);
      if (whole) messages.push({ type: record[from], body: record.subarray(from + 12, from + 12 + size) });
      from += 12 + size;
    }
  }
  return messages;
}

const numbers = (bytes) => Array.from({ length: Math.floor(bytes.length / 2) }, (_, i) => bytes.readUInt16BE(2 * i));

// Of a ClientHello, or a ServerHello, which names one suite and one profile.
export function hello_of(body) {
  const version = body.readUInt16BE(0);
  let at = 35 + body[34];
  let suites;
  // A ClientHello goes on with a cookie; the length of the rest tells which it is.
  const server_size = at + 3 + 2 + (at + 5 <= body.length ? body.readUInt16BE(at + 3) : 0);
  if (server_size === body.length) {
    suites = [body.readUInt16BE(at)];
    at += 3;
  } else {
    at += 1 + body[at];
    suites = numbers(body.subarray(at + 2, at + 2 + body.readUInt16BE(at)));
    at += 2 + body.readUInt16BE(at);
    at += 1 + body[at];
  }
  const extensions = new Map();
  for (at += 2; at + 4 <= body.length; at += 4 + body.readUInt16BE(at + 2)) {
    extensions.set(body.readUInt16BE(at), body.subarray(at + 4, at + 4 + body.readUInt16BE(at + 2)));
  }
  const list = (type) => {
    const value = extensions.get(type);
    return value ? numbers(value.subarray(2, 2 + value.readUInt16BE(0))) : undefined;
  };
  return { version, suites, extensions, groups: list(kSupportedGroups), profiles: list(kUseSrtp) };
}

const uint = (value, size) => {
  const bytes = Buffer.alloc(size);
  bytes.writeUIntBE(value, 0, size);
  return bytes;
};
const with_length = (size, ...parts) => {
  const body = Buffer.concat(parts);
  return Buffer.concat([uint(body.length, size), body]);
};
const extension = (type, ...parts) => Buffer.concat([uint(type, 2), with_length(2, ...parts)]);

export function make_hello({ suites, profiles, version = 0xfefd }) {
  const body = Buffer.concat([
    uint(version, 2),
    randomBytes(32),
    Buffer.from([0, 0]),
    with_length(2, ...suites.map((one) => uint(one, 2))),
    Buffer.from([1, 0]),
    with_length(
      2,
      extension(kSupportedGroups, with_length(2, uint(23, 2), uint(29, 2))),
      extension(11, Buffer.from([1, 0])),
      extension(13, with_length(2, uint(0x0403, 2), uint(0x0401, 2), uint(0x0203, 2))),
      extension(kUseSrtp, with_length(2, ...profiles.map((one) => uint(one, 2))), Buffer.from([0])),
      extension(23),
      extension(0xff01, Buffer.from([0])),
    ),
  ]);
  const message = Buffer.concat([Buffer.from([1]), uint(body.length, 3), uint(0, 2), uint(0, 3), uint(body.length, 3), body]);
  return Buffer.concat([Buffer.from([kHandshake]), uint(version, 2), uint(0, 2), uint(0, 6), with_length(2, message)]);
}
