// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// The program `confab` as a shell sees it.

import { Suite } from '../lib/suite.mjs';
import { command_checks } from './commands.mjs';
import { configuration_checks } from './configuration.mjs';
import { flag_checks } from './flags.mjs';

const suite = new Suite({ limit: 120 });
await suite.run(async () => {
  await flag_checks(suite);
  await command_checks(suite);
  await configuration_checks(suite);
});
