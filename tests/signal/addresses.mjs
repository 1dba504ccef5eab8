// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// The addresses and ports that clients are told, by configuration.

import dgram from 'node:dgram';
import os from 'node:os';

import { free_port } from '../lib/ports.mjs';
import { candidate_of, make_offer } from '../lib/sdp.mjs';
import { start_server } from '../lib/server.mjs';
import { mapped_success } from '../lib/stun.mjs';
import { assert } from '../lib/suite.mjs';
import { Client, fresh_room } from './client.mjs';
import { MediaClient, more } from './media.mjs';

// A public address of documentation (RFC 5737): nobody has it.
const kPublic = '203.0.113.77';

const kTwoWorkers = { workers: 2, participants_per_worker: 1 };

// The candidates of a publisher's connection: {transport, host, port}.
async function candidates(suite, server, room = fresh_room('addresses'), identity = 'alice', settings = {}) {
  const client = await Client.join(suite, server, room, identity, { v1: true });
  client.send('offer', { type: 'offer', sdp: make_offer([]), id: 1 });
  await client.told('trickle', (one) => one.final);
  const list = client.all('trickle').map((one) => candidate_of(one.candidateInit));
  if (!settings.stays) client.destroy();
  return list;
}

const hosts = (list, transport) => [...new Set(list.filter((one) => one.transport === transport).map((one) => one.host))].sort();
const is_v6 = (host) => host.includes(':');

// As the server sees them: without link-local ones, loopback apart.
function own_addresses() {
  const all = Object.entries(os.networkInterfaces()).flatMap(([name, list]) => list.map((one) => ({ ...one, name })));
  return all.filter((one) => !one.address.startsWith('fe80')).map(({ address, internal, name }) => ({ address, internal, name }));
}

async function with_server(suite, rtc, action, confab = {}) {
  const server = await start_server(suite, { rtc, confab });
  const result = await action(server);
  await server.stop();
  server.forget();
  return result;
}

async function port_check(suite) {
  await suite.check('a range of UDP ports: one for each media worker and no other, media flows between them [ICE-01]', async () => {
    const first = await free_port();
    await with_server(suite, { udp_port: `${first}-${first + 1}`, tcp_port: 0 }, async (server) => {
      const room = fresh_room('addresses');
      const seen = [];
      for (let index = 0; index < 8; ++index) {
        const list = await candidates(suite, server, room, `alice-${index}`, { stays: true });
        const ports = [...new Set(list.map((one) => one.port))];
        assert.equal(ports.length, 1, 'one connection on several ports');
        seen.push(...ports);
      }
      assert.ok(seen.every((one) => one === first || one === first + 1), `${seen}`);
      assert.equal(new Set(seen).size, 2);
      const peers = [];
      for (const identity of ['bob', 'carol']) peers.push(await MediaClient.join(suite, server, room, identity));
      await peers[0].publish('audio');
      await more(peers[1], 'audio', 5);
    }, kTwoWorkers);
  });

  await suite.check('every address of the host is told, link-local and loopback apart, the latter when asked for [ICE-01] [ICE-10] [ICE-11]', async () => {
    const own = own_addresses();
    const outer = own.filter((one) => !one.internal).map((one) => one.address).sort();
    const loopback = own.filter((one) => one.internal).map((one) => one.address);
    const plain = await with_server(suite, {}, (server) => candidates(suite, server));
    assert.deepEqual(hosts(plain, 'udp'), outer.length ? outer : loopback.sort());
    assert.deepEqual(hosts(plain, 'tcp'), hosts(plain, 'udp'));
    const all = await with_server(suite, { enable_loopback_candidate: true }, (server) => candidates(suite, server));
    assert.deepEqual(hosts(all, 'udp'), [...outer, ...loopback].sort());
  });
}

async function filter_check(suite) {
  await suite.check('rtc.ips and rtc.interfaces choose among the addresses, includes win; with none left there is no start [ICE-11]', async () => {
    const [loopback] = own_addresses().filter((one) => one.internal && !is_v6(one.address));
    const told = async (rtc) => hosts(await with_server(suite, { enable_loopback_candidate: true, ...rtc }, (server) => candidates(suite, server)), 'udp');
    const only = [loopback.address];
    assert.deepEqual(await told({ ips: { includes: ['127.0.0.0/8'] } }), only);
    assert.deepEqual(await told({ ips: { includes: ['127.0.0.0/8'], excludes: ['127.0.0.1/32'] } }), only);
    const others = own_addresses().map((one) => one.address).filter((one) => !is_v6(one) && one !== loopback.address);
    const excludes = ['::/0', ...others.map((one) => `${one}/32`)];
    assert.deepEqual(await told({ ips: { excludes } }), only);
    const of_interface = own_addresses().filter((one) => one.name === loopback.name).map((one) => one.address).sort();
    assert.deepEqual(await told({ interfaces: { includes: [loopback.name] } }), of_interface);
    const names = [...new Set(own_addresses().map((one) => one.name))].filter((one) => one !== loopback.name);
    assert.deepEqual(await told({ interfaces: { excludes: names } }), of_interface);
    const failed = await told({ ips: { includes: ['198.51.100.0/24'] } }).then((list) => `started with ${list}`, (error) => error.message);
    assert.match(failed, /rtc\.(ips|interfaces)/);
  });
}

async function node_ip_check(suite) {
  await suite.check('rtc.node_ip stands for the addresses of its family, the others stay [ICE-10]', async () => {
    const list = await with_server(suite, { node_ip: kPublic }, (server) => candidates(suite, server));
    for (const transport of ['udp', 'tcp']) {
      assert.deepEqual(hosts(list, transport).filter((one) => !is_v6(one)), [kPublic]);
      const v6 = own_addresses().filter((one) => !one.internal && is_v6(one.address)).map((one) => one.address).sort();
      assert.deepEqual(hosts(list, transport).filter(is_v6), v6);
    }
  });
}

async function external_check(suite) {
  await suite.check('rtc.use_external_ip: what a STUN server says is told, before rtc.node_ip; without an answer that, else the own addresses, and what to do [ICE-10] [CFG-04] [DEP-06]', async () => {
    const stun = dgram.createSocket('udp4');
    await new Promise((resolve) => stun.bind(0, '127.0.0.1', resolve));
    suite.cleanup(() => stun.close());
    let asked = 0;
    let deaf = 1;
    stun.on('message', (bytes, from) => {
      asked += 1;
      if ((deaf -= 1) < 0) stun.send(mapped_success(bytes, { host: kPublic, port: from.port }), from.port, from.address);
    });
    const rtc = { use_external_ip: true, node_ip: '198.51.100.1', stun_servers: [`127.0.0.1:${stun.address().port}`] };
    const list = await with_server(suite, rtc, (server) => candidates(suite, server));
    assert.deepEqual(hosts(list, 'udp').filter((one) => !is_v6(one)), [kPublic]);
    assert.ok(asked >= 2, 'not asked again');
    deaf = Infinity;
    await with_server(suite, rtc, async (server) => {
      assert.deepEqual(hosts(await candidates(suite, server), 'udp').filter((one) => !is_v6(one)), [rtc.node_ip]);
      assert.match(server.log, /warn .*told rtc\.node_ip why=.*no STUN server answered/);
    });
    await with_server(suite, { ...rtc, node_ip: '' }, async (server) => {
      const own = own_addresses().filter((one) => !one.internal && !is_v6(one.address)).map((one) => one.address);
      assert.deepEqual(hosts(await candidates(suite, server), 'udp').filter((one) => !is_v6(one)), own.sort());
      assert.match(server.log, /error .*let UDP out to rtc\.stun_servers .* or set rtc\.node_ip .*no STUN server answered/);
    });
  }, { seconds: 60 });
}

// A STUN server that says to each address what `seen` has for it, else what it sees.
async function stun_server(suite, seen) {
  const stun = dgram.createSocket('udp4');
  await new Promise((resolve) => stun.bind(0, '127.0.0.1', resolve));
  suite.cleanup(() => stun.close());
  stun.on('message', (bytes, from) => {
    const host = seen(from.address) ?? from.address;
    stun.send(mapped_success(bytes, { host, port: from.port }), from.port, from.address);
  });
  return [`127.0.0.1:${stun.address().port}`];
}

const kOtherPublic = '203.0.113.78';

async function mapping_check(suite) {
  await suite.check('rtc.use_external_ip on several addresses: each is told as its own public one; only those, their own too, and none through which no packet comes back, as is asked for [ICE-09]', async () => {
    const outer = own_addresses().find((one) => !one.internal && !is_v6(one.address))?.address;
    if (!outer) return console.log('   not here: this machine has one address');
    const only_these = { enable_loopback_candidate: true, ips: { includes: [`${outer}/32`, '127.0.0.1/32'] } };
    const told = async (seen, rtc) => {
      const settings = { use_external_ip: true, stun_servers: await stun_server(suite, seen), ...only_these, ...rtc };
      return hosts(await with_server(suite, settings, (server) => candidates(suite, server)), 'udp');
    };
    const skip = { skip_external_ip_validation: true };
    const both = (address) => (address === outer ? kPublic : kOtherPublic);
    assert.deepEqual(await told(both, skip), [kPublic, kOtherPublic].sort());
    assert.deepEqual(await told(both, { ...skip, advertise_internal_ip: true }), [kPublic, kOtherPublic, outer, '127.0.0.1'].sort());
    // Nothing comes back through either: both are told as the one that was found first.
    assert.deepEqual(await told(both, {}), [kOtherPublic]);
    // The outer one is its own public address, through which packets come back.
    const half = (address) => (address === outer ? undefined : kOtherPublic);
    assert.deepEqual(await told(half, {}), [outer, '127.0.0.1'].sort());
    assert.deepEqual(await told(half, { external_ip_only: true }), [outer]);
  });
}

export async function address_checks(suite) {
  const groups = [port_check, filter_check, node_ip_check, external_check, mapping_check];
  await Promise.all(groups.map((group) => group(suite)));
}
