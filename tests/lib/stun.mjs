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

// What is in a message is signed with `pwd` and gets a FINGERPRINT.
function sealed(type, transaction, attributes, pwd) {
  let body = Buffer.concat(attributes);
  const integrity = createHmac('sha1', pwd)
    .update(Buffer.concat([header(type, body.length + 24, transaction), body]))
    .digest();
  body = Buffer.concat([body, attribute(8, integrity)]);
  const whole = Buffer.concat([header(type, body.length + 8, transaction), body]);
  return with_fingerprint(Buffer.concat([whole, Buffer.alloc(kFingerprintBytes)]));
}

const kRoles = { controlled: 0x8029, controlling: 0x802a };

// A binding request with MESSAGE-INTEGRITY and FINGERPRINT. Null for what is to be left out.
export function binding_request({
  local,
  remote,
  nominate = true,
  username = `${remote.ufrag}:${local.ufrag}`,
  priority = 0x6e7f1eff,
  role = 'controlling',
  tie_breaker = randomBytes(8),
}) {
  const attributes = [];
  if (username !== null) attributes.push(attribute(6, Buffer.from(username)));
  if (priority !== null) attributes.push(attribute(0x24, uint32(priority)));
  if (role !== null) attributes.push(attribute(kRoles[role], tie_breaker));
  if (nominate) attributes.push(attribute(0x25, Buffer.alloc(0)));
  return sealed(1, randomBytes(12), attributes, remote.pwd);
}

const kCookieBytes = uint32(kCookie);

// An address of IPv4 in XOR-MAPPED-ADDRESS and its like (RFC 8489 §14.2), and back.
export function xor_address({ host, port }) {
  const bytes = Buffer.from([0, 1, 0, 0, ...host.split('.').map(Number)]);
  bytes.writeUInt16BE(port ^ (kCookie >>> 16), 2);
  for (let i = 0; i < 4; ++i) bytes[4 + i] ^= kCookieBytes[i];
  return bytes;
}
export function read_xor_address(value) {
  const host = [...value.subarray(4, 8)].map((byte, i) => byte ^ kCookieBytes[i]).join('.');
  return { host, port: value.readUInt16BE(2) ^ (kCookie >>> 16) };
}

// The answer to a check of the server, which came from that address.
export const binding_success = (request, address, pwd) =>
  sealed(0x0101, parse_stun(request).transaction, [attribute(0x20, xor_address(address))], pwd);

// A success without credentials, as a STUN server gives it: `mapped` is what it says.
export function mapped_success(request, mapped) {
  const value = attribute(0x20, xor_address(mapped));
  return Buffer.concat([header(0x0101, value.length, parse_stun(request).transaction), value]);
}

// {type, transaction, attributes by type, mapped, error}, and what there is to say of its seals;
// undefined for what is no STUN.
export function parse_stun(bytes) {
  if (bytes.length < 20 || bytes[0] > 3 || bytes.readUInt32BE(4) !== kCookie) return undefined;
  const attributes = new Map();
  let integrity_at;
  for (let at = 20; at + 4 <= bytes.length; ) {
    const [type, length] = [bytes.readUInt16BE(at), bytes.readUInt16BE(at + 2)];
    if (type === 8) integrity_at = at;
    if (!attributes.has(type)) attributes.set(type, bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length + ((4 - (length % 4)) % 4);
  }
  const type = bytes.readUInt16BE(0);
  const transaction = bytes.subarray(8, 20);
  const error = attributes.get(9);
  return {
    type,
    transaction,
    attributes,
    mapped: attributes.has(0x20) ? read_xor_address(attributes.get(0x20)) : undefined,
    error: error && error[2] * 100 + error[3],
    has_fingerprint: attributes.has(0x8028) && with_fingerprint(bytes).equals(bytes),
    signed_with: (pwd) => {
      if (integrity_at === undefined) return false;
      const signed = Buffer.concat([header(type, integrity_at + 24 - 20, transaction), bytes.subarray(20, integrity_at)]);
      return createHmac('sha1', pwd).update(signed).digest().equals(attributes.get(8));
    },
  };
}

export const is_success = (bytes) => parse_stun(bytes)?.type === 0x0101;
export const is_request = (bytes) => parse_stun(bytes)?.type === 0x0001;

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
