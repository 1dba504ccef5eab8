// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Workers on /agent, room, publisher and participant jobs, explicit dispatch, and what happens when
// a worker refuses, is silent, full or gone. Real agents are in run_agent_sdks.

import { KEY, start_server } from '../lib/server.mjs';
import { Suite } from '../lib/suite.mjs';
import { WebhookSink } from '../api/webhook_sink.mjs';
import { dispatch_checks } from './dispatches.mjs';
import { job_checks } from './jobs.mjs';
import { loss_checks } from './loss.mjs';
import { offer_checks } from './offers.mjs';
import { connect_silent, silence_check, socket_checks } from './socket.mjs';

const suite = new Suite({ limit: 180 });
await suite.run(async () => {
  const sink = await WebhookSink.start(suite);
  const server = await start_server(suite, { webhook: { urls: [sink.url], api_key: KEY } });
  const silent = await connect_silent(suite, server);
  await socket_checks(suite, server);
  await job_checks(suite, server, sink);
  await dispatch_checks(suite, server);
  await offer_checks(suite, server);
  await silence_check(suite, silent);
  await loss_checks(suite, server);
});
