// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Faults of the machine and of what a server needs of others. `make` gives the arguments of the doctor;
// what it hands to `undo` runs afterwards.

import dgram from 'node:dgram';
import { once } from 'node:events';
import fs from 'node:fs';
import https from 'node:https';

import { attribute, header, xor_address } from '../lib/stun.mjs';
import { kAddress, kKey, sh } from './doctor_place.mjs';

const quiet = (place, more = {}) => ['--config', place.write({ ...place.quiet(), ...more })];
const with_rtc = (place, rtc) => quiet(place, { rtc: { ...place.quiet().rtc, ...rtc } });

// An address more, on an interface of that name.
function add_address(undo, address, name) {
  if (name) {
    sh('ip', 'link', 'add', name, 'type', 'veth', 'peer', 'name', `${name}-peer`);
    undo(() => sh('ip', 'link', 'del', name));
    sh('ip', 'link', 'set', name, 'up');
  } else {
    undo(() => sh('ip', 'addr', 'del', address, 'dev', 'link0'));
  }
  sh('ip', 'addr', 'add', address, 'dev', name ?? 'link0');
}

// A STUN server by whose word everybody is at that address.
async function stun_server(undo, port, address) {
  const socket = dgram.createSocket('udp4');
  socket.on('message', (request, from) => {
    const mapped = attribute(0x0020, xor_address({ host: address, port: from.port }));
    socket.send(Buffer.concat([header(0x0101, mapped.length, request.subarray(8, 20)), mapped]), from.port, from.address);
  });
  socket.bind(port, kAddress);
  await once(socket, 'listening');
  undo(() => socket.close());
}

async function receiver(place, undo, certificate) {
  const server = https.createServer({ cert: fs.readFileSync(certificate.cert), key: fs.readFileSync(certificate.key) }, (request, response) => response.end());
  server.on('tlsClientError', () => {});
  server.listen(0, kAddress);
  await once(server, 'listening');
  undo(() => server.close());
  return server.address().port;
}

const with_hook = (place, url) => quiet(place, { webhook: { api_key: kKey, urls: [url] } });

export const host_faults = [
  { name: 'small buffers of UDP', code: 'udp-buffers', detail: /rmem_max is 212992/, make: async (place, undo) => {
    undo(() => place.set_buffers(16777216));
    place.set_buffers(212992);
    return { args: quiet(place) };
  } },
  { name: 'few open files', code: 'open-files', detail: /^1024 at most/, make: async (place) => ({ args: quiet(place), prefix: ['prlimit', '--nofile=1024:1024'] }) },
  { name: 'a data folder that is not there', code: 'data-dir', make: async (place) => ({ args: quiet(place, { confab: { data_dir: '/no/such/folder' } }) }) },
  { name: 'a full disk', code: 'disk-full', make: async (place, undo) => {
    const folder = place.in_folder('full');
    fs.mkdirSync(folder, { recursive: true });
    sh('mount', '-t', 'tmpfs', '-o', 'size=1m', 'none', folder);
    undo(() => sh('umount', folder));
    return { args: quiet(place, { confab: { data_dir: folder } }) };
  } },
  { name: 'the HTTP port is taken', code: 'port-in-use', detail: /TCP 7890 \(port\), by node.* \(pid \d+\)/, make: async (place, undo) => {
    await place.take_port(undo, 7890);
    return { args: quiet(place) };
  } },
  { name: 'the port for media over TCP is taken', code: 'port-in-use', detail: /TCP 7891 \(rtc\.tcp_port\)/, make: async (place, undo) => {
    await place.take_port(undo, 7891);
    return { args: quiet(place) };
  } },
  { name: 'the port for media over UDP is taken', code: 'port-in-use', detail: /UDP 7892 \(rtc\.udp_port\)/, make: async (place, undo) => {
    await place.take_port(undo, 7892, { udp: true });
    return { args: quiet(place) };
  } },
  { name: 'a port of the range for media is taken', code: 'udp-ports-taken', detail: /50000-50099 .*: 1 are taken, such as 50050/, make: async (place, undo) => {
    await place.take_port(undo, 50050, { udp: true });
    return { args: quiet(place, { rtc: { tcp_port: 7891, port_range_start: 50000, port_range_end: 50099 } }) };
  } },
  { name: 'a port that only root may have', code: 'port-forbidden', detail: /TCP 440 \(port\)/, make: async (place) => ({
    args: quiet(place, { port: 440 }),
    prefix: ['setpriv', '--bounding-set=-net_bind_service', '--inh-caps=-net_bind_service'],
  }) },
  { name: 'rtc.node_ip of another private network', code: 'node-ip-foreign', make: async (place) => ({ args: with_rtc(place, { node_ip: '10.9.9.9' }) }) },
  { name: 'rtc.node_ip that is not the address others see', code: 'node-ip-foreign', detail: /198\.51\.100\.20 is set, others see this machine as 203\.0\.113\.10/,
    make: async (place, undo) => {
      await stun_server(undo, 3999, kAddress);
      return { args: with_rtc(place, { node_ip: '198.51.100.20', stun_servers: [`${kAddress}:3999`] }) };
    } },
  { name: 'rtc.node_ip is private', code: 'candidates-private', detail: /^10\.0\.0\.5$/, make: async (place, undo) => {
    add_address(undo, '10.0.0.5/24');
    return { args: with_rtc(place, { node_ip: '10.0.0.5' }) };
  } },
  { name: 'rtc.use_external_ip while STUN is blocked', code: 'external-ip-unknown', make: async (place, undo) => {
    await stun_server(undo, 3999, kAddress);
    place.drop(undo, '-p', 'udp', '--dport', '3999');
    return { args: with_rtc(place, { use_external_ip: true, stun_servers: [`${kAddress}:3999`] }) };
  } },
  { name: 'media at loopback only', code: 'candidates-loopback',
    make: async (place) => ({ args: with_rtc(place, { interfaces: { includes: ['lo'] }, enable_loopback_candidate: true }) }) },
  { name: 'filters that leave no address', code: 'candidates-none', make: async (place) => ({ args: with_rtc(place, { ips: { includes: ['192.0.2.0/24'] } }) }) },
  { name: 'media at the bridge of Docker', code: 'candidates-docker', detail: /172\.17\.0\.1 on docker0/, make: async (place, undo) => {
    add_address(undo, '172.17.0.1/16', 'docker0');
    return { args: quiet(place) };
  } },
  { name: 'an interface with small packets', code: 'interface-mtu', detail: /link0 has 1200/, make: async (place, undo) => {
    undo(() => sh('ip', 'link', 'set', 'link0', 'mtu', '1500'));
    sh('ip', 'link', 'set', 'link0', 'mtu', '1200');
    return { args: quiet(place) };
  } },
  { name: 'Redis is down', code: 'redis-unreachable', make: async (place) => ({ args: quiet(place, { redis: { address: '127.0.0.1:6999' } }) }) },
  { name: 'Redis is silent', code: 'redis-unreachable', make: async (place, undo) => {
    await place.take_port(undo, 6998);
    place.drop(undo, '-p', 'tcp', '--dport', '6998');
    return { args: quiet(place, { redis: { address: '127.0.0.1:6998' } }) };
  } },
  { name: 'a wrong password for Redis', code: 'redis-auth', make: async (place) => ({ args: quiet(place, { redis: { address: place.redis.address, password: 'wrong' } }) }) },
  { name: 'TLS with a Redis that has none', code: 'redis-tls', make: async (place) => ({ args: quiet(place, { redis: { address: place.redis.address, tls: { enabled: true } } }) }) },
  { name: 'nothing listens for webhooks', code: 'webhook-unreachable', make: async (place) => ({ args: with_hook(place, 'https://hook.test:9444/hook') }) },
  { name: 'the name of a receiver of webhooks does not exist', code: 'webhook-unreachable', make: async (place) => ({ args: with_hook(place, 'https://nobody.test/hook') }) },
  { name: 'a receiver of webhooks whose certificate nobody signed', code: 'webhook-tls', make: async (place, undo) => {
    const port = await receiver(place, undo, place.certificate('hook.test', { by: 'itself' }));
    return { args: with_hook(place, `https://hook.test:${port}/hook`) };
  } },
  { name: 'turn.domain does not exist', code: 'turn-domain-dns', make: async (place, undo) => {
    place.with_names({ 'turn.test': null }, undo);
    return { args: ['--config', place.write(place.quiet_turn())] };
  } },
];
