// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// What each page shows.

import { assert } from '../lib/suite.mjs';
import { sleep, until } from '../lib/wait.mjs';
import { of } from './console_tab.mjs';
import { kOddRooms, kTenant } from './mock_data.mjs';
import { operator_tab } from './signing_in.mjs';

const lines_of = (tab) => tab.page.$$eval('.plot__line path:first-child', (list) => list.map((one) => one.getAttribute('d')));

async function overview_checks(suite, name, tab) {
  await suite.check(`${name}: the overview has totals, load, plots, joins and certificates`, async () => {
    await tab.reads(of('total-participants'), /^120$/);
    await tab.reads(of('total-in'), /^336 Mbit\/s$/);
    await tab.reads(of('total-uptime'), /^3 d 2 h$/);
    await tab.reads(of('nodes'), /ND_1 this node[^]*42 %[^]*ND_2[^]*93 %/);
    await tab.reads(of('workers'), /74 %/);
    await tab.reads(of('funnel'), /Asked to join[^]*20.?412[^]*Let in[^]*98.1 %[^]*Media connected[^]*97.4 %/);
    await tab.reads(of('reasons'), /token expired\s+311[^]*did not connect\s+140[^]*room is full\s+84/);
    await tab.reads(of('certificates'), /meet\.example[^]*61[^]*old\.example[^]*expires soon: put a newer one[^]*5/);
    await until(async () => (await lines_of(tab)).length === 6, { what: 'six lines' });
    const gaps = (await lines_of(tab)).filter((path) => path.lastIndexOf('M') > 0);
    assert.ok(gaps.length > 0, 'what is not known is a gap');
  });
}

async function room_checks(suite, name, tab, mock) {
  await suite.check(`${name}: rooms and who is in them, with tracks, layers and paths`, async () => {
    await tab.go('rooms');
    await tab.reads(of('total'), /^24 in all$/);
    await (await tab.row('room-0001')).click();
    await tab.reads(of('heading'), /^room-0001$/);
    assert.equal(await tab.title(), 'room-0001 · Rooms · confab console');
    await (await tab.row('edsger-3')).click();
    await tab.reads(of('person'), /camera[^]*video\/VP8, simulcast[^]*2.24 Mbit\/s[^]*3.4 %[^]*640 × 360[^]*450 kbit\/s[^]*30 fps/);
    await tab.reads(of('person'), /high\s+1280 × 720\s+off/);
    await tab.reads(of('person'), /UDP|TCP|TURN/);
    await tab.reads('.fold', /Messages received\s+2.5\/s/);
    assert.match(await tab.title(), /^edsger-3 · room-0001/);
    mock.rooms.get('room-0001').people.pop();
    mock.rooms.get('room-0001').people.pop();
    await tab.shown(of('person-gone'));
    mock.rooms.delete('room-0001');
    await tab.shown(of('gone'));
  }, { seconds: 40 });

  await suite.check(`${name}: names with every character`, async () => {
    for (const room of kOddRooms) {
      await tab.go('rooms');
      await (await tab.row(room)).click();
      await until(async () => (await tab.text(of('heading'))) === room, { what: room });
      await tab.shown('[data-row]');
    }
  });
}

async function tenant_checks(suite, name, tab, mock) {
  await suite.check(`${name}: a room of a tenant is looked at and acted on as theirs`, async () => {
    await tab.go('rooms');
    await (await tab.row('room-0008')).click();
    await tab.reads('main .head', /room-0008\s+acme & sons/);
    await (await tab.row('barbara-4')).click();
    await tab.reads(of('person'), /May\s+subscribe/);
    await tab.click(of('act-remove'));
    await tab.click(of('submit'));
    await tab.shown(of('person-gone'));
    await tab.click(of('close-person'));
    await tab.gone(of('person'));
    assert.equal(await tab.count('[data-row]'), 4);
    assert.equal(mock.rooms.get('room-0008').tenant, kTenant);
  });
}

async function past_checks(suite, name, tab, mock) {
  await suite.check(`${name}: history over a chosen time, read value by value`, async () => {
    await tab.go('history');
    await until(async () => (await lines_of(tab)).length === 8, { what: 'eight lines' });
    await tab.choose('range', '7d');
    await until(async () => /range=7d/.test(await tab.page.evaluate(() => location.hash)), { what: 'the address' });
    const spans = () => mock.asked.filter(({ name }) => name === 'history').map(({ params }) => params.to - params.from);
    await until(() => spans().at(-1) === 7 * 86_400_000, { what: () => `a question for seven days: ${spans()}` });
    await tab.choose('range', 'custom');
    await tab.shown(of('from'));
    const before = await tab.text(of('plot-legend'));
    await tab.page.$eval('.plot svg', (plot) => plot.focus());
    for (const key of ['Home', 'ArrowRight']) await tab.page.keyboard.press(key);
    await until(async () => (await tab.text(of('plot-legend'))) !== before, { what: 'another value' });
    await tab.shown('.plot__cursor');
  });

  await suite.check(`${name}: past sessions, filtered`, async () => {
    await tab.go('sessions');
    await tab.reads(of('total'), /^1.?200 in all$/);
    await tab.fill('filter-identity', 'ada-0');
    await tab.reads(of('total'), /^120 in all$/);
    await tab.reads(of('long-table'), /client initiated/);
    await tab.fill('filter-identity', '');
    await tab.fill('filter-room', 'room-0003');
    await tab.reads(of('total'), /^30 in all$/);
    await tab.fill('filter-identity', 'nobody');
    await tab.reads(of('empty'), /Nothing matches/);
  });

  await suite.check(`${name}: events by kind, and older ones`, async () => {
    await tab.go('events');
    const rows = () => tab.count(`${of('events')} tbody tr`);
    await until(async () => (await rows()) === 100, { what: 'the newest 100' });
    await tab.click(of('older'));
    await until(async () => (await rows()) === 200, { what: 'older ones' });
    await tab.click(of('older'));
    await tab.reads('main', /all that are kept/);
    assert.equal(await rows(), mock.events.length);
    await tab.choose('kind', 'join_refused');
    await until(async () => (await rows()) === 50, { what: 'those of a kind' });
  });
}

async function unseen_checks(suite, name, tab, mock) {
  await suite.check(`${name}: a page that nobody sees asks nothing, and at once when it is seen again`, async () => {
    const see = (hidden) => tab.page.evaluate((value) => {
      Object.defineProperty(document, 'hidden', { configurable: true, value });
      document.dispatchEvent(new Event('visibilitychange'));
    }, hidden);
    await tab.go('overview');
    await see(true);
    await sleep(500); // what was under way
    const before = mock.asked.length;
    await sleep(5000);
    assert.equal(mock.asked.length, before);
    await see(false);
    await until(() => mock.asked.length > before, { timeout: 1000, what: 'a question' });
  });
}

async function setup_checks(suite, name, tab) {
  await suite.check(`${name}: deliveries, and sending one again`, async () => {
    await tab.go('webhooks');
    await tab.choose('status', 'failed');
    const rows = () => tab.count(`${of('deliveries')} tbody tr`);
    await until(async () => (await rows()) === 12, { what: 'twelve that failed' });
    await tab.click(of('replay'));
    await tab.reads(of('notice'), /sent again/);
    await until(async () => (await rows()) === 11, { what: 'one less' });
  });

  await suite.check(`${name}: the configuration in effect, without secrets`, async () => {
    await tab.go('config');
    await tab.reads(of('options'), /keys\s+\(set\)\s+set/);
    await tab.fill('search', 'rtc.');
    await tab.reads(of('total'), /^2 in all$/);
    await tab.fill('search', '');
    await tab.click(of('changed'));
    await tab.reads(of('total'), /^5 in all$/);
  });
}

export async function read_checks({ suite, name, browser, mock: start }) {
  const mock = await start();
  const tab = await operator_tab(browser, mock);
  await overview_checks(suite, name, tab);
  await room_checks(suite, name, tab, mock);
  await tenant_checks(suite, name, tab, mock);
  await past_checks(suite, name, tab, mock);
  await setup_checks(suite, name, tab);
  await unseen_checks(suite, name, tab, mock);
  await suite.check(`${name}: the pages made no error, broke no policy, asked nobody else`, () => tab.calm());
  await tab.close();
}
