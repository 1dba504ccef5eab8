// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Floods from one address beside a call of two and people who join, on a server with the default
// limits (but no trusted address) and on one without any. For each flood a row: what it asked for
// and got, what the server took of a processor, what the call lost, and how long joins took.

import fs from 'node:fs';
import http from 'node:http';
import { parseArgs } from 'node:util';

import { for_seconds, call, is_taken, join, stun_flood } from '../tests/hostile/flood_tools.mjs';
import { Witness } from '../tests/hostile/witness.mjs';
import { free_port } from '../tests/lib/ports.mjs';
import { KEY, SECRET, start_server } from '../tests/lib/server.mjs';
import { SignalClient } from '../tests/lib/signal_client.mjs';
import { Suite } from '../tests/lib/suite.mjs';
import { join_token } from '../tests/lib/token.mjs';
import { TurnClient } from '../tests/lib/turn_client.mjs';
import { sleep } from '../tests/lib/wait.mjs';

const { values, positionals } = parseArgs({ options: { seconds: { type: 'string', default: '8' } }, allowPositionals: true });
const kSeconds = Number(values.seconds);
const kLocal = '127.0.0.2';
const kTicks = 100; // of a second, in /proc
const kOther = { key: 'APIother', secret: 'the-secret-of-somebody-else-0123456789' };
const kOff = [
  'connections', 'requests', 'websockets', 'bad_tokens', 'joins_of_identity', 'joins_of_room', 'joins_of_key',
  'calls_of_key', 'calls_of_method', 'signals', 'stun', 'turn_allocations',
];

// Seconds of a processor that the process has had.
function cpu(pid) {
  const fields = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ');
  return (Number(fields[11]) + Number(fields[12])) / kTicks;
}

const percent = (value) => `${(value * 100).toFixed(1)} %`;

// Each gives how often it asked and how often it got what it wanted. Many ask at a time: `got` is read after the wait.
const kFloods = {
  none: async () => (await sleep(kSeconds * 1000), { asked: 0, got: 0 }),
  connections: async ({ server }) => {
    let got = 0;
    const asked = await for_seconds(kSeconds, async () => void ((await is_taken(server, kLocal)) && (got += 1)));
    return { asked, got };
  },
  'bad tokens': async ({ server }) => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 20 });
    let got = 0;
    const one = () => call(server, { local: kLocal, token: 'x.y.z', method: 'ListRooms', agent });
    const asked = await for_seconds(kSeconds, async () => void ((await one()).status === 401 && (got += 1)));
    agent.destroy();
    return { asked, got };
  },
  'joins of one identity': ({ server }) => join_flood(server, () => join_token('flooded', 'one')),
  'joins of many identities': ({ server }) => join_flood(server, (i) => join_token('flooded', `many${i}`)),
  'API calls': async ({ server }) => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 20 });
    const token = await join_token('', 'api', { grant: { roomList: true, roomJoin: undefined } });
    let got = 0;
    const one = () => call(server, { local: kLocal, token, method: 'ListRooms', agent });
    const asked = await for_seconds(kSeconds, async () => void ((await one()).status === 200 && (got += 1)));
    agent.destroy();
    return { asked, got };
  },
  STUN: async ({ server }) => {
    const rate = 10000;
    const { sent, answers } = await stun_flood(server, { local: kLocal, count: rate * kSeconds, per_second: rate });
    return { asked: sent, got: answers };
  },
  'TURN allocations': async ({ server }) => {
    const user = await SignalClient.join(server, 'turn', 'user', { local: kLocal });
    const [credentials] = user.last.join.iceServers;
    let got = 0;
    const asked = await for_seconds(kSeconds, async () => {
      const client = await TurnClient.open('127.0.0.1', server.ports.turn, credentials, { local: kLocal });
      const { error } = await client.allocate().catch(() => ({ error: -1 }));
      if (error === 0) await client.refresh(0).then(() => (got += 1)).catch(() => {});
      client.close();
    }, { at_once: 8 });
    user.destroy();
    return { asked, got };
  },
  'signal messages': async ({ server }) => {
    const client = await SignalClient.join(server, 'witnessed', 'talker', { local: kLocal });
    const asked = await client.flood(kSeconds * 1000, (i) => client.send('updateMetadata', { metadata: `m${i}`, name: '', attributes: {}, requestId: i }));
    const got = client.counts.requestResponse ?? 0;
    client.destroy();
    return { asked, got };
  },
};

async function join_flood(server, token) {
  let got = 0;
  const asked = await for_seconds(kSeconds, async (i) => {
    if ((await join(server, { local: kLocal, token: await token(i) })).status === 101) got += 1;
  });
  return { asked, got };
}

// Somebody else joins and leaves, again and again, until told to end; milliseconds of each.
async function joins_of_others(server, going) {
  const times = [];
  for (let i = 0; going(); ++i) {
    const token = await join_token(`others${i}`, 'guest', kOther);
    const began = performance.now();
    const client = await SignalClient.join(server, `others${i}`, 'guest', { token, local: `127.0.3.${1 + (i % 200)}` });
    times.push(performance.now() - began);
    await client.leave();
    await sleep(100);
  }
  return times.sort((a, b) => a - b);
}

async function measure(suite, name, limited) {
  const turn = await free_port();
  const limits = { trusted: [], ...(!limited && Object.fromEntries(kOff.map((one) => [one, 0]))) };
  const server = await start_server(suite, {
    keys: { [KEY]: SECRET, [kOther.key]: kOther.secret },
    logging: { level: 'info' },
    rtc: { enable_loopback_candidate: true },
    turn: { enabled: true, udp_port: turn, relay_range_start: 31000, relay_range_end: 31999 },
    confab: { limits },
  });
  server.ports.turn = turn;
  const witness = await Witness.start(suite, server, 'witnessed');
  await sleep(1000);
  await witness.mark();
  const [frames, used, began] = [await witness.frames(), cpu(server.pid), performance.now()];
  let going = true;
  const others = joins_of_others(server, () => going);
  const { asked, got } = await kFloods[name]({ server });
  const seconds = (performance.now() - began) / 1000;
  const busy = (cpu(server.pid) - used) / seconds;
  going = false;
  const times = await others;
  await sleep(500);
  const after = await witness.frames();
  const { ways } = await witness.ask('report');
  await witness.stop();
  await server.stop();
  const sum = (list, field) => list.reduce((all, one) => all + one[field], 0);
  const sent = sum(after, 'sent') - sum(frames, 'sent');
  const lost = Math.max(0, sent - (sum(after, 'received') - sum(frames, 'received')) - 2);
  const gap = Math.max(...ways.flatMap((way) => [way.video_gap, way.audio_gap]));
  const p95 = times[Math.floor(times.length * 0.95)] ?? 0;
  return [name, limited ? 'with' : 'without', Math.round(asked / seconds), Math.round(got / seconds), percent(busy),
    `${lost} of ${sent}`, gap, p95.toFixed(0)];
}

const suite = new Suite({ limit: 1800, checks: false });
await suite.run(async () => {
  const chosen = Object.keys(kFloods).filter((name) => name.toLowerCase().includes((positionals[0] ?? '').toLowerCase()));
  const head = ['Flood', 'Limits', 'Asked a second', 'Got a second', 'Of a processor', 'Frames of the call lost', 'Longest gap, ms', 'Joins of others p95, ms'];
  console.log(`| ${head.join(' | ')} |\n|${head.map(() => '---').join('|')}|`);
  for (const name of chosen)
    for (const limited of [false, true]) console.log(`| ${(await measure(suite, name, limited)).join(' | ')} |`);
});
