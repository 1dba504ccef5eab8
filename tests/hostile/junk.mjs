// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Floods at the media port beside calls of `confab load-test`, which count every packet: junk of
// all kinds, hellos without a path, handshakes that nobody finishes. The sender is
// bench/junk_bench.cc.

import { spawn } from 'node:child_process';
import path from 'node:path';

import { run } from '../cli/program.mjs';
import { Scrape } from '../lib/metrics.mjs';
import { MemoryWatch, open_ports, resident } from '../lib/process_stats.mjs';
import { KEY, ROOT, SECRET, start_server } from '../lib/server.mjs';
import { assert, Suite } from '../lib/suite.mjs';
import { sleep, until } from '../lib/wait.mjs';

const kJunk = Number(process.env.CONFAB_JUNK ?? 100_000);
const kRate = Number(process.env.CONFAB_JUNK_RATE ?? 15_000);
const kHalfOpen = Number(process.env.CONFAB_HALF_OPEN ?? 400);
const kWaves = Math.max(4, Math.ceil(kHalfOpen / 250));
const kRooms = 2;
const kPeople = 6; // of each room: one sends, all others watch
const kLost = 0.005; // of the packets of other rooms
const kJunkBytes = 24 * 2 ** 20; // the sockets' queues, and what is allocated once
const kHalfOpenBytes = 400 * 1024; // each, while it lasts
const kWaveBytes = 24 * 2 ** 20; // what the last wave may leave more than the second

const mega = (bytes) => (bytes / 2 ** 20).toFixed(1);

// The JSON line that the sender ends with; `half` is called once its participants are half open.
async function junk(args, { half } = {}) {
  const child = spawn(path.join(ROOT, 'build/release/bench/junk_bench'), args.map(String), { stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  child.stdout.on('data', (data) => {
    out += data;
    if (out.startsWith('half open')) half?.();
  });
  const code = await new Promise((resolve, reject) => {
    child.on('close', resolve);
    child.on('error', reject);
  });
  assert.equal(code, 0, `junk_bench ${args.join(' ')}: ${out}`);
  return JSON.parse(out.trimEnd().split('\n').at(-1));
}

// A load test of `seconds` around `action`, which gets the process; returns its figures.
async function beside_calls(server, seconds, action, { rooms = kRooms, subscribers = kPeople - 1, join_rate = 0 } = {}) {
  let attack;
  const args = ['load-test', '--url', server.ws, '--api-key', KEY, '--api-secret', SECRET, '--rooms', rooms, '--video-publishers', 1,
    '--audio-publishers', 1, '--subscribers', subscribers, '--join-rate', join_rate, '--duration', `${seconds}s`, '--json'];
  const started = (child) => (attack = action(child));
  const { code, err, out } = await run(args.map(String), { millis: (seconds + 60) * 1000, started });
  await attack;
  assert.deepEqual([code, err], [0, '']);
  const result = JSON.parse(out.trimEnd().split('\n').at(-1));
  console.log(`   ${result.packets_received} packets of ${result.joined} participants came, ${result.packets_lost} did not; ${result.freezes} freezes, p99 ${result.latency_ms.p99} ms`);
  return result;
}

const all_there = (server) => until(async () => (await Scrape.of(server)).value('confab_peers') >= kRooms * kPeople, { timeout: 20000, what: 'the calls' });

function all_arrived({ packets_received, packets_lost, failed }) {
  assert.equal(failed, 0);
  const share = packets_lost / (packets_received + packets_lost);
  assert.ok(share < kLost, `${packets_lost} of ${packets_received + packets_lost} packets were lost`);
}

async function junk_check(suite, server) {
  const seconds = Math.ceil(kJunk / kRate) + 5;
  await suite.check(
    `${kJunk} packets of junk and of false participants: other rooms lose less than 0.5 % [MC-21] [IMM-7] [IMM-9]`,
    async () => {
      let told;
      let memory;
      let counted;
      const result = await beside_calls(server, seconds, async (child) => {
        await all_there(server);
        await sleep(1000);
        const before = await Scrape.of(server);
        memory = new MemoryWatch(server.pid);
        const [port] = open_ports(child.pid).udp;
        told = await junk(['strangers', '--udp', server.ports.udp, '--count', kJunk, '--rate', kRate, '--as', port, '--people', 2 * kRooms * kPeople]);
        memory.stop();
        await sleep(1500); // figures of workers are told once a second
        const after = await Scrape.of(server);
        const grown = (name) => after.value(name) - before.value(name);
        counted = { strangers: grown('confab_unknown_datagrams_total'), srtp: grown('confab_srtp_failures_total') };
      });
      const growth = memory.peak - memory.before;
      console.log(`   ${told.sent} and ${told.spoofed} in others' names in ${told.seconds} s, ${told.answers} answers; ${JSON.stringify(counted)}; ${mega(growth)} MB more`);
      assert.equal(told.sent + told.spoofed, kJunk);
      assert.equal(told.answers, 0, 'answers to strangers');
      // Beyond what fell out of the socket's queue.
      assert.ok(counted.strangers > told.sent / 4, `${counted.strangers} of ${told.sent} were counted`);
      if (told.spoofed > 0) assert.ok(counted.srtp > 0);
      assert.ok(growth < kJunkBytes, `the server grew by ${mega(growth)} MB`);
      all_arrived(result);
    },
    { seconds: 2 * seconds + 60 },
  );
}

async function hello_check(suite, server) {
  const count = Math.max(20_000, kJunk / 2);
  const seconds = Math.ceil(count / 10_000) + 2;
  await suite.check(
    `${count} ClientHellos without a valid check, 10000 a second while others join: no answer, no memory, no failed join [IMM-1] [IMM-3]`,
    async () => {
      let told;
      let memory;
      // Somebody joins each 40 ms for as long as hellos come.
      const joining = { rooms: 10, subscribers: Math.ceil(((seconds - 2) * 25) / 10), join_rate: 25 };
      const result = await beside_calls(server, 1, async () => {
        memory = new MemoryWatch(server.pid);
        told = await junk(['strangers', '--hellos', '--udp', server.ports.udp, '--count', count, '--rate', 10_000]);
      }, joining);
      console.log(`   ${told.sent} hellos in ${told.seconds} s, ${told.answers} answers; ${result.joined} joined, p99 ${result.join_ms.p99} ms`);
      memory.stop();
      assert.deepEqual([told.sent, told.answers], [count, 0]);
      all_arrived(result);
    },
    { seconds: 2 * seconds + 60 },
  );
}

async function half_open_check(suite, server) {
  const each = Math.ceil(kHalfOpen / kWaves);
  await suite.check(
    `${each * kWaves} handshakes that nobody finishes, ${each} at a time: memory comes back [IMM-3] [IMM-4] [IMM-15]`,
    async () => {
      const left = [];
      const begin = resident(server.pid);
      for (let wave = 0; wave < kWaves; ++wave) {
        const before = resident(server.pid);
        let most = 0;
        const args = ['half-open', '--http', server.ports.http, '--key', KEY, '--secret', SECRET, '--count', each, '--rate', 500];
        const { half_open } = await junk(args, { half: () => (most = resident(server.pid)) });
        assert.equal(half_open, each, 'participants with half a handshake');
        const cost = (most - (wave === 0 ? begin : before)) / each;
        assert.ok(cost < kHalfOpenBytes, `each costs ${(cost / 1024).toFixed(0)} KB`);
        await until(async () => (await Scrape.of(server)).value('confab_peers') === 0, { what: 'their connections to end' });
        left.push(resident(server.pid));
      }
      console.log(`   ${mega(begin)} MB before, after each wave ${left.map(mega).join(' ')}`);
      const growth = left.at(-1) - left[1];
      assert.ok(growth < kWaveBytes, `${mega(growth)} MB more after ${kWaves} waves than after two`);
    },
    { seconds: 30 + kWaves * 20 },
  );
}

const suite = new Suite({ limit: 1200 });
await suite.run(async () => {
  const server = await start_server(suite, { rtc: { node_ip: '127.0.0.1' } });
  await half_open_check(suite, server);
  await junk_check(suite, server);
  await hello_check(suite, server);
});
