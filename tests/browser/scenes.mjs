// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Media checks with livekit-client in headless Chromium that go by its own counts (getStats), its
// pixels and its sound.

import { start_chromium } from '../lib/browser.mjs';
import { start_server } from '../lib/server.mjs';
import { start_page_server } from '../lib/static_server.mjs';
import { Suite } from '../lib/suite.mjs';
import { backup_codec_checks } from './backup_codec.mjs';
import { scalable_checks } from './scalable.mjs';
import { subscriber_loss_checks } from './subscriber_loss.mjs';

const suite = new Suite({ limit: 240 });
await suite.run(async () => {
  const [server, address, browser] = await Promise.all([
    start_server(suite),
    start_page_server(suite),
    start_chromium(suite, { whole: false }),
  ]);
  const place = { suite, server, address, browser };
  await scalable_checks(place);
  await subscriber_loss_checks(place);
  await backup_codec_checks(place);
});
