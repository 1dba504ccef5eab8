// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// What befalls a call over two nodes: for bench/faults.mjs. `action` is over when the cause is; two joins are
// tried `meanwhile` ms after its begin. `form`: of Redis, where it is not one server.

import { randomBytes } from 'node:crypto';

import { sentinel_form } from '../tests/cluster/forms.mjs';
import { send_all } from '../tests/cluster/redis_words.mjs';
import { encode } from '../tests/lib/psrpc.mjs';
import { sleep, until } from '../tests/lib/wait.mjs';

const kJunkBytes = [0, 1, 200, 5000];
const kHugeBytes = 100 << 20;

const hang = (seconds) => async ({ nodes: { redis } }) => {
  redis.freeze();
  await sleep(seconds * 1000);
  redis.thaw();
};

const channels = (redis) => redis.cli('PUBSUB', 'CHANNELS', '*').split('\n').filter(Boolean);
const enveloped = (type, fields) => encode({ 1: `type.googleapis.com/internal.${type}`, 2: encode(fields) });

async function junk({ nodes: { redis } }) {
  const whole = enveloped('Request', { 1: 'REQ_junk', 2: 'CLI_junk', 8: randomBytes(300) });
  const payloads = [...kJunkBytes.map((size) => randomBytes(size)), whole.subarray(0, whole.length / 2), enveloped('Tomorrow', { 99: 'new' })];
  await send_all(redis.port, channels(redis).flatMap((name) => payloads.map((payload) => ['PUBLISH', name, payload])));
  await sleep(3000);
}

// A message of each kind that is none for its channel.
async function wrong_kinds({ nodes: { redis } }) {
  const kinds = ['Request', 'Response', 'ClaimRequest', 'ClaimResponse', 'Stream'].map((type) => enveloped(type, { 1: 'REQ_junk', 2: 'SRV_junk' }));
  await send_all(redis.port, channels(redis).flatMap((name) => kinds.map((payload) => ['PUBLISH', name, payload])));
  await sleep(3000);
}

async function huge({ nodes: { redis } }) {
  const payload = Buffer.alloc(kHugeBytes, 0x0a);
  await send_all(redis.port, channels(redis).filter((name) => name.startsWith('Signal|')).map((name) => ['PUBLISH', name, payload]));
  await sleep(5000);
}

async function wrong_password({ nodes: { redis } }) {
  const as = ['-a', 'other', '--no-auth-warning'];
  redis.cli('CONFIG', 'SET', 'requirepass', 'other');
  for (const type of ['normal', 'pubsub']) redis.cli(...as, 'CLIENT', 'KILL', 'TYPE', type);
  await sleep(15000);
  redis.cli(...as, 'CONFIG', 'SET', 'requirepass', '');
}

async function same_id_twice({ nodes: { redis }, holder }) {
  // As a copy of the machine would: the record of that id, with another address and no load.
  const twin = encode({ 1: holder.node, 2: '192.0.2.9', 3: 8n, 4: { 1: BigInt(Math.floor(Date.now() / 1000)), 2: BigInt(Math.floor(Date.now() / 1000) + 5) }, 6: 1n });
  const end = Date.now() + 10000;
  while (Date.now() < end) {
    await send_all(redis.port, [['HSET', 'nodes', holder.node, twin]]);
    await sleep(500);
  }
}

const halt = (which) => async (call) => {
  call[which].signal('SIGSTOP');
  await sleep(5000);
  call[which].signal('SIGCONT');
};

export const kFaults = [
  { name: 'Redis hangs for 3 s', meanwhile: 500, action: hang(3) },
  { name: 'Redis hangs for 60 s', meanwhile: 10000, action: hang(60) },
  { name: 'Redis hangs for 10 min', long: true, meanwhile: 60000, action: hang(600) },
  { name: '`CLIENT PAUSE` for 10 s', meanwhile: 3000, action: async ({ nodes: { redis } }) => {
    redis.cli('CLIENT', 'PAUSE', '10000', 'ALL');
    await sleep(10000);
  } },
  { name: 'Redis is killed, and back empty after 15 s', meanwhile: 3000, action: async ({ nodes: { redis } }) => {
    await redis.stop();
    await sleep(15000);
    await redis.run();
    // As long as it takes until nobody has said anything new of the room.
    await sleep(8000);
  } },
  { name: 'Sentinel: the master is killed', form: sentinel_form, meanwhile: 500, action: async ({ nodes: { redis } }) => {
    await redis.kill_master();
    await until(() => /role:master/.test(redis.cli('INFO', 'replication')), { timeout: 30000, what: 'a new master' });
  } },
  { name: 'another password for 15 s', meanwhile: 3000, action: wrong_password },
  { name: 'garbage on all channels', meanwhile: 500, action: junk },
  { name: '100 MB on the channels of signalling', meanwhile: 500, action: huge },
  { name: 'messages of the wrong kind on all channels', meanwhile: 500, action: wrong_kinds },
  { name: 'the room\'s node is killed', both_away: true, action: async (call) => {
    let die;
    const quiet = call.quiet(new Promise((resolve) => { die = resolve; }));
    await sleep(500);
    call.holder.signal('SIGKILL');
    die(Date.now());
    await call.holder.ended;
    call.seen.quiet = await quiet;
  } },
  { name: 'the other node is killed', action: async (call) => {
    call.away.signal('SIGKILL');
    await call.away.ended;
  } },
  { name: 'the room\'s node stops for 5 s', meanwhile: 1000, action: halt('holder') },
  { name: 'the other node stops for 5 s', meanwhile: 1000, action: halt('away') },
  { name: 'the room\'s node id is in use twice', meanwhile: 3000, action: same_id_twice },
];

