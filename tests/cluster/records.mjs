// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// What stands in the Redis of a cluster, and what is called there, as a program sees it that is no
// node.

import { Peer } from '../lib/psrpc.mjs';
import { Suite } from '../lib/suite.mjs';
import { called_service_checks } from './called_services.mjs';
import { Nodes } from './nodes.mjs';
import { Stored } from './stored.mjs';
import { stored_egress_checks } from './stored_egresses.mjs';
import { stored_ingress_checks } from './stored_ingresses.mjs';
import { stored_phone_checks } from './stored_phones.mjs';
import { stored_room_checks } from './stored_rooms.mjs';

const suite = new Suite({ limit: 300 });

await suite.run(async () => {
  const nodes = await Nodes.start(suite, 2);
  const stored = new Stored(await Peer.start(suite, nodes.redis.port, 'records'));
  await stored_room_checks(suite, nodes, stored);
  await stored_ingress_checks(suite, nodes, stored);
  await stored_egress_checks(suite, nodes, stored);
  await stored_phone_checks(suite, nodes, stored);
  await called_service_checks(suite, nodes, stored);
});
