// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Tenants as their clients see them: rooms of one name that know nothing of each other, whoever
// asks, joins, works or listens.

import { start_server } from '../lib/server.mjs';
import { Suite } from '../lib/suite.mjs';
import { keys, tenants } from './tenant_clients.mjs';
import { tenant_agent_checks } from './tenant_agents.mjs';
import { tenant_reload_checks } from './tenant_reload.mjs';
import { tenant_room_checks } from './tenant_rooms.mjs';
import { tenant_webhook_checks } from './tenant_webhooks.mjs';

const suite = new Suite({ limit: 180 });
await suite.run(async () => {
  for (const control_threads of [1, 2]) {
    const server = await start_server(suite, { keys, confab: { tenants, control_threads } });
    const title = control_threads === 1 ? '' : `, ${control_threads} control threads`;
    await tenant_room_checks(suite, server, title);
    await tenant_agent_checks(suite, server, title);
    await server.stop();
  }
  await tenant_webhook_checks(suite);
  await tenant_reload_checks(suite);
});
