// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// What somebody sees and hears over bad networks: one page of headless Chromium publishes a busy
// picture of 720p in three layers and a tone, another one watches, both behind `confab netsim` with a
// profile. Each profile is tried with a server of its own, and --peer lets another LiveKit-compatible
// server take turns with ours: a command that takes --config-body.
//
// --way both   the profile holds for all that passes between the pages and the server, as it says;
//       down   for what the server sends, so that the publisher's own estimate plays no part
//
// All times begin when the watching page begins to join. A pause is a time of more than a quarter of a second
// without a new picture, from the first one on; `frozen` adds them up, `without` is the wait for the first
// picture and the pauses behind it. Pictures count that were shown, `kbit/s` is video without repetitions, `sound`
// the part of it that had to be invented.

import { parseArgs } from 'node:util';

import { Caller } from '../tests/browser/caller.mjs';
import { start_chromium } from '../tests/lib/browser.mjs';
import { behind_netsim, Netsim } from '../tests/lib/netsim.mjs';
import { start_server } from '../tests/lib/server.mjs';
import { start_page_server } from '../tests/lib/static_server.mjs';
import { Suite } from '../tests/lib/suite.mjs';
import { sleep } from '../tests/lib/wait.mjs';

// 600 kbit/s from the 10th to the 25th second; the profiles of `confab netsim` are the others.
const kDrop = { at: ['10s:both:rate=600kbit,queue=200ms', '25s:both:clear'], profile: 'N0' };
// N9 leaves nothing but TURN over TLS, which tests/turn has.
const kAll = ['N0', 'N1', 'N2', 'N3', 'N4', 'N5', 'N6', 'N7', 'N8', 'N10', 'N11', 'drop'];

const { values: options } = parseArgs({
  options: {
    profiles: { type: 'string', default: kAll.join() },
    seconds: { type: 'string', default: '40' },
    rounds: { type: 'string', default: '1' },
    way: { type: 'string', default: 'both' },
    peer: { type: 'string' },
    'peer-name': { type: 'string', default: 'peer' },
    also: { type: 'string' }, // JSON
  },
});
const kPicture = {
  codec: 'vp8',
  bitrate: 1_700_000,
  size: { width: 1280, height: 720, fps: 20, busy: 0.05 },
  layers: [[320, 180, 150_000, 20], [640, 360, 450_000, 20]],
};
const kPauseMillis = 250;
const kSampleMillis = 500;

// ---------------------------------------------------------------- in the page

// Notes each picture that is shown, in any video element there is.
function watch(pause) {
  const log = { shown: 0, pauses: 0, frozen: 0, longest: 0, first: undefined, last: undefined, begin: performance.now() };
  const note = (now) => {
    log.shown += 1;
    log.first ??= now;
    const gap = now - (log.last ?? now);
    if (gap > pause) {
      log.pauses += 1;
      log.frozen += gap;
      log.longest = Math.max(log.longest, gap);
    }
    log.last = now;
  };
  const follow = (element) => {
    element.followed = true;
    const each = () => {
      note(performance.now());
      element.requestVideoFrameCallback(each);
    };
    element.requestVideoFrameCallback(each);
  };
  const look = () => [...document.querySelectorAll('video')].filter((one) => !one.followed).forEach(follow);
  look();
  setInterval(look, 20);
  window.watched = log;
}

function watched(pause) {
  const { begin, last, ...log } = window.watched;
  const pending = performance.now() - (last ?? begin);
  if (last !== undefined && pending > pause) Object.assign(log, { pauses: log.pauses + 1, frozen: log.frozen + pending, longest: Math.max(log.longest, pending) });
  return { ...log, first: log.first === undefined ? undefined : log.first - begin };
}

// ---------------------------------------------------------------- here

// Sums of counters that begin anew with each connection.
class Sums {
  #last = {};
  total = {};

  add(values) {
    for (const [name, value = 0] of Object.entries(values)) {
      const before = this.#last[name] ?? 0;
      this.total[name] = (this.total[name] ?? 0) + (value >= before ? value - before : value);
      this.#last[name] = value;
    }
  }
}

async function sample(viewer, sums, heights) {
  const [picture] = await viewer.call('inbound', 'alice', 'picture');
  const [tone] = await viewer.call('inbound', 'alice', 'tone');
  if (picture) {
    if (picture.frameHeight) heights.push(picture.frameHeight);
    sums.add({ bytes: picture.bytesReceived - (picture.retransmittedBytesReceived ?? 0), repeated: picture.retransmittedBytesReceived, lost: picture.packetsLost });
  }
  if (tone) sums.add({ samples: tone.totalSamplesReceived, invented: tone.concealedSamples });
}

const mean = (list) => list.reduce((sum, value) => sum + value, 0) / (list.length || 1);

async function measure({ suite, browser, address }, name, { command, config }, label) {
  const server = await start_server(suite, behind_netsim(config), { command });
  const network = name === 'drop' ? kDrop : { profile: name };
  const relay = await Netsim.start(suite, server, { ...network, tcp: command === undefined, ...(options.way === 'down' && { up: 'clear' }) });
  const from = await Caller.open(suite, browser, address, 'alice', 1);
  const to = await Caller.open(suite, browser, address, 'bob', 2);
  const room = `bad-network-${name}-${label}`;
  try {
    await from.join(server, room);
    await from.call('publish_picture', kPicture);
    await from.call('publish_tone');
    const end = Date.now() + 1000 * Number(options.seconds);
    await to.evaluate(watch, kPauseMillis);
    await to.join(server, room);
    const [sums, heights] = [new Sums(), []];
    while (Date.now() < end) {
      await sleep(kSampleMillis);
      await sample(to, sums, heights);
    }
    const { total } = sums;
    const log = await to.evaluate(watched, kPauseMillis);
    const waited = log.first === undefined ? Number(options.seconds) : log.first / 1000;
    const seconds = Math.max(1, Number(options.seconds) - waited);
    return {
      first: log.first,
      frozen: log.frozen / 1000,
      without: waited + log.frozen / 1000,
      pauses: log.pauses,
      longest: log.longest / 1000,
      pictures: log.shown / seconds,
      height: mean(heights),
      rate: ((total.bytes ?? 0) * 8) / 1000 / seconds,
      invented: (100 * (total.invented ?? 0)) / (total.samples || 1),
    };
  } finally {
    await from.close();
    await to.close();
    await relay.end();
    await server.stop();
    server.forget();
  }
}

const median = (rows, field) => {
  const list = rows.map((row) => row[field]).filter((value) => value !== undefined).sort((a, b) => a - b);
  return list[Math.floor(list.length / 2)];
};

function print_row(name, label, rows) {
  if (rows.length === 0) return;
  const of = (field, digits = 0) => median(rows, field)?.toFixed(digits) ?? '–';
  console.log(`| ${name} | ${label} | ${of('first')} | ${of('frozen', 1)} | ${of('without', 1)} | ${of('pauses')} | ${of('longest', 1)} | ${of('pictures', 1)} | ${of('height')} | ${of('rate')} | ${of('invented', 1)} % |`);
}

const suite = new Suite({ limit: 7200, checks: false });
await suite.run(async () => {
  const [address, browser] = await Promise.all([start_page_server(suite), start_chromium(suite)]);
  const servers = [{ label: 'confab' }];
  if (options.also) servers.push({ label: `confab, ${options.also.replace(/["{}]/g, '')}`, config: JSON.parse(options.also) });
  if (options.peer) {
    const config = { rtc: { enable_loopback_candidate: true } };
    servers.push({ label: options['peer-name'], command: options.peer.split(' ').filter(Boolean), config });
  }
  console.log('| Network | Server | first picture, ms | frozen, s | without a picture, s | pauses | longest, s | pictures/s | height | kbit/s | sound invented |');
  console.log('|---|---|---|---|---|---|---|---|---|---|---|');
  for (const name of options.profiles.split(',')) {
    const rows = servers.map(() => []);
    for (let round = 0; round < Number(options.rounds); ++round) {
      for (const [index, server] of servers.entries()) {
        const row = await measure({ suite, browser, address }, name, server, `${index}-${round}`).catch((error) => error);
        if (row instanceof Error) console.log(`${name}, ${server.label}: no call, ${row.message}`);
        else rows[index].push(row);
      }
    }
    servers.forEach(({ label }, index) => print_row(name, label, rows[index]));
  }
  await browser.close();
});
