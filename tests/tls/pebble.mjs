// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Pebble, Let's Encrypt's small server for tests: an authority that this suite did not write.

import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

import { until } from '../lib/wait.mjs';

// Its roots differ at each start: `root` asks for the one that signs. It refuses a tenth of all nonces.
export class Pebble {
  static async start(suite, { authority, program }) {
    const folder = authority.folder();
    const { cert, key } = authority.issue(['authority.test']);
    const file = (name, text) => (fs.writeFileSync(path.join(folder, name), text), path.join(folder, name));
    const config = file('pebble.json', JSON.stringify({ pebble: {
      listenAddress: '0.0.0.0:14000', managementListenAddress: '0.0.0.0:15000', certificate: file('cert.pem', cert), privateKey: file('key.pem', key), httpPort: 80, tlsPort: 443,
      ocspResponderURL: '', externalAccountBindingRequired: false,
    } }));
    const child = spawn(program, ['-config', config, '-strict'], { stdio: 'pipe', env: { ...process.env, PEBBLE_WFE_NONCEREJECT: '10', PEBBLE_VA_NOSLEEP: '1' } });
    let log = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (log += text));
    suite.cleanup(() => child.kill());
    await until(() => /Listening on/.test(log), { what: () => `Pebble to listen: ${log.slice(-300)}` });
    return Object.assign(new Pebble(), { child, authority, directory: 'https://authority.test:14000/dir' });
  }

  // As PEM.
  async root() {
    return (await fetch('https://authority.test:15000/roots/0')).text();
  }

  stop() {
    this.child.kill();
  }
}
