// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// What an autoscaler outside sees of a cluster, and does: it takes away the node that is named, by a drain.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { RoomServiceClient } from 'livekit-server-sdk';

import { Peer } from '../lib/rtc_peer.mjs';
import { KEY, SECRET } from '../lib/server.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { Nodes } from './nodes.mjs';

const api = (node) => new RoomServiceClient(node.http, KEY, SECRET);

async function said(node) {
  const text = await (await fetch(`${node.http}/metrics`)).text();
  const value = (name) => Number(text.match(new RegExp(`^confab_cluster_${name}\\{.*\\} (\\S+)$`, 'm'))?.[1]);
  return { desired: value('desired_nodes'), serving: value('serving_nodes'), leads: value('leader') === 1, candidate: text.match(/^confab_cluster_drain_candidate\{.*candidate="(\w+)"\} 1$/m)?.[1] };
}

// What those that live say, once `is_so` of it.
async function all_say(nodes, what, is_so) {
  let last;
  return until(async () => is_so(last = await Promise.all(nodes.map(said))) && last, { timeout: 40000, every: 200, what: () => `${what}: ${JSON.stringify(last)}` });
}

const candidate_of = (figures) => figures.map((one) => one.candidate).find(Boolean);

export async function scale_checks(suite) {
  await suite.check('three nodes of which one is enough: all say so, one names who may go, and those go until the one with the call is left [OPS-04] [DEP-09]', async () => {
    const nodes = await Nodes.start(suite, 3, { confab: { scale_cpu_load: 0, scale_hold: '3s', drain_timeout: '1s' } });
    const [busy] = nodes.all;
    await api(busy).createRoom({ name: 'stays', nodeId: busy.node, emptyTimeout: 600 });
    const alice = await Peer.join(suite, busy, 'stays', 'alice', { number: 1 });
    await alice.publish_tone();
    let left = nodes.all;
    while (left.length > 1) {
      const count = left.length;
      const figures = await all_say(left, `${count} nodes, one too many`, (seen) => seen.every((one) => one.desired === 1 && one.serving === count) && candidate_of(seen));
      assert.equal(figures.filter((one) => one.leads).length, 1);
      assert.deepEqual(figures.filter((one) => one.candidate).map((one) => one.leads), [true]);
      const goes = left.find((one) => one.node === candidate_of(figures));
      assert.notEqual(goes, busy);
      if (count === 3) await outage(nodes, left);
      goes.signal('SIGTERM');
      assert.deepEqual(await goes.ended, { code: 0, signal: null });
      left = left.filter((one) => one !== goes);
    }
    await all_say(left, 'one node, which stays', ([one]) => one.desired === 1 && one.serving === 1 && !one.candidate);
    assert.deepEqual((await api(busy).listParticipants('stays')).map((one) => one.identity), ['alice']);
    await alice.leave();
    await nodes.end();
  }, { seconds: 150 });
}

export async function scale_command_checks(suite) {
  await suite.check('the node that leads runs the program of the operator, with the numbers, again when they change, and nobody is held up by one that hangs [OPS-04]', async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'confab-scale-'));
    suite.cleanup(() => fs.rmSync(folder, { recursive: true, force: true }));
    const program = path.join(folder, 'scale');
    const lines = () => fs.existsSync(`${program}.out`) ? fs.readFileSync(`${program}.out`, 'utf8').trim().split('\n') : [];
    fs.writeFileSync(program, '#!/bin/sh\necho "$CONFAB_DESIRED_NODES of $CONFAB_SERVING_NODES, $CONFAB_MAY_GO" >> "$0.out"\n[ "$CONFAB_SERVING_NODES" = 2 ] && sleep 1000\nexit 0\n', { mode: 0o755 });
    const confab = { scale_cpu_load: 0, scale_hold: '3s', drain_timeout: '1s', scale_command: program, scale_command_timeout: '2s', metrics_enabled: true };
    const nodes = await Nodes.start(suite, 2, { confab });
    const runs = async (node, result) => Number((await (await fetch(`${node.http}/metrics`)).text()).match(new RegExp(`^confab_scale_commands_total\\{.*result="${result}"\\} (\\d+)$`, 'm'))?.[1] ?? 0);
    const figures = await all_say(nodes.all, 'two nodes, one too many', (seen) => candidate_of(seen));
    const leader = nodes.all[figures.findIndex((one) => one.leads)];
    await until(() => lines().length > 0, { timeout: 10000, what: 'a run of the program' });
    assert.match(lines().at(-1), /^[12] of 2, /);
    await until(async () => (await runs(leader, 'killed')) === 1, { timeout: 15000, what: 'the run that hangs to be killed' });
    const begin = Date.now();
    await api(leader).createRoom({ name: 'meanwhile' });
    assert.ok(Date.now() - begin < 1500, `CreateRoom took ${Date.now() - begin} ms`);
    const goes = nodes.all.find((one) => one.node === candidate_of(figures));
    const stays = nodes.all.find((one) => one !== goes);
    goes.signal('SIGTERM');
    await goes.ended;
    await until(() => lines().at(-1) === '1 of 1,', { timeout: 90000, what: () => `the program told of one node; ${lines()}` });
    await until(async () => (await runs(stays, 'done')) >= 1, { timeout: 10000, what: 'the end of that run to be counted' });
    await nodes.end();
  }, { seconds: 150 });
}

// Without Redis nobody is named, and no number changes.
async function outage(nodes, left) {
  await nodes.redis.stop();
  await all_say(left, 'nobody that may go', (seen) => seen.every((one) => !one.candidate && !one.leads && one.desired === 1 && one.serving === 3));
  await nodes.redis.run();
  await all_say(left, 'somebody that may go', (seen) => candidate_of(seen));
}
