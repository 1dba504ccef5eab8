// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Two nodes and a Redis: what it costs that a participant's WebSocket is at one node and its room at the other.
// With --peer another LiveKit-compatible server (a command that takes --config-body) takes turns with ours.
//
// joins     so many, ten at a time, into rooms of ten; each is timed from the request to the join response.
//           `here` at the node with the rooms, `relayed` at the other. Commands are those that Redis counted
//           until all is quiet, less what both nodes do anyway in that time; CPU is that of the processes.
// requests  UpdateMetadata until its answer, one at a time: what the relay adds.
// messages  so many requests at once through the other node, each told to ten; CPU for 1 000 requests.
// idle      commands for each participant and minute while all of them only answer pings.

import fs from 'node:fs';
import { parseArgs } from 'node:util';

import { RoomServiceClient } from '../tests/node_modules/livekit-server-sdk/dist/index.js';
import { Nodes } from '../tests/cluster/nodes.mjs';
import { KEY, SECRET } from '../tests/lib/server.mjs';
import { Suite } from '../tests/lib/suite.mjs';
import { sleep } from '../tests/lib/wait.mjs';
import { Client } from '../tests/signal/client.mjs';

const { values: options } = parseArgs({
  options: {
    joins: { type: 'string', default: '200' },
    rounds: { type: 'string', default: '1' },
    idle: { type: 'string', default: '20' },
    peer: { type: 'string' },
    'peer-name': { type: 'string', default: 'peer' },
  },
});
const kJoins = Number(options.joins);
const kRoom = 10;
const kAtOnce = 10;
const kRequests = 300;
const kMessages = 1000;
const kQuietMillis = 4000;

const kTick = 10; // ms, of /proc
function cpu(pid) {
  const fields = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ');
  return (Number(fields[11]) + Number(fields[12])) * kTick;
}

function commands(redis) {
  const found = {};
  for (const [, name, calls] of redis.cli('INFO', 'commandstats').matchAll(/cmdstat_(\S+?):calls=(\d+)/g)) found[name] = Number(calls);
  return found;
}
const less = (after, before) => Object.fromEntries(Object.entries(after).map(([name, count]) => [name, count - (before[name] ?? 0)]));
const total = (counts) => Object.entries(counts).filter(([name]) => !/^(info|ping|hello|client)/.test(name)).reduce((sum, [, count]) => sum + count, 0);

const at = (list, part) => [...list].sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * part))];

class Meter {
  constructor(nodes, holder, away) {
    Object.assign(this, { nodes, pids: { holder: holder.pid, away: away.pid, redis: nodes.redis.pid } });
  }
  read() {
    const used = Object.fromEntries(Object.entries(this.pids).map(([name, pid]) => [name, cpu(pid)]));
    return { at: Date.now(), commands: commands(this.nodes.redis), used };
  }
  since(before) {
    const now = this.read();
    const used = Object.fromEntries(Object.entries(now.used).map(([name, ms]) => [name, ms - before.used[name]]));
    return { seconds: (now.at - before.at) / 1000, commands: less(now.commands, before.commands), used };
  }
}

async function each_at_once(list, work) {
  const left = [...list];
  await Promise.all(Array.from({ length: kAtOnce }, async () => {
    while (left.length > 0) await work(left.shift());
  }));
}

// What happened between, less `rate` commands a second.
const net = (taken, rate) => Object.fromEntries(Object.entries(taken.commands).map(([name, count]) => [name, count - (rate[name] ?? 0) * taken.seconds]));

async function join_all(suite, node, stem, meter, rate) {
  const clients = [];
  const times = [];
  const before = meter.read();
  const begin = Date.now();
  await each_at_once(Array.from({ length: kJoins }, (_, i) => i), async (i) => {
    const since = performance.now();
    clients.push(await Client.join(suite, node, `${stem}-${Math.floor(i / kRoom)}`, `p${i}`));
    times.push(performance.now() - since);
  });
  const seconds = (Date.now() - begin) / 1000;
  await sleep(kQuietMillis);
  const taken = meter.since(before);
  return { clients, times, rate: kJoins / seconds, used: taken.used, commands: net(taken, rate) };
}

async function request_times(client) {
  const times = [];
  for (let i = 0; i < kRequests; ++i) {
    const since = performance.now();
    await client.answer_to('updateMetadata', { metadata: `m${i}`, requestId: i + 1 });
    times.push(performance.now() - since);
  }
  return times;
}

async function measure(suite, { label, command, config }) {
  const nodes = await Nodes.start(suite, 2, config, command ? { command } : { args: ['serve'] });
  const [holder, away] = nodes.all;
  const meter = new Meter(nodes, holder, away);
  const api = new RoomServiceClient(holder.http, KEY, SECRET);
  for (const stem of ['here', 'relayed'])
    for (let i = 0; i < kJoins / kRoom; ++i) await api.createRoom({ name: `${stem}-${i}`, nodeId: holder.node, emptyTimeout: 600 });
  await sleep(kQuietMillis);
  let before = meter.read();
  await sleep(10000);
  const alone = meter.since(before);
  const rate = Object.fromEntries(Object.entries(alone.commands).map(([name, count]) => [name, count / alone.seconds]));

  const here = await join_all(suite, holder, 'here', meter, rate);
  const relayed = await join_all(suite, away, 'relayed', meter, rate);

  before = meter.read();
  await sleep(Number(options.idle) * 1000);
  const idle = meter.since(before);
  const idle_each = (total(net(idle, rate)) / (2 * kJoins) / idle.seconds) * 60;

  const asked = { here: await request_times(here.clients[0]), relayed: await request_times(relayed.clients[0]) };

  before = meter.read();
  await Promise.all(relayed.clients.map(async (client, i) => {
    for (let n = 0; n < kMessages / relayed.clients.length; ++n) await client.answer_to('updateMetadata', { metadata: `n${n}`, requestId: 5000 + n + i });
  }));
  await sleep(1000);
  const talked = meter.since(before);

  if (process.env.CONFAB_BENCH_DETAIL) console.log(label, Object.fromEntries(Object.entries(relayed.commands).map(([name, count]) => [name, (count / kJoins).toFixed(2)])), Object.fromEntries(Object.entries(here.commands).map(([name, count]) => [name, (count / kJoins).toFixed(2)])), net(idle, rate));
  for (const client of [...here.clients, ...relayed.clients]) client.destroy();
  for (const node of nodes.all) await node.stop();
  await nodes.redis.end();
  const each = (value) => value / kJoins;
  return { label,
    joins: relayed.rate, here50: at(here.times, 0.5), here99: at(here.times, 0.99), away50: at(relayed.times, 0.5), away99: at(relayed.times, 0.99),
    commands: each(total(relayed.commands)), commands_here: each(total(here.commands)), publish: each(relayed.commands.publish ?? 0), hget: each(relayed.commands.hget ?? 0), hset: each(relayed.commands.hset ?? 0),
    cpu_holder: each(relayed.used.holder), cpu_away: each(relayed.used.away), cpu_redis: each(relayed.used.redis),
    idle: idle_each, ask_here50: at(asked.here, 0.5), ask50: at(asked.relayed, 0.5), ask99: at(asked.relayed, 0.99),
    talk_nodes: talked.used.holder + talked.used.away, talk_redis: talked.used.redis };
}

const kRows = [
  ['joins/s through the other node', 'joins', 0],
  ['join at the room\'s node, p50 / p99, ms', ['here50', 'here99'], 1],
  ['join through the other node, p50 / p99, ms', ['away50', 'away99'], 1],
  ['Redis commands for such a join', 'commands', 1],
  ['of them PUBLISH / HGET / HSET', ['publish', 'hget', 'hset'], 1],
  ['Redis commands for a join at the room\'s node', 'commands_here', 1],
  ['CPU for such a join, room\'s node / other / Redis, ms', ['cpu_holder', 'cpu_away', 'cpu_redis'], 2],
  ['Redis commands for a participant and minute, idle', 'idle', 2],
  ['a request and its answer, at the room\'s node, p50, ms', 'ask_here50', 2],
  ['the same through the other node, p50 / p99, ms', ['ask50', 'ask99'], 2],
  ['CPU for 1 000 requests told to ten each, nodes / Redis, ms', ['talk_nodes', 'talk_redis'], 0],
];
const median = (rows, field) => at(rows.map((row) => row[field]), 0.5);

const suite = new Suite({ limit: 3600, checks: false });
await suite.run(async () => {
  const servers = [{ label: 'confab' }];
  if (options.peer) servers.push({ label: options['peer-name'], command: options.peer.split(' ').filter(Boolean) });
  const rows = servers.map(() => []);
  for (let round = 0; round < Number(options.rounds); ++round)
    for (const [i, server] of servers.entries()) rows[i].push(await measure(suite, server));
  console.log(`| | ${servers.map(({ label }) => label).join(' | ')} |`);
  console.log(`|---|${servers.map(() => '---|').join('')}`);
  for (const [name, fields, digits] of kRows)
    console.log(`| ${name} | ${rows.map((all) => [fields].flat().map((field) => median(all, field).toFixed(digits)).join(' / ')).join(' | ')} |`);
});
