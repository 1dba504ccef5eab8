// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

import net from 'node:net';

// Commands with any bytes in them, as redis-cli cannot send them.
export function send_all(port, commands) {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1', () => {
      for (const words of commands) {
        socket.write(`*${words.length}\r\n`);
        for (const word of words) {
          const bytes = Buffer.from(word);
          socket.write(Buffer.concat([Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n')]));
        }
      }
      socket.write('*1\r\n$4\r\nQUIT\r\n');
    });
    socket.on('data', () => {});
    socket.on('close', resolve);
    socket.on('error', reject);
  });
}
