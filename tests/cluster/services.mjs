// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Rooms of a cluster and its services.

import { Suite } from '../lib/suite.mjs';
import { agent_checks } from './agents.mjs';
import { ingress_checks } from './ingress_sessions.mjs';
import { recording_checks } from './recordings.mjs';
import { scale_command_checks } from './scale.mjs';

const suite = new Suite({ limit: 900 });

await suite.run(async () => {
  await recording_checks(suite);
  await agent_checks(suite);
  await ingress_checks(suite);
  await scale_command_checks(suite);
});
