// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// STUN connectivity checks (RFC 8489, RFC 8445 §7.2) as a controlling agent sends them.

import { createHmac, randomBytes } from 'node:crypto';
import dgram from 'node:dgram';
import zlib from 'node:zlib';

const kCookie = 0x2112a442;
const kFingerprintMask = 0x5354554e;
const kFingerprintBytes = 8;

export function attribute(type, value) {
  const head = Buffer.alloc(4);
  head.writeUInt16BE(type, 0);
  head.writeUInt16BE(value.length, 2);
  return Buffer.concat([head, value, Buffer.alloc((4 - (value.length % 4)) % 4)]);
}

export const uint32 = (value) => {
  const result = Buffer.alloc(4);
  result.writeUInt32BE(value >>> 0);
  return result;
};

// CRC-32 of IEEE 802.3; zlib has it from Node 22 on.
const kTable = Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; ++bit) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value >>> 0;
});
function checksum(bytes) {
  if (zlib.crc32) return zlib.crc32(bytes);
  let value = 0xffffffff;
  for (const byte of bytes) value = (value >>> 8) ^ kTable[(value ^ byte) & 255];
  return ~value >>> 0;
}

export function header(type, length, transaction) {
  const result = Buffer.alloc(8);
  result.writeUInt16BE(type, 0);
  result.writeUInt16BE(length, 2);
  result.writeUInt32BE(kCookie, 4);
  return Buffer.concat([result, transaction]);
}

// A binding request with MESSAGE-INTEGRITY and FINGERPRINT.
export function binding_request({ local, remote, nominate = true }) {
  const transaction = randomBytes(12);
  const attributes = [
    attribute(6, Buffer.from(`${remote.ufrag}:${local.ufrag}`)),
    attribute(0x24, uint32(0x6e7f1eff)),
    attribute(0x802a, randomBytes(8)),
  ];
  if (nominate) attributes.push(attribute(0x25, Buffer.alloc(0)));
  let body = Buffer.concat(attributes);
  const integrity = createHmac('sha1', remote.pwd)
    .update(Buffer.concat([header(1, body.length + 24, transaction), body]))
    .digest();
  body = Buffer.concat([body, attribute(8, integrity)]);
  const whole = Buffer.concat([header(1, body.length + 8, transaction), body]);
  return with_fingerprint(Buffer.concat([whole, Buffer.alloc(kFingerprintBytes)]));
}

// The message with its last eight bytes as the right FINGERPRINT (RFC 8489 §14.7).
export function with_fingerprint(message) {
  const signed = message.subarray(0, message.length - kFingerprintBytes);
  return Buffer.concat([signed, attribute(0x8028, uint32(checksum(signed) ^ kFingerprintMask))]);
}

const kSuccess = 0x0101;

// Sends checks to `address` from a fresh UDP socket until one is answered; returns the socket.
export async function bind_path({ local, remote, address, timeout = 5000 }) {
  const socket = dgram.createSocket(address.host.includes(':') ? 'udp6' : 'udp4');
  socket.on('error', () => {});
  await new Promise((resolve, reject) => {
    const send = () => socket.send(binding_request({ local, remote }), address.port, address.host);
    const repeat = setInterval(send, 100);
    const late = setTimeout(
      () => done(() => reject(new Error(`no answer to STUN from ${address.host}:${address.port}`))),
      timeout,
    );
    const done = (finish) => {
      clearInterval(repeat);
      clearTimeout(late);
      socket.off('message', listen);
      finish();
    };
    const listen = (bytes) => {
      if (bytes.length >= 20 && bytes.readUInt16BE(0) === kSuccess) done(resolve);
    };
    socket.on('message', listen);
    send();
  });
  return socket;
}
