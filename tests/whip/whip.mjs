// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Publishers that speak WHIP (RFC 9725), seen and heard by rtc-node.

import { start_server } from '../lib/server.mjs';
import { Suite } from '../lib/suite.mjs';
import { browser_checks } from './browser.mjs';
import { gstreamer_checks } from './gstreamer.mjs';
import { receive_checks, wait_checks } from './receive.mjs';
import { request_checks } from './requests.mjs';

const suite = new Suite({ limit: 300 });
await suite.run(async () => {
  const server = await start_server(suite, { confab: { control_threads: 2 } });
  await request_checks(suite, server);
  await wait_checks(suite, server);
  await browser_checks(suite, server);
  await receive_checks(suite, server);
  await gstreamer_checks(suite, server);
});
