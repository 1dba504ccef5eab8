// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// The same verbs by each program against each server; what they print as JSON is compared by its
// members and values, without those that differ from run to run.

import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { json_in, publishers } from './verb_programs.mjs';

// Of each run its own.
const kVolatile = new Set(['sid', 'id', 'creationTime', 'creationTimeMs', 'turnPassword', 'joinedAt', 'joinedAtMs', 'version', 'mid', 'cid', 'createdAt',
  'access_token', 'nbf', 'exp', 'iat', 'project_url', 'projectUrl', 'streamId', 'stream', 'ssrc', 'timeUpdated', 'unixMicro', 'ticks', 'clientProtocol',
  'numParticipants', 'numPublishers']); // upstream's are a few seconds old

// Of livekit-server as it is published: participants stay in their room.
const kNotUpstream = new Set(['room participants move', 'room participants forward', 'room participants remove']);

// Nothing is there for these: each exits with 1, all others with 0.
const kFail = /^(egress|ingress|sip) |\((nobody|no room)\)$|^no (key|server)$/;

function shape(value) {
  // Tracks come in any order.
  if (Array.isArray(value)) return value.map(shape).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, kVolatile.has(key) ? '…' : shape(value[key])]));
}

// lk says the identity twice, and not when the token was issued.
function claims_of(token) {
  const { identity, iat, ...claims } = JSON.parse(Buffer.from(token.trim().split('.')[1], 'base64url').toString());
  if (identity !== undefined && identity !== claims.sub) claims.identity = identity;
  return claims;
}

// Each: [verb, arguments, 'json' | 'code' | 'claims']. `known` has what earlier ones found.
function steps(room) {
  const of_room = ['--room', room];
  return [
    ['room create', () => ['room', 'create', room, '--empty-timeout', '600', '--departure-timeout', '30'], 'json'],
    ['room list', () => ['room', 'list', room, '--json'], 'json'],
    ['create-room', () => ['create-room', '--name', `${room}-old`], 'json'],
    ['list-rooms', () => ['list-rooms'], 'code'],
    ['room update', () => ['room', 'update', '--metadata', 'm', room], 'json'],
    ['update-room-metadata', () => ['update-room-metadata', '--room', room, '--metadata', 'm2'], 'json'],
    ['room participants list', () => ['room', 'participants', 'list', room], 'code'],
    ['room participants get', (known) => ['room', 'participants', 'get', ...of_room, known.identity], 'json'],
    ['get-participant', (known) => ['get-participant', ...of_room, '--identity', known.identity], 'code'],
    ['room participants update', (known) => ['room', 'participants', 'update', ...of_room, '--metadata', 'pm', '--permissions', '{"can_publish": true, "hidden": false}', known.identity], 'code'],
    ['room mute-track', (known) => ['room', 'mute-track', ...of_room, '--identity', known.identity, '-m', known.track], 'code'],
    ['mute-track', (known) => ['mute-track', ...of_room, '--identity', known.identity, '-m', known.track], 'code'],
    ['room update-subscriptions', (known) => ['room', 'update-subscriptions', ...of_room, '--identity', known.identity, '-S', known.track], 'code'],
    ['room send-data', () => ['room', 'send-data', ...of_room, '--topic', 't', '{"a": 1}'], 'code'],
    ['send-data', () => ['send-data', ...of_room, '--data', '{"a": 1}'], 'code'],
    ['dispatch create', () => ['dispatch', 'create', ...of_room, '--agent-name', 'echo', '--metadata', 'm'], 'dispatch'],
    ['dispatch list', () => ['dispatch', 'list', room], 'code'],
    ['dispatch get', (known) => ['dispatch', 'get', room, known.dispatch], 'code'],
    ['dispatch delete', (known) => ['dispatch', 'delete', room, known.dispatch], 'code'],
    ['token create', () => ['token', 'create', '--join', '--room', 'r', '--identity', 'i', '--name', 'n', '--metadata', 'm', '--attribute', 'a=1', '--allow-source', 'camera', '--allow-update-metadata', '--agent', 'echo', '--job-metadata', 'j', '--token-only'], 'claims'],
    ['token create --admin', () => ['token', 'create', '--admin', '--list', '--create', '--egress', '--ingress', '--room', 'r', '--identity', 'i', '--grant', '{"canPublish": false}', '--token-only'], 'claims'],
    ['token create --json', () => ['token', 'create', '--join', '--room', 'r', '--identity', 'i', '--json'], 'json'],
    ['create-token', () => ['create-token', '--list', '--room', 'r', '--identity', 'i', '--token-only'], 'claims'],
    ['egress list', () => ['egress', 'list', '--json'], 'code'],
    ['egress start', () => ['egress', 'start', '{"room_name": "x", "file_outputs": [{"filepath": "x.mp4"}]}'], 'code'],
    ['ingress list', () => ['ingress', 'list', '--json'], 'code'],
    ['ingress create', () => ['ingress', 'create', '{"input_type": "RTMP_INPUT", "room_name": "x"}'], 'code'],
    ['sip inbound list', () => ['sip', 'inbound', 'list', '--json'], 'code'],
    ['sip inbound create', () => ['sip', 'inbound', 'create', '--name', 'a', '--numbers', '+1'], 'code'],
    ['sip outbound list', () => ['sip', 'outbound', 'list', '--json'], 'code'],
    ['sip dispatch list', () => ['sip', 'dispatch', 'list', '--json'], 'code'],
    ['project add', () => ['project', 'add', '--url', 'ws://127.0.0.1:1', '--api-key', 'abc', '--api-secret', 'def', 'home'], 'code'],
    ['project list', () => ['project', 'list', '--json'], 'code'],
    ['project set-default', () => ['project', 'set-default', 'home'], 'code'],
    ['project remove', () => ['project', 'remove', 'home'], 'code'],
    ['room participants move', (known) => ['room', 'participants', 'move', ...of_room, '--identity', known.identity, '--destination-room', `${room}-old`], 'code'],
    ['room participants forward', (known) => ['room', 'participants', 'forward', '--room', `${room}-old`, '--identity', known.identity, '--destination-room', room], 'code'],
    ['room participants remove', (known) => ['room', 'participants', 'remove', '--room', `${room}-old`, known.identity], 'code'],
    ['room participants get (nobody)', () => ['room', 'participants', 'get', ...of_room, 'nobody'], 'error'],
    ['room delete', () => ['room', 'delete', room], 'code'],
    ['room delete (no room)', () => ['room', 'delete', 'no-such-room'], 'error'],
    ['no key', () => ['--api-key', 'nokey', 'room', 'list'], 'code'],
    ['no server', () => ['--url', 'http://127.0.0.1:1', 'room', 'list'], 'code'],
  ];
}

// What one program prints against one server, by verb: {code, seen}.
async function run_all(suite, { cli }, index) {
  const room = 'compare';
  const call = (args) => (cli.is_ours ? cli.as_lk(args) : cli.run(args));
  let publisher;
  const known = {};
  const results = new Map();
  for (const [verb, args, kind] of steps(room)) {
    if (verb === 'room list') { // the room is made by then, with its settings
      publisher = await publishers(suite, cli, room, 1);
      known.identity = publisher.identity;
      // Both programs count a participant some time after it is there.
      const counted = async () => json_in((await call(args(known))).out)?.rooms?.[0];
      await until(async () => ((one) => one?.num_participants ?? one?.numParticipants) (await counted()) === 1 && ((one) => one?.num_publishers ?? one?.numPublishers)(await counted()) === 1, { timeout: 15000, every: 200, what: `the room to count its publisher (${index})` });
    }
    if (verb === 'room participants get') {
      const found = async () => json_in((await call(args(known))).out)?.tracks;
      known.track = await until(async () => ((await found())?.length === 2 ? (await found()).find((track) => track.type !== 'VIDEO').sid : undefined), { what: `a track (${index})` });
    }
    const { code, out, err } = await call(args(known));
    const result = { code, args: args(known), err: err.trim().split('\n').at(-1) };
    if (kind === 'json') result.seen = shape(json_in(out) ?? `no JSON: ${out}${err}`);
    if (kind === 'claims') result.seen = shape(claims_of(out));
    if (kind === 'error') result.seen = (out + err).match(/not_found|invalid_argument|permission_denied|unauthenticated|internal/)?.[0];
    if (kind === 'dispatch') known.dispatch = (out + err).match(/AD_\w+/)?.[0] ?? 'none';
    results.set(verb, result);
  }
  await publisher.stop();
  return results;
}

// The first path at which two values differ; undefined: none.
function difference(a, b, path = '') {
  if (JSON.stringify(a) === JSON.stringify(b)) return undefined;
  if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return `${path || '.'}: ${JSON.stringify(a)} / ${JSON.stringify(b)}`;
  for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
    const found = difference(a[key], b[key], `${path}.${key}`);
    if (found) return found;
  }
  return undefined;
}

export async function compare(suite, runs) {
  const all = [];
  for (const [index, one] of runs.entries()) {
    await suite.check(`${one.name}: every verb ends as it should`, async () => {
      const results = await run_all(suite, one, index);
      all.push({ name: one.name, results });
      if (!one.cli.is_ours) return;
      const wrong = [...results].filter(([verb, { code, seen }]) => code !== (kFail.test(verb) ? 1 : 0) || String(seen).startsWith('no JSON'));
      assert.deepEqual(wrong.map(([verb, { code, seen, err }]) => `${verb}: ${code} ${seen} ${err}`), []);
      for (const verb of ['room participants get (nobody)', 'room delete (no room)']) assert.equal(results.get(verb).seen, 'not_found', verb);
    }, { seconds: 120 });
  }
  if (all.length < 2) return;
  const [ours, ...others] = all;
  for (const other of others) {
    await suite.check(`${other.name}: exit codes and JSON are those of ${ours.name}`, async () => {
      const found = [];
      for (const [verb, mine] of ours.results) {
        const theirs = other.results.get(verb);
        if (other.name.endsWith('livekit-server') && kNotUpstream.has(verb)) continue;
        if (mine.code !== theirs.code) found.push(`${verb}: exit code ${mine.code} / ${theirs.code} (${mine.err} / ${theirs.err})`);
        const at = difference(mine.seen, theirs.seen);
        if (at) found.push(`${verb}: ${at}`);
      }
      if (process.env.CONFAB_VERBS_TABLE) console.log(found.map((line) => `  | ${line}`).join('\n'));
      assert.deepEqual(found, []);
    });
  }
  if (process.env.CONFAB_VERBS_TABLE) {
    console.log(`| Verb | ${all.map((one) => one.name).join(' | ')} |`);
    for (const verb of ours.results.keys()) console.log(`| ${verb} | ${all.map((one) => one.results.get(verb).code).join(' | ')} |`);
  }
}
