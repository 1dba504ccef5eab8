// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// @livekit/rtc-node (the Rust core) against the server: media of two and of twenty subscribers as
// decoded pixels and tones, data, streams, RPC, attributes, reconnecting, late joining; what all
// that leaves in the metrics.

import { start_server } from '../lib/server.mjs';
import { Suite } from '../lib/suite.mjs';
import { data_checks } from './data.mjs';
import { e2ee_checks } from './e2ee.mjs';
import { many_checks } from './many.mjs';
import { media_checks } from './media.mjs';
import { metrics_checks } from './metrics.mjs';
import { session_checks } from './session.mjs';
import { speaker_checks } from './speakers.mjs';

const suite = new Suite({ limit: 400 });
await suite.run(async () => {
  const server = await start_server(suite);
  for (const single of [true, false]) {
    const mode = { single, label: single ? 'single PC' : 'dual PC' };
    await media_checks(suite, server, mode);
    await speaker_checks(suite, server, mode);
    await data_checks(suite, server, mode);
    await session_checks(suite, server, mode);
    await e2ee_checks(suite, server, mode);
  }
  await many_checks(suite, server);
  await metrics_checks(suite);
});
