// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// livekit-server-sdk against the server APIs: every RoomService call with its errors, counters
// that are right at once, webhooks in order and retried. Participants are @livekit/rtc-node.

import { KEY, start_server } from '../lib/server.mjs';
import { Suite } from '../lib/suite.mjs';
import { http_checks } from './http.mjs';
import { operation_checks } from './operation.mjs';
import { participant_checks } from './participants.mjs';
import { refresh_checks } from './refresh.mjs';
import { refusal_checks } from './refusals.mjs';
import { reload_checks } from './reload.mjs';
import { revocation_checks } from './revocation.mjs';
import { rights_checks } from './rights.mjs';
import { room_checks } from './rooms.mjs';
import { rpc_checks } from './rpc.mjs';
import { webhook_flood_checks } from './webhook_flood.mjs';
import { webhook_outbox_checks } from './webhook_outbox.mjs';
import { WebhookSink } from './webhook_sink.mjs';
import { webhook_checks } from './webhooks.mjs';

const suite = new Suite({ limit: 300 });
await suite.run(async () => {
  const sink = await WebhookSink.start(suite);
  const server = await start_server(suite, { webhook: { urls: [sink.url], api_key: KEY } });
  await room_checks(suite, server);
  await refresh_checks(suite, server);
  await refusal_checks(suite, server);
  await http_checks(suite, server, sink);
  await participant_checks(suite, server);
  await revocation_checks(suite, server);
  await rights_checks(suite, server);
  await rpc_checks(suite, server);
  await webhook_checks(suite, server, sink);
  await operation_checks(suite, server);
  await webhook_flood_checks(suite);
  await webhook_outbox_checks(suite);
  await reload_checks(suite);
});
