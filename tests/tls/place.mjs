// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// The server in its namespace, and what of it is seen from the clients' one.

import { execFileSync } from 'node:child_process';
import tls from 'node:tls';

import { start_server } from '../lib/server.mjs';

export const kServerIp = '203.0.113.1';
export const kClientIp = '203.0.113.2';
const kNamespace = ['nsenter', '--net=/run/netns/server'];

// A server at this port of meet.test, with TLS unless `secure` says otherwise.
export function start_tls_server(suite, config, { port, secure = 'meet.test', ...options } = {}) {
  return start_server(suite, { ...config, rtc: { node_ip: kServerIp, ...config.rtc } }, { port, secure, program: kNamespace, ...options });
}

export const in_server_namespace = (command, ...args) => execFileSync(kNamespace[0], [kNamespace[1], command, ...args], { encoding: 'utf8' });

// The certificate that a client sees: {subjectaltname, valid_to, fingerprint256, authorized, protocol, raw}; throws
// what TLS says against it unless `any`.
export function certificate_at(port, servername, { any = false, ...options } = {}) {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ host: kServerIp, port, servername, rejectUnauthorized: !any, ...options }, () => {
      const { fingerprint256, subjectaltname, valid_to, raw } = socket.getPeerCertificate();
      resolve({ raw, fingerprint256, subjectaltname, valid_to, authorized: socket.authorized, protocol: socket.alpnProtocol });
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

// What leaves for the server: to these ports, or from ports of ours (`from`), and nothing else. [] lets
// nothing out, undefined everything.
export function let_out(ways) {
  execFileSync('ip', ['rule', 'flush']);
  for (const [preference, table] of [[32766, 'main'], [32767, 'default']]) execFileSync('ip', ['rule', 'add', 'pref', preference, 'lookup', table]);
  if (ways === undefined) return;
  ways.forEach(({ protocol, port, from }, i) => {
    execFileSync('ip', ['rule', 'add', 'pref', 100 + i, 'to', kServerIp, 'ipproto', protocol, ...(from ? ['sport', from] : ['dport', port]), 'lookup', 'main']);
  });
  execFileSync('ip', ['rule', 'add', 'pref', '200', 'to', kServerIp, 'blackhole']);
}
