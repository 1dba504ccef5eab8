// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// A way to a TCP port of this machine that can be shut: who comes by it is alone without what is there.

import net from 'node:net';

export class TcpGate {
  #sockets = new Set();
  #open = true;
  #port;

  static async start(suite, port) {
    const gate = new TcpGate();
    gate.lead_to(port);
    const server = net.createServer((socket) => gate.#pass(socket));
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    gate.address = `127.0.0.1:${server.address().port}`;
    suite.cleanup(() => {
      gate.shut();
      server.close();
    });
    return gate;
  }

  // Whoever comes from now on.
  lead_to(port) {
    this.#port = port;
  }

  #pass(near) {
    if (!this.#open) return near.destroy();
    const far = net.connect(this.#port, '127.0.0.1');
    for (const [one, other] of [[near, far], [far, near]]) {
      this.#sockets.add(one);
      one.on('error', () => {}).on('close', () => {
        this.#sockets.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  }

  // All that goes through it ends, and nobody gets through any more.
  shut() {
    this.#open = false;
    for (const socket of this.#sockets) socket.destroy();
  }

  open() {
    this.#open = true;
  }
}
