// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Alice sends reliable data to all; Bob's data channel stands still, as nothing that the server sends
// on it comes to him, while his connection lives; Carol is as quick as Alice.

import { is_dtls } from '../lib/media_proxy.mjs';
import { start_server } from '../lib/server.mjs';
import { assert, Suite } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { have, kBytes, numbers, range, say, send_all, trio } from './bulk.mjs';
import { threshold_checks } from './slow_threshold.mjs';

// More than this is not on its way to somebody who takes nothing: what may be unacknowledged and the
// window of a sender have 256 KiB each.
const kHeldBack = 1_000_000 / kBytes;
const kSeconds = 90;

const stands_still = (proxy, still) => {
  proxy.to_client = still ? (bytes) => !is_dtls(bytes) : () => true;
};

// Waits until nothing has come to a peer for a second.
async function quiet(peer) {
  let [count, since] = [numbers(peer, 'bulk').length, Date.now()];
  await until(() => {
    const now = numbers(peer, 'bulk').length;
    if (now !== count) [count, since] = [now, Date.now()];
    return count > 0 && Date.now() - since >= 1000;
  }, { timeout: 30000, every: 20, what: () => `a pause, after ${count} messages` });
  return count;
}

async function slow_checks(suite, server, mode) {
  await suite.check(`${mode.label}: who sends waits for a receiver that is behind, and nothing is lost [SIG-122] [DC-20]`, async () => {
    const { proxy, alice, bob, carol, leave } = await trio(suite, server, 'behind', mode);
    stands_still(proxy, true);
    const count = 60;
    const sending = send_all(alice, count);
    const held = await quiet(carol);
    assert.ok(held < kHeldBack, `${held} messages passed while one receiver took none`);
    assert.equal(numbers(bob, 'bulk').length, 0);
    // Others are not held back by what Alice sends.
    await say(carol, 'beside', '7');
    await until(() => numbers(alice, 'beside').length === 1, { what: 'a message of somebody else' });
    stands_still(proxy, false);
    await sending;
    await Promise.all([have(bob, count), have(carol, count)]);
    for (const peer of [bob, carol]) assert.deepEqual(numbers(peer, 'bulk'), range(count));
    await leave();
  }, { seconds: kSeconds });

  await suite.check(`${mode.label}: one who takes nothing for 5 s holds nobody back, loses the newest and is there again [SIG-122] [DC-25]`, async () => {
    const { proxy, alice, bob, carol, leave } = await trio(suite, server, 'stands', mode);
    stands_still(proxy, true);
    const count = 120;
    await Promise.all([send_all(alice, count), have(carol, count)]);
    assert.deepEqual(numbers(carol, 'bulk'), range(count));
    assert.equal(numbers(bob, 'bulk').length, 0);
    stands_still(proxy, false);
    // What is kept for it is 4 MiB, and what was under way before.
    await have(bob, Math.floor((4 << 20) / (kBytes + 1000)));
    await until(async () => {
      await say(alice, 'after', '1');
      return numbers(bob, 'after').length > 0;
    }, { timeout: 30000, every: 200, what: 'a message after all' });
    const got = numbers(bob, 'bulk');
    assert.ok(got.length < count, 'nothing was dropped');
    assert.deepEqual(got, [...new Set(got)].sort((a, b) => a - b), 'twice or out of order');
    await leave();
  }, { seconds: kSeconds });
}

const suite = new Suite({ limit: 500 });
await suite.run(async () => {
  const server = await start_server(suite);
  const modes = [true, false].map((single) => ({ single, label: single ? 'single PC' : 'dual PC' }));
  // One after the other: what is held back is seen by a pause, and the server waits for five seconds only.
  for (const mode of modes) await slow_checks(suite, server, mode);
  await threshold_checks(suite, modes);
});
