// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Meetings of the demo page: a lobby that the server enforces, hosts, layouts, captions, encryption
// by the link, languages, installing.
//
// CONFAB_SCREENSHOTS  a folder that gets the pictures of the guide

import { start_chromium } from '../lib/browser.mjs';
import { start_server } from '../lib/server.mjs';
import { Suite } from '../lib/suite.mjs';
import { call_checks } from './meet_call.mjs';
import { encryption_checks } from './meet_encryption.mjs';
import { firefox_checks } from './meet_firefox.mjs';
import { end_checks, host_checks } from './meet_host.mjs';
import { install_checks } from './meet_install.mjs';
import { admission_checks, token_checks } from './meet_lobby.mjs';
import { form_checks, looks_checks } from './meet_looks.mjs';
import { take_pictures } from './meet_pictures.mjs';
import { voice_args } from './voice.mjs';

const suite = new Suite({ limit: 420 });

await suite.run(async () => {
  // Each with a browser of its own: they do not share an invented camera, nor what a browser keeps.
  const [server, host, guest, third] = await Promise.all([
    start_server(suite), start_chromium(suite), start_chromium(suite, { args: voice_args(suite) }), start_chromium(suite),
  ]);
  const place = { suite, server, browsers: { host, guest, third } };
  await token_checks(place);
  await form_checks(place);
  await install_checks(place);
  const people = await admission_checks(place);
  if (people) {
    await call_checks(place, people);
    await looks_checks(place, people);
    await host_checks(place, people);
    await end_checks(place, people);
  }
  await encryption_checks(place);
  await firefox_checks(place);
  if (process.env.CONFAB_SCREENSHOTS) {
    await suite.check('pictures for the guide', () => take_pictures(place, process.env.CONFAB_SCREENSHOTS), { seconds: 120 });
  }
});
