// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// What is heard, with livekit-client in headless Chromium: lip sync, talkers of different loudness,
// mutes.

import { start_chromium } from '../lib/browser.mjs';
import { start_server } from '../lib/server.mjs';
import { start_page_server } from '../lib/static_server.mjs';
import { Suite } from '../lib/suite.mjs';
import { lip_sync_checks } from './lip_sync.mjs';
import { quality_checks } from './quality.mjs';
import { talker_checks } from './talkers.mjs';

const suite = new Suite({ limit: 240 });
await suite.run(async () => {
  const [server, address, browser] = await Promise.all([
    start_server(suite),
    start_page_server(suite),
    start_chromium(suite, { whole: false }),
  ]);
  const place = { suite, server, address, browser };
  await lip_sync_checks(place);
  await Promise.all([talker_checks(place), quality_checks(place)]);
});
