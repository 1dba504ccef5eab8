// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// The console in Chromium and Firefox: against an imagined server that is big, refuses or is away
// (mock_server.mjs), and against the real one with real participants.
//
// CONFAB_SCREENSHOTS  a folder that gets the pictures of the documents
// CONFAB_MEASURE      a limit in ms that an update with 2000 rooms may not pass

import { start_chromium, start_firefox } from '../lib/browser.mjs';
import { Suite } from '../lib/suite.mjs';
import { act_checks } from './acting.mjs';
import { big_checks } from './big.mjs';
import { fault_checks } from './faults.mjs';
import { keyboard_checks } from './keyboard.mjs';
import { look_checks } from './looks.mjs';
import { MockServer } from './mock_server.mjs';
import { take_pictures } from './pictures.mjs';
import { read_checks } from './reading.mjs';
import { real_checks } from './real.mjs';
import { sign_in_checks } from './signing_in.mjs';

const suite = new Suite({ limit: 900 });

await suite.run(async () => {
  for (const [name, start] of [['Chromium', start_chromium], ['Firefox', start_firefox]]) {
    const place = { suite, name, browser: await start(suite), mock: () => MockServer.start(suite) };
    await sign_in_checks(place);
    await read_checks(place);
    await act_checks(place);
    await big_checks(place);
    await fault_checks(place);
    await keyboard_checks(place);
    await look_checks(place);
    await real_checks(place);
    if (name === 'Chromium' && process.env.CONFAB_SCREENSHOTS) await take_pictures(place, process.env.CONFAB_SCREENSHOTS);
    await place.browser.close();
  }
});
