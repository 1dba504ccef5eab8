// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// rtc.datachannel_slow_threshold: Bob's link is narrower or wider than it. And how old lossy messages
// are that come over a link too narrow for them.

import { narrow } from '../lib/narrow_link.mjs';
import { start_server } from '../lib/server.mjs';
import { assert } from '../lib/suite.mjs';
import { sleep, until } from '../lib/wait.mjs';
import { have, numbers, range, say, send_all, trio } from './bulk.mjs';

// Bits per second: less than a client takes that has a tenth of a processor.
const kThreshold = 200_000;
const kSeconds = 120;
const kTurn = 50; // messages

async function below_check(suite, server, mode) {
  await suite.check(`${mode.label}: who takes less than the threshold loses messages, and nobody waits for it [SIG-122] [TST-19] [DC-21] [DC-22] [TRAP-30]`, async () => {
    const { proxy, alice, bob, carol, leave } = await trio(suite, server, 'below', mode);
    const link = narrow(proxy, kThreshold / 4);
    const count = 100;
    const begin = Date.now();
    await Promise.all([send_all(alice, count), have(carol, count)]);
    const seconds = (Date.now() - begin) / 1000;
    assert.deepEqual(numbers(carol, 'bulk'), range(count));
    // Over Bob's link all of it would take 800 s.
    assert.ok(seconds < 100, `${seconds} s for what nobody is to wait for`);
    link.widen();
    await until(async () => {
      await say(alice, 'after', '1');
      return numbers(bob, 'after').length > 0;
    }, { timeout: 30000, every: 200, what: 'a message after all' });
    const got = numbers(bob, 'bulk');
    assert.ok(got.length < count, 'nothing was dropped');
    assert.ok(got.length > 0, 'nothing came');
    assert.deepEqual(got, [...new Set(got)].sort((a, b) => a - b), 'twice or out of order');
    await leave();
  }, { seconds: kSeconds });
}

async function above_check(suite, server, mode) {
  await suite.check(`${mode.label}: who takes more than the threshold gets all, and is waited for [SIG-122] [TST-19] [DC-21] [DC-22]`, async () => {
    const { proxy, alice, bob, carol, leave } = await trio(suite, server, 'above', mode);
    narrow(proxy, kThreshold * 5);
    const count = 40;
    await Promise.all([send_all(alice, count), have(carol, count)]);
    // What may be under way and in windows, and one message.
    const behind = count - numbers(bob, 'bulk').length;
    assert.ok(behind < 20, `${behind} messages wait for Bob`);
    await have(bob, count);
    for (const peer of [bob, carol]) assert.deepEqual(numbers(peer, 'bulk'), range(count));
    await leave();
  }, { seconds: kSeconds });
}

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

// How much older the lossy messages are that Bob gets than Carol's, in ms, once it is plain that they come too
// fast for him: what a busy machine adds, it adds to both.
async function ages(suite, server, mode) {
  const { proxy, alice, bob, carol, leave } = await trio(suite, server, 'ages', mode);
  narrow(proxy, 400_000); // a sixth of what comes, and of less where the machine is busy
  const filling = 'x'.repeat(1000);
  const lossy = { reliable: false, topic: 'age' };
  const found = { bob: [], carol: [] };
  const ages_at = (peer) => peer.data.splice(0).filter((one) => one.topic === 'age').map((one) => Date.now() - parseInt(one.text, 10));
  let sent = 0;
  const begin = performance.now();
  while (found.bob.length < 300) {
    // 2.4 Mbit/s, or what the machine gets done: only between turns is there time to receive.
    const due = Math.min(Math.ceil((performance.now() - begin) * 0.3) - sent, kTurn);
    const say_age = () => alice.local.publishData(new TextEncoder().encode(`${Date.now()} ${filling}`), lossy);
    await Promise.all(Array.from({ length: due }, say_age));
    sent += due;
    found.bob.push(...ages_at(bob));
    found.carol.push(...ages_at(carol));
    assert.ok(performance.now() - begin < 60000, `${found.bob.length} messages in a minute`);
    await sleep(2);
  }
  await leave();
  assert.ok(found.carol.length > 200, `${found.carol.length} at Carol`);
  return median(found.bob.slice(-150)) - median(found.carol.slice(-150));
}

async function age_check(suite, server, mode) {
  await suite.check(`${mode.label}: lossy messages for a narrow link are dropped, not kept until they are old [DC-23]`, async () => {
    const plain = await start_server(suite);
    const [limited, unlimited] = await Promise.all([ages(suite, server, mode), ages(suite, plain, mode)]);
    assert.ok(unlimited > 500, `${unlimited} ms without a limit: nothing waited`);
    assert.ok(limited < unlimited / 2, `${limited} ms, ${unlimited} ms without a limit`);
    await plain.stop();
    plain.forget();
  }, { seconds: kSeconds });
}

export async function threshold_checks(suite, [single, dual]) {
  const server = await start_server(suite, {
    rtc: { datachannel_slow_threshold: kThreshold, datachannel_lossy_target_latency: '100ms' },
  });
  await Promise.all([below_check(suite, server, single), above_check(suite, server, dual)]);
  await Promise.all([below_check(suite, server, dual), above_check(suite, server, single)]);
  // Alone: it compares times.
  await age_check(suite, server, single);
}
