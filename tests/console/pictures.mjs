// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// The pictures of docs/guide/console.md.

import path from 'node:path';

import { ConsoleTab, of } from './console_tab.mjs';
import { make_rooms } from './mock_data.mjs';
import { kOperator } from './signing_in.mjs';

const kSize = { width: 1100, height: 700, deviceScaleFactor: 1 };
const kSmall = { width: 360, height: 640, deviceScaleFactor: 1 };

export async function take_pictures({ suite, browser, mock: start }, folder) {
  await suite.check('pictures for the documents', async () => {
    const mock = await start();
    mock.rooms = make_rooms(2000, 5);
    const shots = [
      ['overview', 'overview', 'light', kSize, of('plot')],
      ['rooms', 'rooms', 'dark', kSize, '[data-row="3"]'],
      ['room', 'rooms/room-0001/grace-0', 'light', { ...kSize, width: 1340 }, of('track')],
      ['phone', 'rooms/room-0001', 'dark', kSmall, '[data-row="3"]'],
    ];
    for (const [name, hash, theme, size, shown] of shots) {
      const tab = await ConsoleTab.open(browser, mock.http, { size, hash: `#/${hash}` });
      await tab.sign_in(kOperator);
      await tab.colours(theme);
      await tab.shown(shown);
      await tab.settled();
      if (name === 'overview') await tab.reads('.plot__legend', /participants[^]*in /);
      await tab.page.screenshot({ path: path.join(folder, `console-${name}.png`) });
      await tab.close();
    }
  }, { seconds: 60 });
}
