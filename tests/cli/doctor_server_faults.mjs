// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Faults between a client and a server. `make` gives the arguments of the doctor; what it hands to `undo`
// runs afterwards.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';

import { until } from '../lib/wait.mjs';
import { kAddress, kKey, kSecret, sh } from './doctor_place.mjs';

const with_key = (place, url) => ({ args: [url, ...place.key_args] });

// The healthy server behind another TLS proxy.
async function through(place, undo, options) {
  const [server, port] = await place.front(options);
  undo(() => server.close());
  return with_key(place, `https://live.test:${port}`);
}
const with_certificate = (name, options) => (place, undo) => through(place, undo, { certificate: place.certificate(name, options) });

// Without what came in one piece with it.
const head_of = (text) => text.slice(0, text.indexOf('\r\n\r\n') + 4);

// Holds back what comes behind the answer to the upgrade.
function hold_messages() {
  let upgraded = false;
  return (text) => {
    if (upgraded) return null;
    upgraded = text.startsWith('HTTP/1.1 101');
    return upgraded ? head_of(text) : text;
  };
}

// Ends the connection behind it.
const cut_messages = () => (text) => (text.startsWith('HTTP/1.1 101') ? { last: head_of(text) } : text);

const shift_date = (seconds) => () => (text) => text.replace(/^Date: (.*)\r$/m, (line, date) => `Date: ${new Date(Date.parse(date) + seconds * 1000).toUTCString()}\r`);

// A second server, with other TURN servers than its own.
async function other_server(place, undo, config) {
  const server = await place.start_server(place.write({ ...place.quiet(), ...config }), 7890);
  undo(() => server.stop());
  const [front, port] = await place.front({ backend: 7890 });
  undo(() => front.close());
  return with_key(place, `https://live.test:${port}`);
}

async function coturn(place, undo, secret) {
  const child = spawn('turnserver', ['-n', '--no-cli', '--no-tls', '--no-dtls', '-L', kAddress, '-p', '3998', '-r', 'test', '--use-auth-secret', '--min-port=20000', '--max-port=20100',
    `--static-auth-secret=${secret}`, '--log-file=stdout', `--pidfile=${place.in_folder('turn.pid')}`, `--userdb=${place.in_folder('turn.db')}`], { stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (log += text));
  undo(async () => {
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  await until(() => /Total General servers/.test(log), { what: () => `turnserver: ${log}` });
}

export const server_faults = [
  { name: 'a URL of another kind', code: 'url-invalid', make: async () => ({ args: ['ftp://live.test'] }) },
  { name: 'a name without an address', code: 'dns-missing', detail: /nobody\.test/, make: async (place) => with_key(place, 'https://nobody.test') },
  { name: 'a name that leads to another machine', code: 'dns-elsewhere', detail: /live\.test is 203\.0\.113\.99/, make: async (place, undo) => {
    place.with_names({ 'live.test': '203.0.113.99' }, undo);
    return { args: [place.url, '--config', place.file] };
  } },
  { name: 'a port on which nothing listens', code: 'tcp-refused', make: async (place) => with_key(place, 'https://live.test:7999') },
  { name: 'a port that a firewall has closed', code: 'tcp-timeout', make: async (place, undo) => {
    place.drop(undo, '-p', 'tcp', '--dport', new URL(place.url).port);
    return with_key(place, place.url);
  } },
  { name: 'no TLS before the server', code: 'no-https', make: async (place) => with_key(place, `http://${kAddress}:7880`) },
  { name: 'https at a port that speaks none', code: 'tls-handshake', make: async (place) => with_key(place, 'https://live.test:7880') },
  { name: 'a certificate that has ended', code: 'tls-expired', make: with_certificate('live.test', { days: -1 }) },
  { name: 'a certificate that ends soon', code: 'tls-expires-soon', make: with_certificate('live.test', { days: 5 }) },
  { name: 'a certificate of another name', code: 'tls-name', detail: /for hook\.test, not for live\.test/, make: with_certificate('hook.test') },
  { name: 'a certificate that signed itself', code: 'tls-self-signed', make: with_certificate('live.test', { by: 'itself' }) },
  { name: 'a certificate of an authority that nobody knows', code: 'tls-untrusted', detail: /stranger/, make: with_certificate('live.test', { by: 'stranger' }) },
  { name: 'another web server', code: 'http-unexpected', make: async (place, undo) => {
    const web = http.createServer((request, response) => response.end('<html>it works</html>'));
    web.listen(8081, '127.0.0.1');
    await once(web, 'listening');
    undo(() => web.close());
    return through(place, undo, { backend: 8081 });
  } },
  { name: 'a proxy whose server is not there', code: 'http-unexpected', detail: /no answer/, make: (place, undo) => through(place, undo, { backend: 7998 }) },
  { name: 'a server that is not ready', code: 'server-not-ready', make: (place, undo) => through(place, undo, { to_client: () => (text) => text.replace('200 OK', '406 Not Acceptable') }) },
  { name: 'a clock that is two minutes ahead', code: 'clock-off', detail: /1[12]\d s ahead/, make: (place, undo) => through(place, undo, { to_client: shift_date(120) }) },
  { name: 'a clock that is an hour behind', code: 'clock-off', detail: /s behind/, make: (place, undo) => through(place, undo, { to_client: shift_date(-3600) }) },
  { name: 'an API key that the server does not know', code: 'key-unknown', make: async (place) => ({ args: [place.url, '--api-key', 'APIother', '--api-secret', kSecret] }) },
  { name: 'a wrong secret', code: 'secret-wrong', make: async (place) => ({ args: [place.url, '--api-key', kKey, '--api-secret', `${kSecret}x`] }) },
  { name: 'key and secret the other way round', code: 'key-secret-swapped', make: async (place) => ({ args: [place.url, '--api-key', kSecret, '--api-secret', kKey] }) },
  { name: 'a proxy that drops Upgrade', code: 'ws-upgrade',
    make: (place, undo) => through(place, undo, { to_server: (text) => text.replace(/^(Connection: Upgrade|Upgrade: websocket)\r\n/gm, '') }) },
  { name: 'a proxy that buffers', code: 'ws-buffered', make: (place, undo) => through(place, undo, { to_client: hold_messages }) },
  { name: 'a proxy that ends WebSockets', code: 'ws-silent', make: (place, undo) => through(place, undo, { to_client: cut_messages }) },
  { name: 'one of two addresses for media does not answer', code: 'udp-candidate-dead', detail: /^203\.0\.113\.11:7892$/, make: async (place, undo) => {
    sh('ip', 'addr', 'add', '203.0.113.11/32', 'dev', 'link0');
    undo(() => sh('ip', 'addr', 'del', '203.0.113.11/32', 'dev', 'link0'));
    place.drop(undo, '-p', 'udp', '-d', '203.0.113.11');
    return other_server(place, undo, {});
  } },
  { name: 'UDP is dropped', code: 'udp-blocked', detail: /203\.0\.113\.10:7882/, make: async (place, undo) => {
    place.drop(undo, '-p', 'udp', '--dport', '7882');
    return with_key(place, place.url);
  } },
  { name: 'the port for media over TCP is dropped', code: 'tcp-media-blocked', detail: /203\.0\.113\.10:7881/, make: async (place, undo) => {
    place.drop(undo, '-p', 'tcp', '--dport', '7881');
    return with_key(place, place.url);
  } },
  { name: 'all media is dropped', code: 'media-unreachable', make: async (place, undo) => {
    place.drop(undo, '-p', 'udp', '--dport', '7882');
    place.drop(undo, '-p', 'tcp', '--dport', '7881');
    return with_key(place, place.url);
  } },
  { name: 'large packets are lost', code: 'mtu-low', make: async (place, undo) => {
    undo(() => sh('ip', 'link', 'set', 'lo', 'mtu', '65536'));
    sh('ip', 'link', 'set', 'lo', 'mtu', '1100');
    return with_key(place, place.url);
  } },
  { name: 'large packets are lost without a word', code: 'mtu-low', make: async (place, undo) => {
    place.drop(undo, '-p', 'udp', '--dport', '7882', '-m', 'length', '--length', '1101:65535');
    return with_key(place, place.url);
  } },
  { name: 'TURN over UDP is dropped', code: 'turn-unreachable', detail: /turn:203\.0\.113\.10:3478/, make: async (place, undo) => {
    place.drop(undo, '-p', 'udp', '--dport', '3478');
    return with_key(place, place.url);
  } },
  { name: 'TURN over TLS is dropped', code: 'turn-unreachable', detail: /turns:turn\.test:443/, make: async (place, undo) => {
    place.drop(undo, '-p', 'tcp', '--dport', '443');
    return with_key(place, place.url);
  } },
  { name: 'something else is at port 443 of the TURN domain', code: 'turn-tls', make: async (place, undo) => {
    place.with_names({ 'turn.test': '203.0.113.20' }, undo);
    sh('ip', 'addr', 'add', '203.0.113.20/32', 'dev', 'link0');
    undo(() => sh('ip', 'addr', 'del', '203.0.113.20/32', 'dev', 'link0'));
    const [server] = await place.front({ address: '203.0.113.20', port: 443 });
    undo(() => server.close());
    return with_key(place, place.url);
  } },
  { name: 'a TURN server with another secret', code: 'turn-credentials', detail: /answers 401/, make: async (place, undo) => {
    await coturn(place, undo, 'the-right-secret');
    return other_server(place, undo, { rtc: { ...place.quiet().rtc, turn_servers: [{ host: kAddress, port: 3998, protocol: 'udp', secret: 'the-wrong-secret' }] } });
  } },
  { name: 'a TURN server that reaches no media', code: 'turn-relay', make: async (place, undo) => {
    await coturn(place, undo, 'the-right-secret');
    place.drop(undo, '-p', 'udp', '--dport', '7892', '--sport', '20000:20100');
    return other_server(place, undo, { rtc: { ...place.quiet().rtc, turn_servers: [{ host: kAddress, port: 3998, protocol: 'udp', secret: 'the-right-secret' }] } });
  } },
];
