// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// 2000 rooms of five: what is drawn, what is asked for, what an update costs.

import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { of } from './console_tab.mjs';
import { make_rooms } from './mock_data.mjs';
import { operator_tab } from './signing_in.mjs';

const kRooms = 2000;
const kMostRows = 80; // in the document
const kUpdates = 20;
const kMedian = 50; // ms, on a machine that does other things too; less than 1 is no picture
const kPeople = 1000; // in one room

// Runs in the page: keeps what the console measures of each update, and the longest task.
function watch_updates() {
  window.updates = [];
  new PerformanceObserver((list) => {
    for (const { name, duration } of list.getEntries()) if (name === 'console-update') window.updates.push(duration);
  }).observe({ type: 'measure' });
}

const updates = (tab) => tab.page.evaluate(() => window.updates);

async function measure(tab) {
  await tab.page.evaluate(watch_updates);
  // Each turn of the order is another answer in which no row is as before.
  for (let turn = 0; turn < kUpdates; ++turn) {
    const before = (await updates(tab)).length;
    await tab.click(of(turn % 2 === 0 ? 'sort-tracks' : 'sort-name'));
    await until(async () => (await updates(tab)).length > before, { every: 20, what: 'an update' });
  }
  const sorted = (await updates(tab)).sort((a, b) => a - b);
  return { median: sorted[Math.floor(sorted.length / 2)], worst: sorted[sorted.length - 1] };
}

async function drawing_checks(suite, name, tab) {
  await suite.check(`${name}: of ${kRooms} rooms those on the screen are in the document`, async () => {
    await tab.reads(of('total'), /^2.?000 in all$/);
    await tab.shown('[data-row="0"]');
    assert.ok((await tab.count('tr')) < kMostRows);
    assert.equal(await tab.page.$eval(of('long-table'), (table) => table.getAttribute('aria-rowcount')), String(kRooms + 1));
    await tab.page.evaluate(() => window.scrollTo(0, document.documentElement.scrollHeight / 2));
    await until(async () => (await tab.rows()).some((one) => /^room-(09|10)/.test(one)), { what: 'rooms of the middle' });
    assert.ok((await tab.count('tr')) < kMostRows);
    await tab.page.evaluate(() => window.scrollTo(0, document.documentElement.scrollHeight));
    await until(async () => (await tab.rows()).length > 0 && (await tab.count(`[data-row="${kRooms - 1}"]`)) === 1, { what: 'the last room' });
  });
}

async function people_checks(suite, name, mock, tab) {
  await suite.check(`${name}: a room of ${kPeople}`, async () => {
    mock.churn = false;
    mock.rooms = make_rooms(2, kPeople);
    await tab.go('rooms/room-0001');
    await tab.shown('[data-row="0"]');
    assert.ok((await tab.count('tr')) < kMostRows);
    await tab.fill('search', '-999');
    await until(async () => (await tab.rows()).join() === 'ada-999', { what: 'the last of them' });
    await (await tab.row('ada-999')).click();
    await tab.reads(of('person'), /camera/);
    const before = (await updates(tab)).length;
    await until(async () => (await updates(tab)).length > before + 3, { what: 'updates' });
    console.log(`   updates with ${kPeople} participants: ${(await updates(tab)).slice(before).map((one) => one.toFixed(1)).join(', ')} ms`);
    await tab.calm();
  }, { seconds: 60 });
}

export async function big_checks({ suite, name, browser, mock: start }) {
  const mock = await start();
  mock.rooms = make_rooms(kRooms, 5);
  const tab = await operator_tab(browser, mock, { hash: '#/rooms' });

  await drawing_checks(suite, name, tab);
  await suite.check(`${name}: searching and sorting ${kRooms} rooms`, async () => {
    await tab.fill('search', 'room-19');
    await tab.reads(of('total'), /^100 in all$/);
    await until(async () => (await tab.rows())[0] === 'room-1900', { what: 'the first of them' });
    await tab.click(of('sort-name'));
    await until(async () => (await tab.rows())[0] === 'room-1999', { what: 'the last of them' });
    await tab.fill('search', 'no such room');
    await tab.shown(of('empty'));
    await tab.fill('search', '');
    await tab.reads(of('total'), /^2.?000 in all$/);
  });

  await suite.check(`${name}: an update in which everything changes, with ${kRooms} rooms`, async () => {
    mock.churn = true;
    const { median, worst } = await measure(tab);
    console.log(`   from the answer to its picture: median ${median.toFixed(1)} ms, worst ${worst.toFixed(1)} ms`);
    const limit = Number(process.env.CONFAB_MEASURE ?? Infinity);
    assert.ok(worst < limit, `an update took ${worst} ms`);
    assert.ok(median > 1 && median < kMedian, `the median is ${median} ms`);
    await tab.calm();
  }, { seconds: 60 });
  await people_checks(suite, name, mock, tab);
  await tab.close();
}
