// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// livekit-client in Chromium over wss, with a certificate that changes while its media go by TURN and TLS.

import { Caller, meet } from '../browser/caller.mjs';
import { start_chromium } from '../lib/browser.mjs';
import { start_page_server } from '../lib/static_server.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { spki_of, write_pair } from './authority.mjs';
import { kPort, start_one_port } from './one_port.mjs';
import { certificate_at, let_out, start_tls_server } from './place.mjs';

async function two({ suite, address }, browser, server, room) {
  const alice = await Caller.open(suite, browser, address, 'alice', 1);
  const bob = await Caller.open(suite, browser, address, 'bob', 2);
  for (const caller of [alice, bob]) {
    await caller.join(server, room);
    await caller.call('publish_picture');
    await caller.call('publish_tone');
  }
  await meet(alice, bob, { timeout: 30000 });
  return [alice, bob];
}

// What was lost and what came, of all that a page receives.
async function received(caller) {
  const { received: pictures, sounds, relays } = await caller.call('transport');
  const sum = (field) => [...pictures, ...sounds].reduce((all, one) => all + (one[field] ?? 0), 0);
  return { packets: sum('packets'), lost: sum('lost'), relays };
}

// `renew` makes the server show another certificate; nobody at the call notices. `also` is let out beside
// the port.
export async function renewal_under_a_call(place, browser, server, room, renew, also = []) {
  let_out([{ protocol: 'tcp', port: kPort }, ...also]);
  const callers = await two(place, browser, server, room);
  const before = await Promise.all(callers.map(received));
  for (const { relays } of before) assert.ok(relays.length > 0 && relays.every((one) => one === 'tls'), `relays over ${relays}`);
  const since = Date.now();
  const { fingerprint256 } = await certificate_at(kPort, 'meet.test');
  await renew();
  await until(async () => (await certificate_at(kPort, 'meet.test')).fingerprint256 !== fingerprint256, { timeout: 30000, what: 'another certificate' });
  // A few hundred packets more, in both directions.
  await until(async () => {
    const now = await Promise.all(callers.map(received));
    return now.every((one, i) => one.packets > before[i].packets + 300);
  }, { timeout: 30000, what: 'packets behind the renewal' });
  const after = await Promise.all(callers.map(received));
  after.forEach((one, i) => assert.equal(one.lost, before[i].lost, 'packets lost'));
  for (const caller of callers) await caller.assert_undisturbed(since);
  await Promise.all(callers.map((caller) => caller.close()));
  let_out(undefined);
}

export async function call_checks(place) {
  const { suite, authority } = place;
  const names = {
    wss: 'Chromium joins over wss and has a call [CON-01] [CON-31]',
    renewal: 'a certificate renewed during a call over TURN and TLS: no packet is lost by it [TURN-18]',
  };
  if (!Object.values(names).some((name) => suite.selected(name))) return;
  const pair = authority.issue(['meet.test']);
  const folder = authority.folder();
  const files = write_pair(folder, pair);
  const browser = await start_chromium(suite, { args: [`--ignore-certificate-errors-spki-list=${spki_of(pair.cert)}`] });
  const browsing = { suite, address: await start_page_server(suite) };
  suite.cleanup(() => let_out(undefined));
  await suite.check(names.wss, async () => {
    const server = await start_tls_server(suite, { tls: { domain: 'meet.test', one_port: false, ...files } });
    const callers = await two(browsing, browser, server, 'wss');
    await Promise.all(callers.map((caller) => caller.close()));
    await server.stop();
  }, { seconds: 60 });
  await suite.check(names.renewal, async () => {
    const server = await start_one_port(suite, files, { tcp_port: 0 });
    await renewal_under_a_call(browsing, browser, server, 'renewal', () => write_pair(folder, authority.issue(['meet.test'])));
    await server.stop();
  }, { seconds: 120 });
}
