// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// A WebSocket client without manners (RFC 6455): every bit of a frame can be chosen, reading can
// stop, the connection can end by RST. Proper clients are in signal_client.mjs.
//
//   | fin rsv1-3 opcode(4) | mask length(7) | length(16 or 64) | mask key(32) | payload |

import { randomBytes } from 'node:crypto';
import net from 'node:net';
import tls from 'node:tls';
import zlib from 'node:zlib';

export const kContinuation = 0;
export const kText = 1;
export const kBinary = 2;
export const kClose = 8;
export const kPing = 9;

// What ends each compressed message and is not sent (RFC 7692 §7.2.1).
const kDeflateEnd = Buffer.from([0, 0, 0xff, 0xff]);
const kMaxHeadBytes = 64 << 10;

// Bytes of one frame. `length` overrides what the header says, `mask` false leaves the key out.
export function frame(opcode, payload = Buffer.alloc(0), { fin = true, rsv = 0, mask = true, length } = {}) {
  const body = Buffer.from(payload);
  const size = length ?? body.length;
  const head = [(fin ? 0x80 : 0) | (rsv << 4) | opcode];
  const flag = mask ? 0x80 : 0;
  if (size < 126) {
    head.push(flag | size);
  } else if (size < 65536) {
    head.push(flag | 126, size >> 8, size & 255);
  } else {
    const wide = Buffer.alloc(8);
    wide.writeBigUInt64BE(BigInt(size));
    head.push(flag | 127, ...wide);
  }
  if (!mask) return Buffer.concat([Buffer.from(head), body]);
  const key = randomBytes(4);
  for (let index = 0; index < body.length; ++index) body[index] ^= key[index & 3];
  return Buffer.concat([Buffer.from(head), key, body]);
}

// Without context takeover each message stands for itself.
function inflate(payload) {
  return zlib.inflateRawSync(Buffer.concat([payload, kDeflateEnd]), { finishFlush: zlib.constants.Z_SYNC_FLUSH });
}

// Reads frames out of a byte stream.
export class FrameReader {
  #rest = Buffer.alloc(0);
  #parts = [];

  *read(chunk) {
    this.#rest = this.#rest.length ? Buffer.concat([this.#rest, chunk]) : chunk;
    for (;;) {
      const one = this.#next();
      if (!one) return;
      if (one.opcode >= 8) {
        yield one;
        continue;
      }
      this.#parts.push(one);
      if (!one.fin) continue;
      const [{ opcode, packed }] = this.#parts;
      const payload = Buffer.concat(this.#parts.map((part) => part.payload));
      this.#parts = [];
      yield { opcode, payload: packed ? inflate(payload) : payload };
    }
  }

  #next() {
    const data = this.#rest;
    if (data.length < 2) return undefined;
    let at = 2;
    let size = data[1] & 127;
    const wide = { 126: 2, 127: 8 }[size] ?? 0;
    if (data.length < at + wide) return undefined;
    if (wide === 2) size = data.readUInt16BE(2);
    if (wide === 8) size = Number(data.readBigUInt64BE(2));
    at += wide;
    const key = data[1] & 128 ? data.subarray(at, at + 4) : undefined;
    if (key) at += 4;
    if (data.length < at + size) return undefined;
    this.#rest = data.subarray(at + size);
    const payload = Buffer.from(data.subarray(at, at + size));
    if (key) payload.forEach((byte, index) => (payload[index] = byte ^ key[index & 3]));
    return { fin: (data[0] & 0x80) !== 0, packed: (data[0] & 0x40) !== 0, opcode: data[0] & 15, payload };
  }
}

export class RawWebSocket {
  open = true;
  code = undefined; // of the close frame received
  reason = undefined; // and its text
  #reader = new FrameReader();
  #room; // of those who wait for room to write
  #early = []; // frames that came before on_frame was set
  #on_frame = (one) => this.#early.push(one);

  constructor(socket, rest) {
    this.socket = socket;
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.open = false;
        resolve(this.code);
      });
    });
    socket.on('data', (chunk) => this.#take(chunk));
    this.#take(rest);
  }

  set on_frame(listen) {
    this.#on_frame = listen;
    for (const one of this.#early.splice(0)) listen(one);
  }

  #take(chunk) {
    for (const one of this.#reader.read(chunk)) {
      if (one.opcode === kClose) {
        this.code = one.payload.length >= 2 ? one.payload.readUInt16BE(0) : 1005;
        this.reason = one.payload.subarray(2).toString();
        this.socket.end();
      }
      this.#on_frame(one);
    }
  }

  // Writes bytes; resolves when there is room for more (or the connection is gone).
  async write(bytes) {
    if (!this.open || this.socket.writableEnded || this.socket.write(bytes)) return;
    this.#room ??= new Promise((resolve) => this.socket.once('drain', resolve)).then(() => (this.#room = undefined));
    await Promise.race([this.#room, this.closed]);
  }

  send(opcode, payload, options) {
    return this.write(frame(opcode, payload, options));
  }

  stop_reading() {
    this.socket.pause();
  }

  read_again() {
    this.socket.resume();
  }

  reset() {
    this.socket.resetAndDestroy();
  }

  destroy() {
    this.socket.destroy();
  }
}

// Asks for an upgrade. Resolves to {status, head, body} with `ws` when the server agreed.
// `secure` is the name of a host with TLS, `local` the address to come from.
export function open_websocket({ port, path, headers = {}, secure, host = secure ?? '127.0.0.1', local }) {
  return new Promise((resolve, reject) => {
    const socket = secure ? tls.connect({ port, host, servername: secure }) : net.connect({ port, host, noDelay: true, localAddress: local });
    let head = Buffer.alloc(0);
    const lines = {
      Host: `${host}:${port}`,
      Upgrade: 'websocket',
      Connection: 'Upgrade',
      'Sec-WebSocket-Key': randomBytes(16).toString('base64'),
      'Sec-WebSocket-Version': '13',
      ...headers,
    };
    const text = Object.entries(lines).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.on(secure ? 'secureConnect' : 'connect', () => socket.write(`GET ${path} HTTP/1.1\r\n${text.join('')}\r\n`));
    socket.on('error', reject);
    const on_end = () => finish(head.indexOf('\r\n\r\n'));
    socket.on('close', on_end);
    const finish = (end) => {
      socket.off('data', on_data);
      socket.off('close', on_end);
      const first = head.subarray(0, end < 0 ? undefined : end).toString('latin1');
      const status = Number(first.split(' ')[1] ?? 0);
      const rest = end < 0 ? Buffer.alloc(0) : head.subarray(end + 4);
      if (status === 101) {
        socket.off('error', reject);
        socket.on('error', () => {});
        resolve({ status, head: first, body: '', ws: new RawWebSocket(socket, rest) });
      } else {
        socket.destroy();
        resolve({ status, head: first, body: rest.toString() });
      }
    };
    const on_data = (chunk) => {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf('\r\n\r\n');
      if (end < 0 && head.length < kMaxHeadBytes) return;
      const length = /content-length: (\d+)/i.exec(head.toString('latin1'))?.[1];
      const status = head.toString('latin1', 9, 12);
      if (status === '101' || length === undefined || head.length >= end + 4 + Number(length)) finish(end);
    };
    socket.on('data', on_data);
  });
}
