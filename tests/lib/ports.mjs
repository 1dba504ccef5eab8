// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Free loopback ports. They are taken below the kernel's ephemeral range and at random, so that
// suites running at the same time do not hand out the same one.

import dgram from 'node:dgram';
import net from 'node:net';

const kFirst = 12000;
const kLast = 31000;
const handed = new Set();

function bindable(create) {
  return new Promise((resolve) => {
    const socket = create(() => socket.close(() => resolve(true)));
    socket.on('error', () => resolve(false));
  });
}

function tcp_free(port) {
  return bindable((bound) => net.createServer().listen({ port, host: '127.0.0.1' }, bound));
}

function udp_free(port) {
  return bindable((bound) => {
    const socket = dgram.createSocket('udp4');
    socket.bind(port, '0.0.0.0', bound);
    return socket;
  });
}

// A port that is free for TCP and UDP.
export async function free_port() {
  for (;;) {
    const port = kFirst + Math.floor(Math.random() * (kLast - kFirst));
    if (handed.has(port)) continue;
    if ((await tcp_free(port)) && (await udp_free(port))) {
      handed.add(port);
      return port;
    }
  }
}
