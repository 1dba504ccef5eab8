// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// The server as clients without an SDK see it: listener, tokens, Twirp, rooms, services without
// workers. Requests are made byte for byte.

import { KEY, start_server } from '../lib/server.mjs';
import { Suite } from '../lib/suite.mjs';
import { address_checks } from './client_address.mjs';
import { debug_page_checks } from './debug_pages.mjs';
import { listener_checks } from './listener.mjs';
import { participant_claim_checks } from './participant_claims.mjs';
import { release_checks } from './releases.mjs';
import { room_setting_checks } from './room_settings.mjs';
import { service_checks } from './services.mjs';
import { token_checks } from './token_claims.mjs';
import { twirp_checks } from './twirp_wire.mjs';
import { webhook_filter_checks } from './webhook_filter.mjs';
import { WebhookSink } from './webhook_sink.mjs';

const suite = new Suite({ limit: 120 });
await suite.run(async () => {
  const sink = await WebhookSink.start(suite);
  const server = await start_server(suite, { webhook: { urls: [sink.url], api_key: KEY } });
  server.sink = sink;
  await listener_checks(suite, server);
  await address_checks(suite, server);
  await release_checks(suite, server);
  await token_checks(suite, server);
  await participant_claim_checks(suite, server);
  await twirp_checks(suite, server);
  await service_checks(suite, server);
  await room_setting_checks(suite);
  await webhook_filter_checks(suite);
  await debug_page_checks(suite, server);
});
