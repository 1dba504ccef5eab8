// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// @livekit/rtc-node (the Rust core) against the server: media of two and of twenty subscribers as
// decoded pixels and tones, data, streams, RPC, attributes, reconnecting, late joining; what all
// that leaves in the metrics.

import { Scrape } from '../lib/metrics.mjs';
import { start_server } from '../lib/server.mjs';
import { assert, Suite } from '../lib/suite.mjs';
import { data_checks } from './data.mjs';
import { e2ee_checks } from './e2ee.mjs';
import { loss_checks } from './loss.mjs';
import { many_checks } from './many.mjs';
import { media_checks } from './media.mjs';
import { metrics_checks } from './metrics.mjs';
import { session_checks } from './session.mjs';
import { speaker_checks } from './speakers.mjs';

// With CONFAB_TEST_CONTROL_THREADS: what went before was not all done by one of them.
async function thread_checks(suite, server) {
  const threads = Number(process.env.CONFAB_TEST_CONTROL_THREADS ?? 0);
  if (threads < 2) return;
  await suite.check('rooms: each control thread served some of them', async () => {
    const shards = (await Scrape.of(server)).all('confab_control_requests_total');
    assert.equal(shards.length, threads);
    for (const { labels, value } of shards) assert.ok(value > 0, `thread ${labels.shard} handled ${value} requests`);
  });
}

const suite = new Suite({ limit: 600 });
await suite.run(async () => {
  const server = await start_server(suite);
  for (const single of [true, false]) {
    const mode = { single, label: single ? 'single PC' : 'dual PC' };
    await media_checks(suite, server, mode);
    await loss_checks(suite, server, mode);
    await speaker_checks(suite, server, mode);
    await data_checks(suite, server, mode);
    await session_checks(suite, server, mode);
    await e2ee_checks(suite, server, mode);
  }
  await many_checks(suite, server);
  await thread_checks(suite, server);
  await metrics_checks(suite);
});
