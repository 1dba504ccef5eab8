// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// The verbs that speak to a server, as a shell sees them (05 section C).

import { Suite } from '../lib/suite.mjs';
import { cli_of, peer_server } from './verb_programs.mjs';
import { compare } from './verb_compare.mjs';
import { join_checks } from './verb_join.mjs';
import { room_checks } from './verb_rooms.mjs';
import { local_checks } from './verb_local.mjs';
import { start_server } from '../lib/server.mjs';

const suite = new Suite({ limit: 300 });
await suite.run(async () => {
  const server = await start_server(suite);
  const ours = cli_of(suite, 'confab', server.http);
  await room_checks(suite, ours, server);
  await local_checks(suite, ours, server);
  await join_checks(suite, ours, server);
  const peers = { cli: process.env.CONFAB_PEER_CLI, server: process.env.CONFAB_PEER_SERVER };
  const runs = [{ name: 'confab → confab', cli: ours }];
  if (peers.cli) runs.push({ name: 'lk → confab', cli: cli_of(suite, peers.cli, server.http) });
  if (peers.server) {
    const upstream = await peer_server(suite, peers.server);
    runs.push({ name: 'confab → livekit-server', cli: cli_of(suite, 'confab', upstream) });
    if (peers.cli) runs.push({ name: 'lk → livekit-server', cli: cli_of(suite, peers.cli, upstream) });
  }
  await compare(suite, runs);
});
