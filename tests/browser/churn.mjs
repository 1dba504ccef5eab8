// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Tracks that come and go: each is another offer and answer, and neither grows without end.

import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { Caller } from './caller.mjs';

const kTimes = 50;
const kSmall = { width: 160, height: 90, fps: 15 };
// Of who watches: data, and those that wait for another track. Who publishes makes a new one each time.
const kSections = 8;

// Returns when both see each other again.
async function churn({ suite, server, address, browser }, v0) {
  const mode = v0 ? 'v0' : 'v1';
  const from = await Caller.open(suite, browser, address, `comes-${mode}`, 3);
  const to = await Caller.open(suite, browser, address, `watches-${mode}`, 4);
  for (const caller of [from, to]) await caller.join(server, `churn-${mode}`, { v0 });
  const tracks = async (count) => {
    const seen = async () => ((await to.person(from))?.tracks ?? []).filter((one) => one.subscribed);
    await until(async () => (await seen()).length === count, { timeout: 10000, every: 5, what: `${count} tracks, ${mode}` });
  };
  for (let i = 0; i < kTimes; i += 1) {
    await from.call('publish_picture', { size: kSmall });
    await tracks(1);
    await from.call('unpublish', 'picture');
    await tracks(0);
  }
  await from.call('publish_picture', { size: kSmall });
  await to.sees(from);
  for (let i = 0; i < kTimes; i += 1) {
    await to.call('subscribe', from.identity, false);
    await tracks(0);
    await to.call('subscribe', from.identity, true);
    await tracks(1);
  }
  await to.sees(from);
  const sections = await to.call('sections');
  assert.ok(Math.max(...sections) <= kSections, `who watches has ${sections} sections, ${mode}`);
  for (const caller of [from, to]) {
    const events = await caller.evaluate(() => window.caller.events.map(({ name }) => name));
    const trouble = events.filter((name) => /reconnect|disconnected|failed|error/i.test(name));
    assert.deepEqual(trouble, [], `${caller.identity} has trouble`);
  }
  await Promise.all([from.close(), to.close()]);
}

export async function churn_checks(place) {
  await place.suite.check(`a picture comes and goes ${kTimes} times, and is watched and not, v1 and v0 [MC-06] [SDP-07]`, async () => {
    await Promise.all([churn(place, false), churn(place, true)]);
  }, { seconds: 150 });
}
