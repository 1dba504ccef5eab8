// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// TLS of the HTTP port, in two network namespaces (see run_tls).

import { Suite } from '../lib/suite.mjs';
import { acme_checks } from './acme.mjs';
import { Authority } from './authority.mjs';
import { call_checks } from './calls.mjs';
import { certificate_checks } from './certificates.mjs';
import { one_port_checks } from './one_port.mjs';

const suite = new Suite({ limit: 900 });
await suite.run(async () => {
  const place = { suite, authority: new Authority(suite) };
  await certificate_checks(place);
  await one_port_checks(place);
  await call_checks(place);
  await acme_checks(place);
});
