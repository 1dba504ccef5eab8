// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// livekit-client in headless Chromium, single (v1) and dual (v0) peer connection: decoded pixels
// and tones in every codec, layers, mute, speakers, lost sound, encryption, data, reconnecting,
// refused tokens, ICE/TCP.

import { start_chromium } from '../lib/browser.mjs';
import { start_server } from '../lib/server.mjs';
import { start_page_server } from '../lib/static_server.mjs';
import { Suite } from '../lib/suite.mjs';
import { call_checks } from './call.mjs';
import { churn_checks } from './churn.mjs';
import { data_track_checks } from './data_tracks.mjs';
import { e2ee_checks } from './e2ee.mjs';
import { frame_metadata_checks } from './frame_metadata.mjs';
import { loss_checks, stuck_picture_checks } from './loss.mjs';
import { operation_checks } from './operation.mjs';
import { refusal_checks } from './refusals.mjs';
import { speaker_checks } from './speakers.mjs';
import { tcp_checks } from './tcp.mjs';

const suite = new Suite({ limit: 1000 });
await suite.run(async () => {
  const [server, address, browser] = await Promise.all([
    start_server(suite),
    start_page_server(suite),
    start_chromium(suite, { whole: false }),
  ]);
  const place = { suite, server, address, browser };
  for (const v0 of [false, true]) {
    await call_checks(place, v0);
    await speaker_checks(place, v0);
    await e2ee_checks(place, v0);
    await data_track_checks(place, v0);
  }
  await churn_checks(place);
  await frame_metadata_checks(place);
  await loss_checks(place);
  await stuck_picture_checks(place);
  await refusal_checks(place);
  await operation_checks(place);
  await browser.close();
  await tcp_checks(place);
});
