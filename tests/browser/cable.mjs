// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// A cable between a browser and the server's HTTP port that can be cut and mended, to another
// server too. What is cut ends at once; while cut, nobody gets through.

import net from 'node:net';

export class Cable {
  #server;
  #sockets = new Set();
  #target;

  // A whole cable to `target`, a port of this machine.
  static async lay(suite, target) {
    const cable = new Cable();
    cable.#target = target;
    cable.#server = net.createServer((socket) => cable.#connect(socket));
    await new Promise((resolve) => cable.#server.listen(0, '127.0.0.1', resolve));
    cable.http = `http://127.0.0.1:${cable.#server.address().port}`;
    suite.cleanup(() => {
      cable.cut();
      cable.#server.close();
    });
    return cable;
  }

  cut() {
    this.#target = undefined;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend(target) {
    this.#target = target;
  }

  #connect(socket) {
    if (this.#target === undefined) {
      socket.destroy();
      return;
    }
    const onward = net.connect(this.#target, '127.0.0.1');
    for (const [end, other] of [[socket, onward], [onward, socket]]) {
      this.#sockets.add(end);
      end.on('error', () => {});
      end.on('close', () => {
        this.#sockets.delete(end);
        other.destroy();
      });
      end.pipe(other);
    }
  }
}
