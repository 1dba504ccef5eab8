// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Who may look, who may act, and what the form says.

import { KEY, SECRET } from '../lib/server.mjs';
import { assert } from '../lib/suite.mjs';
import { ConsoleTab, kPages, of } from './console_tab.mjs';
import { kOperatorPassword, kViewerPassword } from './mock_server.mjs';

export const kOperator = { key: KEY, secret: SECRET };

// A tab of an operator, on the overview.
export async function operator_tab(browser, { http }, options) {
  const tab = await ConsoleTab.open(browser, http, options);
  await tab.sign_in(kOperator);
  await tab.shown(of('who'));
  return tab;
}

async function viewer_checks({ suite, name, browser, mock: start }) {
  await suite.check(`${name}: a viewer sees everything and no action`, async () => {
    const mock = await start();
    const tab = await ConsoleTab.open(browser, mock.http);
    await tab.sign_in({ password: kViewerPassword });
    await tab.reads(of('who'), /viewer/);
    for (const hash of [...kPages, 'rooms/room-0001', 'rooms/room-0001/grace-0']) {
      await tab.go(hash);
      assert.equal(await tab.count('[data-testid^="act-"], [data-testid="replay"]'), 0, hash);
    }
    await tab.shown(of('track')); // of the participant
    assert.equal(mock.calls.length, 0);
    await tab.calm();
    await tab.close();
  }, { seconds: 45 });
}

export async function sign_in_checks({ suite, name, browser, mock: start }) {
  await suite.check(`${name}: signing in by key, and what is wrong with others`, async () => {
    const mock = await start();
    const tab = await ConsoleTab.open(browser, mock.http);
    await tab.shown(of('sign-in'));
    assert.equal(await tab.title(), 'Sign in · confab console');
    await tab.sign_in({ key: KEY, secret: 'not-it' });
    await tab.reads(of('failure'), /not right/);
    await tab.fill('secret', SECRET);
    await tab.click(of('submit'));
    await tab.reads(of('who'), /testkey operator/);
    assert.equal(await tab.title(), 'Overview · confab console');
    await tab.page.reload();
    await tab.shown(of('who')); // the cookie is enough
    await tab.click(of('sign-out'));
    await tab.shown(of('sign-in'));
    await tab.page.reload();
    await tab.shown(of('sign-in'));
    await tab.calm();
    await tab.close();
  }, { seconds: 45 });

  await suite.check(`${name}: too many tries are told with the time to wait`, async () => {
    const mock = await start();
    mock.tries_left = 0;
    const tab = await ConsoleTab.open(browser, mock.http);
    await tab.sign_in({ password: 'guess' });
    await tab.reads(of('failure'), /Wait 30 seconds/);
    await tab.close();
  });

  await viewer_checks({ suite, name, browser, mock: start });

  await suite.check(`${name}: an operator signs in by password, too`, async () => {
    const mock = await start();
    const tab = await ConsoleTab.open(browser, mock.http, { hash: '#/rooms/room-0001' });
    await tab.sign_in({ password: kOperatorPassword });
    await tab.shown(of('act-close-room')); // on the page that the address named
    await tab.close();
  });
}
