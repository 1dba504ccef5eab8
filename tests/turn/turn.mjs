// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Clients that may only relay, and the tools of coturn, against the embedded TURN server.

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { Suite } from '../lib/suite.mjs';
import { browser_checks } from './browser.mjs';
import { coturn_checks } from './coturn.mjs';
import { fallback_checks } from './fallback.mjs';
import { life_checks } from './life.mjs';
import { node_checks } from './node.mjs';
import { refusal_checks } from './refusals.mjs';
import { request_checks } from './requests.mjs';
import { self_hosting_checks } from './self_hosting.mjs';
import { shortcut_checks } from './shortcut.mjs';

export const kHost = '10.71.0.1';

// A key and a certificate for `turn.test` that it signed itself.
function make_certificate(folder) {
  const [cert_file, key_file] = ['cert.pem', 'key.pem'].map((name) => path.join(folder, name));
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=turn.test',
    '-addext', 'subjectAltName=DNS:turn.test', '-keyout', key_file, '-out', cert_file], { stdio: 'pipe' });
  return { cert_file, key_file };
}

const suite = new Suite({ limit: 600 });
await suite.run(async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'confab-turn-'));
  suite.cleanup(() => fs.rmSync(folder, { recursive: true }));
  const place = { suite, host: kHost, folder, certificate: make_certificate(folder) };
  await refusal_checks(place);
  await request_checks(place);
  await life_checks(place);
  await self_hosting_checks(place);
  await node_checks(place);
  await shortcut_checks(place);
  await coturn_checks(place);
  await fallback_checks(place);
  await browser_checks(place);
});
