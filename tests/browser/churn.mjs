// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Tracks that come and go: each is another offer and answer, and neither grows without end.

import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { Caller } from './caller.mjs';

const kTimes = 50;
const kPages = 8;
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

// One picture instead of another in one turn: the section of the first is still in use when the second is to go down.
async function turn_pages({ suite, server, address, browser }, v0) {
  const mode = v0 ? 'v0' : 'v1';
  const open = (name, number) => Caller.open(suite, browser, address, `${name}-${mode}`, number);
  const [one, two, reader] = await Promise.all([open('left', 3), open('right', 4), open('reader', 5)]);
  for (const caller of [one, two, reader]) await caller.join(server, `pages-${mode}`, { v0, auto_subscribe: caller !== reader });
  await Promise.all([one, two].map((caller) => caller.call('publish_picture', { size: kSmall })));
  const there = async () => Object.values((await reader.state()).people).filter(({ tracks }) => tracks.length === 1).length === 2;
  await until(there, { timeout: 5000, what: 'both pictures to be announced' });
  const turn = (from, to) => reader.evaluate((a, b) => {
    if (a) window.caller.subscribe(a, false);
    window.caller.subscribe(b, true);
  }, from?.identity, to.identity);
  let shown;
  for (let i = 0; i < kPages; i += 1) {
    const next = i % 2 ? two : one;
    await turn(shown, next);
    await reader.sees(next);
    shown = next;
  }
  const sections = await reader.call('sections');
  assert.ok(Math.max(...sections) <= kSections, `who turns pages has ${sections} sections, ${mode}`);
  await Promise.all([one, two, reader].map((caller) => caller.close()));
}

export async function churn_checks(place) {
  await place.suite.check(`a picture comes and goes ${kTimes} times, and is watched and not, v1 and v0 [MC-06] [SDP-07]`, async () => {
    await Promise.all([churn(place, false), churn(place, true)]);
  }, { seconds: 150 });
  await place.suite.check(`one picture instead of another, ${kPages} times, v1 and v0 [SUB-01] [SDP-07] [SIG-84]`, async () => {
    await Promise.all([turn_pages(place, false), turn_pages(place, true)]);
  }, { seconds: 60 });
}
