// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Several nodes of one Redis.

import { Suite } from '../lib/suite.mjs';
import { call_checks } from './calls.mjs';
import { drain_checks } from './drains.mjs';
import { fault_checks } from './faults.mjs';
import { link_checks } from './links.mjs';
import { limit_checks } from './limits.mjs';
import { Nodes } from './nodes.mjs';
import { phone_checks } from './phones.mjs';
import { protocol_checks } from './protocol.mjs';
import { relocation_checks } from './relocations.mjs';
import { scale_checks } from './scale.mjs';
import { revocation_checks } from './revocations.mjs';
import { api_checks } from './server_api.mjs';
import { standing_checks } from './standing.mjs';
import { whip_checks } from './whip.mjs';

const suite = new Suite({ limit: 1000 });

await suite.run(async () => {
  const nodes = await Nodes.start(suite, 2);
  await call_checks(suite, nodes);
  await protocol_checks(suite, nodes);
  await api_checks(suite, nodes);
  await phone_checks(suite, nodes);
  await whip_checks(suite, nodes);
  await relocation_checks(suite, nodes);
  await limit_checks(suite);
  await revocation_checks(suite);
  await fault_checks(suite);
  await drain_checks(suite);
  await link_checks(suite);
  await standing_checks(suite);
  await scale_checks(suite);
});
