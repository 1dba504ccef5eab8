// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Nodes of ours on a Redis with nodes and services of somebody else, whose bytes are made and read here.

import { Suite } from '../lib/suite.mjs';
import { Nodes } from './nodes.mjs';
import { call_on_wire_checks } from './wire_calls.mjs';
import { node_on_wire_checks } from './wire_nodes.mjs';
import { session_on_wire_checks } from './wire_sessions.mjs';

const suite = new Suite({ limit: 400 });

await suite.run(async () => {
  const nodes = await Nodes.start(suite, 2, { confab: { node_links: false } });
  await call_on_wire_checks(suite, nodes);
  await session_on_wire_checks(suite, nodes);
  await node_on_wire_checks(suite, nodes);
});
