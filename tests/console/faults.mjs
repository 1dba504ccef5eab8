// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// The server goes away and comes back, refuses, is slow, and forgets who is signed in.

import { assert } from '../lib/suite.mjs';
import { ConsoleTab, of } from './console_tab.mjs';
import { operator_tab, kOperator } from './signing_in.mjs';

async function away_checks({ suite, name, browser, mock: start }) {
  await suite.check(`${name}: a server that is away is told of, what was known stays, and it goes on by itself`, async () => {
    const mock = await start();
    const tab = await operator_tab(browser, mock);
    await tab.reads(of('total-rooms'), /^24$/);
    mock.away = true;
    await tab.reads(of('away'), /does not answer[^]*What you see is from/);
    assert.equal(await tab.text(of('total-rooms')), '24');
    mock.rooms.delete('room-0001');
    mock.away = false;
    await tab.reads(of('total-rooms'), /^23$/, 20000);
    await tab.gone(of('away'));
    await tab.close();
  }, { seconds: 60 });

  await suite.check(`${name}: a server that was never there: the page waits for it`, async () => {
    const mock = await start();
    const tab = await ConsoleTab.open(browser, mock.http);
    await tab.shown(of('sign-in'));
    // As if it were opened from the cache of the browser: the page is there, the server is not.
    await tab.page.evaluate(() => (window.fetch = () => Promise.reject(new TypeError('away'))));
    await tab.sign_in(kOperator);
    await tab.reads(of('failure'), /does not answer/);
    await tab.close();
  });
}

async function session_checks({ suite, name, browser, mock: start }) {
  await suite.check(`${name}: a session that ended asks for signing in, and goes on at the same page`, async () => {
    const mock = await start();
    const tab = await operator_tab(browser, mock, { hash: '#/rooms/room-0010' });
    await tab.shown(of('act-close-room'));
    mock.signed_out = true;
    await tab.reads(of('ended'), /session has ended/);
    await tab.sign_in(kOperator);
    await tab.reads(of('heading'), /^room-0010$/);
    await tab.calm();
    await tab.close();
  }, { seconds: 45 });
}

async function error_checks({ suite, name, browser, mock: start }) {
  await suite.check(`${name}: errors of the server are shown in its words, and go when it recovers`, async () => {
    const mock = await start();
    const tab = await operator_tab(browser, mock);
    for (const path of ['overview', 'rooms', 'history', 'sessions', 'events', 'webhooks', 'config']) {
      mock.refusal = { path, status: 500, error: `the store of ${path} is locked: free its disk` };
      await tab.go(path);
      await tab.reads(of('refused'), /store of \w+ is locked/);
      mock.refusal = undefined;
      await tab.gone(of('refused'));
      await tab.settled();
    }
    await tab.close();
  }, { seconds: 60 });

  await suite.check(`${name}: while something loads it says so`, async () => {
    const mock = await start();
    const tab = await operator_tab(browser, mock);
    mock.slow_ms = 700;
    await tab.page.evaluate(() => (location.hash = '#/webhooks'));
    await tab.shown(of('loading'));
    await tab.shown(of('deliveries'));
    await tab.close();
  });

  await suite.check(`${name}: an address that leads nowhere`, async () => {
    const mock = await start();
    const tab = await operator_tab(browser, mock, { hash: '#/nowhere' });
    await tab.reads('main', /leads nowhere/);
    assert.match(await tab.text('h1'), /No such page/);
    await tab.close();
  });
}

export async function fault_checks(place) {
  await away_checks(place);
  await session_checks(place);
  await error_checks(place);
}
