// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Peer connections from their descriptions to what goes over them. The parts follow each other, the
// checks of a part run at once: many measure how long something takes.

import { start_server } from '../lib/server.mjs';
import { Suite } from '../lib/suite.mjs';
import { address_checks } from './addresses.mjs';
import { description_text_checks } from './descriptions_text.mjs';
import { descriptor_checks } from './descriptors.mjs';
import { ice_checks } from './ice.mjs';
import { stream_checks } from './ice_streams.mjs';
import { secure_checks } from './secure.mjs';
import { transport_checks } from './transport.mjs';

const kParts = [[address_checks, ice_checks, stream_checks], [description_text_checks, descriptor_checks], [secure_checks], [transport_checks]];

const suite = new Suite({ limit: 180 });
await suite.run(async () => {
  const server = await start_server(suite);
  for (const part of kParts) await Promise.all(part.map((group) => group(suite, server)));
});
