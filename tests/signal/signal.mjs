// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// What the server answers, tells and refuses on its signalling socket, in both connection modes. The
// groups run beside each other, each in rooms of its own: most of their time is waiting.

import { start_server } from '../lib/server.mjs';
import { Suite } from '../lib/suite.mjs';
import { client_info_checks } from './client_info.mjs';
import { description_checks } from './descriptions.mjs';
import { frame_checks } from './frames.mjs';
import { query_checks } from './query.mjs';

const suite = new Suite({ limit: 180 });
await suite.run(async () => {
  const server = await start_server(suite);
  const groups = [
    query_checks,
    client_info_checks,
    frame_checks,
    description_checks,
  ];
  await Promise.all(groups.map((group) => group(suite, server)));
});
