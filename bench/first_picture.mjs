// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// How long a participant waits for the first picture of a room in which a camera is on: from
// connect() of livekit-client to Connected and to the first picture on the screen. One page joins
// again and again, its first join (which loads code) is not counted; --fresh opens a new page for
// each join, whose start-up then weighs more than the server. The camera is Chromium's imagined one,
// 640×360 at 30 fps, published as livekit-client does by default (VP8 simulcast). --breakdown prints
// the moments in between of each join. CONFAB_BINARY and CONFAB_ARGS (tests/lib/server.mjs) name
// another server to compare with.

import { parseArgs } from 'node:util';

import { start_chromium } from '../tests/lib/browser.mjs';
import { start_server } from '../tests/lib/server.mjs';
import { start_page_server } from '../tests/lib/static_server.mjs';
import { Suite } from '../tests/lib/suite.mjs';
import { join_token } from '../tests/lib/token.mjs';
import { sleep, until } from '../tests/lib/wait.mjs';

const { values: options } = parseArgs({
  options: {
    joins: { type: 'string', default: '11' },
    fresh: { type: 'boolean', default: false },
    breakdown: { type: 'boolean', default: false },
    'single-layer': { type: 'boolean', default: false },
  },
});
const kRoom = 'first-picture';
// Longer than the interval at which key frames are asked for at most (rtc.pli_throttle): each join
// finds a camera that nobody has asked just now.
const kBetweenMillis = 1500;

// ---------------------------------------------------------------- in the page

async function publish_camera({ url, token, simulcast }) {
  const { Room } = await import('/livekit-client.mjs');
  window.room = new Room({ publishDefaults: { simulcast, backupCodec: false } });
  await window.room.connect(url, token);
  await window.room.localParticipant.setCameraEnabled(true, {
    resolution: { width: 640, height: 360, frameRate: 30 },
  });
}

async function sends_pictures() {
  const [publication] = window.room.localParticipant.videoTrackPublications.values();
  const stats = await publication.track.getRTCStatsReport();
  return [...stats.values()].filter((one) => one.type === 'outbound-rtp' && one.framesSent > 30).length;
}

// Resolves with the moments in ms since connect().
async function join_and_watch({ url, token, single, breakdown }) {
  const { Room, RoomEvent } = await import('/livekit-client.mjs');
  const room = new Room({ singlePeerConnection: single });
  const moments = {};
  let begin = 0;
  const note = (name) => (moments[name] ??= performance.now() - begin);
  room.on(RoomEvent.SignalConnected, () => note('signal'));
  const seen = new Promise((resolve) => {
    room.on(RoomEvent.TrackSubscribed, (track) => {
      note('subscribed');
      const element = track.attach();
      document.body.append(element);
      element.requestVideoFrameCallback((_now, frame) => {
        note('picture');
        moments.width = frame.width;
        resolve();
      });
      if (breakdown) void follow(track);
    });
  });
  // When packets, the first whole frame and the first decoded one were there; costs time itself.
  const follow = async (track) => {
    while (moments.picture === undefined) {
      for (const one of (await track.receiver.getStats()).values()) {
        if (one.type === 'transport' && one.dtlsState === 'connected') note('dtls');
        if (one.type !== 'inbound-rtp') continue;
        if (one.packetsReceived > 0) note('packet');
        if (one.framesReceived > 0) note('frame');
        if (one.keyFramesDecoded > 0) note('decoded');
        moments.plis = one.pliCount;
      }
      await new Promise((resolve) => setTimeout(resolve, 4));
    }
  };
  begin = performance.now();
  await room.connect(url, token);
  note('connected');
  await seen;
  document.querySelector('video').remove();
  await room.disconnect();
  return moments;
}

// ---------------------------------------------------------------- here

const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];

async function open_page(browser, address) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  await page.goto(address);
  await page.waitForFunction(() => window.caller !== undefined, { polling: 50, timeout: 20000 });
  return page;
}

async function measure({ server, address, browser }, single) {
  const all = [];
  let page = await open_page(browser, address);
  for (let index = 0; index < Number(options.joins) + 1; ++index) {
    const token = await join_token(kRoom, `viewer-${single}-${index}`);
    const place = { url: server.ws, token, single, breakdown: options.breakdown };
    const moments = await page.evaluate(join_and_watch, place);
    if (options.fresh) {
      await page.browserContext().close();
      page = await open_page(browser, address);
    }
    if (options.breakdown) {
      const line = Object.entries(moments).map(([name, value]) => `${name} ${Math.round(value)}`);
      console.log(`${single ? 'v1' : 'v0'}: ${line.join(', ')}`);
    }
    if (index > 0) all.push(moments); // the first one also loads code
    await sleep(kBetweenMillis);
  }
  await page.browserContext().close();
  const of = (name) => Math.round(median(all.map((one) => one[name])));
  return `connected ${of('connected')} picture ${of('picture')} ms`;
}

const suite = new Suite({ limit: 300, checks: false });
await suite.run(async () => {
  const [server, address, browser] = await Promise.all([
    start_server(suite),
    start_page_server(suite),
    start_chromium(suite),
  ]);
  const camera = await open_page(browser, address);
  const token = await join_token(kRoom, 'camera');
  const simulcast = !options['single-layer'];
  await camera.evaluate(publish_camera, { url: server.ws, token, simulcast });
  await until(() => camera.evaluate(sends_pictures), { what: 'the camera to send' });
  const place = { server, address, browser };
  const lines = [];
  for (const single of [true, false]) {
    lines.push(`first-picture ${single ? 'v1' : 'v0'}: ${await measure(place, single)}`);
  }
  process.on('exit', () => console.log(lines.join('\n')));
});
