// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// What the server answers, tells and refuses on its signalling socket, in both connection modes. The
// groups run beside each other, each in rooms of its own: most of their time is waiting. Not all at once:
// a check that has a deadline is then late for what the others compute.

import { start_server } from '../lib/server.mjs';
import { Suite } from '../lib/suite.mjs';
import { few_at_once } from '../lib/wait.mjs';
import { announcing_checks } from './announcing.mjs';
import { audio_codec_checks } from './audio_codecs.mjs';
import { blob_checks } from './blobs.mjs';
import { candidate_checks } from './candidates.mjs';
import { channel_checks } from './channels.mjs';
import { client_info_checks } from './client_info.mjs';
import { connecting_checks } from './connecting.mjs';
import { data_track_checks } from './data_tracks.mjs';
import { description_checks } from './descriptions.mjs';
import { fanout_checks } from './fanout.mjs';
import { frame_checks } from './frames.mjs';
import { gate_checks } from './gates.mjs';
import { id_checks } from './ids.mjs';
import { joining_checks } from './joining.mjs';
import { leaving_checks } from './leaving.mjs';
import { metrics_checks } from './metrics.mjs';
import { publishing_checks } from './publishing.mjs';
import { query_checks } from './query.mjs';
import { quirk_checks } from './quirks.mjs';
import { relaying_checks } from './relaying.mjs';
import { resuming_checks } from './resuming.mjs';
import { section_checks } from './sections.mjs';
import { setting_checks } from './settings.mjs';
import { simulating_checks } from './simulating.mjs';
import { subscriber_checks } from './subscribers.mjs';
import { subscribing_checks } from './subscribing.mjs';
import { trailer_checks } from './trailers.mjs';

const kGroups = [
  announcing_checks,
  audio_codec_checks,
  blob_checks,
  candidate_checks,
  channel_checks,
  client_info_checks,
  connecting_checks,
  data_track_checks,
  description_checks,
  fanout_checks,
  frame_checks,
  gate_checks,
  id_checks,
  joining_checks,
  leaving_checks,
  metrics_checks,
  publishing_checks,
  query_checks,
  quirk_checks,
  relaying_checks,
  resuming_checks,
  section_checks,
  setting_checks,
  simulating_checks,
  subscriber_checks,
  subscribing_checks,
  trailer_checks,
];

const kAtOnce = 8;

const suite = new Suite({ limit: 180 });
await suite.run(async () => {
  const server = await start_server(suite);
  await few_at_once(kAtOnce, kGroups, (group) => group(suite, server));
});
