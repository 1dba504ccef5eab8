// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// A call of two Chromium pages (plain RTCPeerConnections: sound, pictures, data, both ways) whose
// server's side goes on in another process while it lasts: by way of the bytes of its connections
// and of what was negotiated, and with the UDP socket. The clients see nothing of it.

import { start_chromium } from '../lib/browser.mjs';
import { start_page_server } from '../lib/static_server.mjs';
import { assert, Suite } from '../lib/suite.mjs';
import { sleep, until } from '../lib/wait.mjs';
import { PageCaller } from './process_caller.mjs';
import { ProcessNode } from './process_node.mjs';

const kMoves = 8;
const kBetweenMillis = 700;
// That nobody reads the socket. The machine may be busy; what it makes of pictures in Chromium is
// printed, and counted are those that are missing.
const kSilentMillis = 300;
const kLateMillis = 5000;

const pairs = (callers) => callers.map((one, index) => [one, callers[1 - index]]);

// All that was said has come, in order and once.
async function all_said(callers) {
  for (const [one, other] of pairs(callers)) {
    const sent = await other.call('stop_saying');
    let got = [];
    await until(async () => (got = await one.call('heard')).length >= sent, {
      timeout: 5000,
      what: () => `${one.name} to get ${sent} messages, got ${got.length}`,
    });
    assert.deepEqual(got, [...Array(sent).keys()], `${one.name} gets each message once and in order`);
    assert.ok(sent > 50, `${sent} messages`);
  }
}

// What a client saw between two looks at it: a call that nothing happened to.
function assert_undisturbed(name, before, after) {
  assert.deepEqual(after.states, before.states, `${name}: no change of state`);
  assert.equal(after.connection, 'connected');
  assert.equal(after.dtls, 'connected');
  for (const same of ['certificate', 'ufrag', 'pair', 'pair_changes']) assert.equal(after[same], before[same], `${name}: ${same}`);
  for (const none of ['video_lost', 'audio_lost', 'plis_sent', 'firs_sent', 'plis_got', 'firs_got', 'nacks_sent', 'nacks_got'])
    assert.equal(after[none] - before[none], 0, `${name}: ${none}`);
  assert.ok(after.frames - before.frames > 10, `${name}: ${after.frames - before.frames} pictures`);
  assert.ok(after.samples - before.samples > 10_000, `${name}: ${after.samples - before.samples} samples`);
}

// Pictures of the other one that have not come whole (yet): some are always on their way. Chromium
// looks only each 50 ms and tells when it did: of two looks the one at what was sent is the later
// one, so that this is never less than are missing.
async function pictures_behind([one, other]) {
  const { at, whole } = await one.call('look');
  let sent;
  do sent = await other.call('look'); while (sent.at < at);
  return sent.encoded - whole;
}

async function least_behind(pair) {
  let least = Infinity;
  for (let i = 0; i < 10; ++i) {
    least = Math.min(least, await pictures_behind(pair));
    await sleep(20);
  }
  return least;
}

// Whether every picture that was sent meanwhile came.
async function undisturbed(callers, action) {
  const behind = await Promise.all(pairs(callers).map(least_behind));
  for (const caller of callers) await caller.call('start_watching');
  const before = await Promise.all(callers.map((caller) => caller.call('look')));
  await Promise.all(callers.map((caller) => caller.call('start_saying')));
  await action();
  await sleep(kBetweenMillis);
  await all_said(callers);
  const after = await Promise.all(callers.map((caller) => caller.call('look')));
  callers.forEach((caller, index) => assert_undisturbed(caller.name, before[index], after[index]));
  for (const [index, pair] of pairs(callers).entries()) {
    const caught_up = async () => (await pictures_behind(pair)) <= behind[index] + 1;
    await until(caught_up, { timeout: kLateMillis, every: 20, what: async () => `every picture to come to ${pair[0].name}: ${await pictures_behind(pair)} missing, ${behind[index]} before` });
  }
  const worst = (name) => Math.max(...after.map((one, index) => one[name] - before[index][name]));
  console.log(`   longest time without a picture ${Math.max(...after.map(({ gap }) => gap))} ms, made-up sound ${worst('concealed')} of ${worst('samples')} samples`);
}

// To another process; returns it.
async function move(suite, from) {
  const to = await ProcessNode.start(suite);
  const path = await to.wait_for_hand_over();
  // One for whom a message waits at this moment stays where it is.
  const leave = () => from.ask({ do: 'leave', to: path });
  let left = await leave();
  for (let tries = 0; left.why === 'its connections can not be moved now' && tries < 10; ++tries) left = await leave();
  const entered = await to.report();
  assert.deepEqual([left.left, entered.entered], [true, true], `${left.why}, ${entered.why}`);
  assert.equal(await from.ended, 0);
  return { to, left, entered };
}

async function refuse(suite, from, harm) {
  const to = await ProcessNode.start(suite);
  const path = await to.wait_for_hand_over();
  const left = await from.ask({ do: 'leave', to: path, harm });
  const entered = await to.report();
  assert.deepEqual([left.left, left.why], [false, 'not taken there'], harm);
  assert.deepEqual([entered.entered, entered.left_behind], [false, 0], harm);
  assert.ok(entered.why, harm);
  assert.equal((await to.ask({ do: 'count' })).peers, 0, harm);
  await to.end();
  console.log(`   ${harm}: ${entered.why}`);
}

const suite = new Suite({ limit: 110 });
await suite.run(async () => {
  const [address, browser] = await Promise.all([start_page_server(suite), start_chromium(suite)]);
  let node = await ProcessNode.start(suite);
  const callers = [];

  await suite.check('two pages are in a call; before that there is nothing to move [MC-20]', async () => {
    for (const [who, name] of ['alice', 'bob'].entries()) {
      const caller = await PageCaller.open(suite, browser, address, { who, name });
      callers.push(caller);
      await caller.negotiate(node, 'open', { number: who + 1 });
      if (who === 0) assert.equal((await node.ask({ do: 'leave', to: '/nowhere' })).why, 'there is no call yet');
    }
    for (const caller of callers) await caller.is_in_call();
  }, { needed: true });

  await suite.check('what the machine makes of a call that stays', () => undisturbed(callers, () => sleep(5000)));

  await suite.check('bytes that are no call are refused, leave nothing, and the call goes on where it was [MC-20] [SIO-11]', async () => {
    await undisturbed(callers, async () => {
      for (const harm of ['cut', 'noise', 'newer', 'hang up']) await refuse(suite, node, harm);
      assert.equal((await node.ask({ do: 'leave', to: '/nowhere' })).why, 'not taken there');
    });
  });

  await suite.check('the call goes from process to process, and its clients notice nothing [MC-20] [SIO-11]', async () => {
    const silent = [];
    await undisturbed(callers, async () => {
      for (let round = 0; round < kMoves; ++round) {
        await sleep(kBetweenMillis);
        const { to, left, entered } = await move(suite, node);
        node = to;
        silent.push(entered.silent_us / 1000);
        if (round === 0) console.log(`   ${left.bytes} bytes`);
      }
    });
    console.log(`   nobody at the socket for ${silent.map((ms) => ms.toFixed(1)).join(', ')} ms`);
    assert.ok(Math.max(...silent) < kSilentMillis, `${Math.max(...silent)} ms`);
    const counted = await node.ask({ do: 'count' });
    assert.deepEqual([counted.peers, counted.down_tracks, counted.srtp_failures], [2, 4, 0]);
    // The last of the processes has the whole call.
    assert.ok(counted.rtp_in > 0 && counted.rtp_out > 0);
  });

  await suite.check('the process that took over answers the next offer: ICE restarts, DTLS stays [MC-20] [SIO-11]', async () => {
    for (const caller of callers) {
      const before = await caller.call('look');
      await caller.negotiate(node, 'restart_ice');
      const what = 'the new path';
      const on_it = async () => {
        const now = await caller.call('look');
        return now.ufrag !== before.ufrag && now.pair_changes > before.pair_changes && now.frames > before.frames + 10 && now;
      };
      const after = await until(on_it, { what });
      for (const same of ['certificate', 'dtls', 'connection', 'plis_sent']) assert.equal(after[same], before[same], same);
    }
    // And so does the one after it.
    await undisturbed(callers, async () => {
      ({ to: node } = await move(suite, node));
    });
  });
});
