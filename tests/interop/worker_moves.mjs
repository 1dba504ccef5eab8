// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Participants that go on at another media worker in the middle of a call (`/debug/move`), as
// @livekit/rtc-node and livekit-client in Chromium see it: they see nothing of it.

import { RoomEvent } from '@livekit/rtc-node';

import { Caller, meet } from '../browser/caller.mjs';
import { start_chromium } from '../lib/browser.mjs';
import { watch_gap } from '../lib/gaps.mjs';
import { free_port } from '../lib/ports.mjs';
import { Peer } from '../lib/rtc_peer.mjs';
import { start_server } from '../lib/server.mjs';
import { start_page_server } from '../lib/static_server.mjs';
import { assert, Suite } from '../lib/suite.mjs';
import { sleep, until } from '../lib/wait.mjs';

const kWorkers = 3;
const kGapMillis = 600; // pictures come each 100 ms, the machine may be busy
const kBetweenMillis = 300;
const kMessageMillis = 10;

const debug_of = (server) => `http://127.0.0.1:${server.debug_port}`;

async function start(suite) {
  const port = await free_port();
  const server = await start_server(suite, {
    debug_handler: { port },
    confab: { workers: kWorkers, participants_per_worker: 1 },
  });
  server.debug_port = port;
  return server;
}

async function ask(server, { room, identity, worker }) {
  const query = new URLSearchParams({ room, identity, worker });
  const reply = await fetch(`${debug_of(server)}/debug/move?${query}`, { method: 'POST' });
  return `${reply.status} ${(await reply.text()).trim()}`;
}

// Until the one before has arrived the next one is refused. Whether there was anything to do.
async function move(server, where) {
  const there = '409 it is at that worker';
  let said;
  const goes = async () => [(said = await ask(server, where))].some((one) => one === there || one === '200 on its way');
  await until(goes, { timeout: 3000, every: 10, what: () => `a move: ${said}` });
  return said !== there;
}

// Numbers of `from`, reliable, one each ten milliseconds, until stopped.
function count_out(from) {
  let sent = 0;
  let ended = false;
  const run = async () => {
    while (!ended) {
      await from.local.publishData(new TextEncoder().encode(`${from.identity} ${sent++}`), { reliable: true, topic: 'count' });
      await sleep(kMessageMillis);
    }
  };
  const over = run();
  return async () => {
    ended = true;
    await over;
    return sent;
  };
}

const counted = (peer, from) =>
  peer.data.filter(({ topic, from: sender }) => topic === 'count' && sender === from).map(({ text }) => Number(text.split(' ')[1]));

async function rtc_node(suite, server, single) {
  const label = single ? 'single PC' : 'dual PC';
  await suite.check(`${label}: everybody goes round the workers; pictures, tones and messages go on [MC-20]`, async () => {
    const room = `moves-${single}`;
    const peers = [];
    for (const [index, identity] of ['alice', 'bob', 'carol'].entries()) {
      peers.push(await Peer.join(suite, server, room, identity, { number: index + 1, single }));
    }
    const pairs = peers.flatMap((one) => peers.filter((other) => other !== one).map((other) => [one, other]));
    await Promise.all(peers.flatMap((peer) => [peer.publish_picture(), peer.publish_tone()]));
    await Promise.all(pairs.flatMap(([one, other]) => [one.sees(other), one.hears(other)]));
    const since = Date.now();
    const ends = peers.map(count_out);
    const gaps = pairs.map(([one, other]) => watch_gap(one, other));
    let moved = 0;
    for (let round = 0; round < 2 * kWorkers; ++round) {
      for (const [index, { identity }] of peers.entries()) {
        moved += await move(server, { room, identity, worker: (index + round + 1) % kWorkers });
        await sleep(kBetweenMillis);
      }
    }
    assert.ok(moved >= kWorkers * peers.length, `${moved} moves`);
    const longest = Math.max(...gaps.map((gap) => gap.stop()));
    console.log(`   longest gap ${longest} ms`);
    const sent = await Promise.all(ends.map((end) => end()));
    for (const [one, other] of pairs) {
      const wanted = sent[peers.indexOf(other)];
      await until(() => counted(one, other.identity).length >= wanted, {
        timeout: 5000,
        what: () => `${one.identity} to get ${wanted} messages of ${other.identity}, got ${counted(one, other.identity).length}`,
      });
      assert.deepEqual(counted(one, other.identity), [...Array(wanted).keys()]);
    }
    await Promise.all(pairs.flatMap(([one, other]) => [one.sees(other, { changes: 5 }), one.hears(other)]));
    assert.ok(longest < kGapMillis, `a gap of ${longest} ms`);
    const bad = new Set([RoomEvent.Reconnecting, RoomEvent.Reconnected, RoomEvent.Disconnected, RoomEvent.TrackUnsubscribed]);
    for (const peer of peers) {
      const seen = peer.events.filter(({ name, at }) => at >= since && bad.has(name));
      assert.deepEqual(seen.map(({ name }) => name), [], `${peer.identity} notices nothing`);
    }
    await Promise.all(peers.map((peer) => peer.leave()));
  }, { seconds: 60 });
}

async function newcomers(suite, server) {
  await suite.check('who comes, publishes and leaves while others move gets all of it [MC-20]', async () => {
    const room = 'moves-newcomers';
    const alice = await Peer.join(suite, server, room, 'alice', { number: 1 });
    const bob = await Peer.join(suite, server, room, 'bob', { number: 2 });
    await Promise.all([alice, bob].flatMap((peer) => [peer.publish_picture(), peer.publish_tone()]));
    await Promise.all([alice.sees(bob), bob.sees(alice)]);
    let moving = true;
    let moved = 0;
    const mover = (async () => {
      for (let turn = 0; moving; ++turn) {
        moved += await move(server, { room, identity: turn % 2 ? 'bob' : 'alice', worker: (turn + (turn % 2)) % kWorkers });
        await sleep(20);
      }
    })();
    for (let turn = 0; turn < 4; ++turn) {
      const carol = await Peer.join(suite, server, room, 'carol', { number: 3 });
      await Promise.all([carol.publish_picture(), carol.publish_tone()]);
      await Promise.all([carol.sees(alice), carol.sees(bob), alice.sees(carol), bob.sees(carol), carol.hears(alice), bob.hears(carol)]);
      await carol.leave();
    }
    moving = false;
    await mover;
    assert.ok(moved > 20, `${moved} moves`);
    await Promise.all([alice, bob].map((peer) => peer.leave()));
  }, { seconds: 60 });
}

async function refusals(suite, server) {
  await suite.check('what can not be moved is said [MC-20]', async () => {
    const alice = await Peer.join(suite, server, 'moves-refused', 'alice', { number: 1 });
    const to = (identity, worker) => ask(server, { room: 'moves-refused', identity, worker });
    assert.equal(await to('nobody', 1), '409 participant does not exist');
    assert.equal(await to('alice', kWorkers), '409 there is no such worker');
    assert.equal(await to('alice', 'x'), '400 worker is a number from 0 on');
    assert.equal((await fetch(`${debug_of(server)}/debug/move`)).status, 405);
    // It stands for the operator alone.
    assert.equal((await fetch(`${server.http}/debug/move?room=moves-refused&identity=alice&worker=1`, { method: 'POST' })).status, 404);
    await alice.leave();
  });
}

async function chromium(suite, server) {
  await suite.check('Chromium goes round the workers, and its call goes on [MC-20]', async () => {
    const [address, browser] = await Promise.all([start_page_server(suite), start_chromium(suite)]);
    const room = 'moves-chromium';
    const callers = [await Caller.open(suite, browser, address, 'erin', 3), await Caller.open(suite, browser, address, 'frank', 4)];
    for (const caller of callers) {
      await caller.join(server, room);
      await caller.call('publish_picture');
      await caller.call('publish_tone');
    }
    await meet(...callers, { changes: 5, timeout: 15000 });
    const since = Date.now();
    for (let round = 0; round < 2 * kWorkers; ++round) {
      const identity = round % 2 ? 'frank' : 'erin';
      await move(server, { room, identity, worker: (round + 1) % kWorkers });
      await meet(...callers, { changes: 2, timeout: 5000 });
    }
    for (const caller of callers) await caller.assert_undisturbed(since);
    await Promise.all(callers.map((caller) => caller.close()));
    await browser.close();
  }, { seconds: 60 });
}

const suite = new Suite({ limit: 240 });
await suite.run(async () => {
  const server = await start(suite);
  for (const single of [true, false]) await rtc_node(suite, server, single);
  await newcomers(suite, server);
  await refusals(suite, server);
  await chromium(suite, server);
});
