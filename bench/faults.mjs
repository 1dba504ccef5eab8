// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Faults of Redis and of nodes, and what the clients of a call over two nodes see of them: Alice at the node with
// the room, Bob through the other one. With --peer another LiveKit-compatible server (a command that takes
// --config-body) takes turns with ours.
//
// stood still  the longest time without a new picture of the other, as Alice / Bob saw it (25 a second are sent)
// reconnects   of each, `*`: as a new session; `lost`: it gave up
// told         ms until the first of them knew that something was wrong; after a node's death also a client that says nothing
// joins        meanwhile, at the room's node / through the other one: ms, or what they were told
// back         ms from the end of the cause until each sees the other
// split        whether who comes afterwards, through either node, is in another room than who was there
// listed       s until nobody is listed who is not there any more
// DeleteRoom   through the other node: ms, or its error
// webhooks     of those of the call: lost, and sent twice

import { parseArgs } from 'node:util';

import { Nodes } from '../tests/cluster/nodes.mjs';
import { Suite } from '../tests/lib/suite.mjs';
import { SignalClient } from '../tests/lib/signal_client.mjs';
import { sleep } from '../tests/lib/wait.mjs';
import { FaultCall } from './fault_call.mjs';
import { kFaults } from './fault_list.mjs';

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    long: { type: 'boolean', default: false }, // ten minutes, too
    peer: { type: 'string' },
    'peer-name': { type: 'string', default: 'peer' },
  },
});
const kRaces = 40;
const kRaceSettleMillis = 1500;

const pair = (values) => values.map((value) => value ?? '–').join(' / ');

async function fault_row(suite, server, fault) {
  const call = await FaultCall.start(suite, { ...server, form: await fault.form?.(), both_away: fault.both_away });
  try {
    return await call.measure(fault);
  } finally {
    await call.end();
  }
}

const cells = (row) => [
  pair(row.stood),
  pair(row.renewed),
  pair(row.told) + (row.quiet === undefined ? '' : `; ${row.quiet}`),
  row.joins ? pair([row.joins.here, row.joins.away]) : '',
  row.back,
  row.split,
  row.listed,
  row.deleted,
  pair([row.webhooks.lost.length, row.webhooks.twice.length]),
];

// Two clients ask for the same new room at once, through both nodes: the later one sees the other, or they are apart.
async function race(suite, { command }) {
  const nodes = await Nodes.start(suite, 2, {}, command ? { command } : { args: ['serve'] });
  const seen = { together: 0, apart: 0, refused: 0, reasons: new Set() };
  for (let i = 0; i < kRaces; i += 1) {
    const room = `race-${i}`;
    const replies = await Promise.all(nodes.all.map((node, n) => SignalClient.ask(node, room, `p${n}`)));
    for (const { client, status, body } of replies) if (!client) seen.reasons.add(`${status} ${String(body).slice(0, 60)}`);
    const clients = replies.map(({ client }) => client);
    await sleep(kRaceSettleMillis);
    if (clients.some((client) => !client?.open || client.last.leave)) seen.refused += 1;
    else if (clients.some((client, n) => client.people.has(`p${1 - n}`) || client.last.join.otherParticipants.some((one) => one.identity === `p${1 - n}`))) seen.together += 1;
    else seen.apart += 1;
    for (const client of clients) client?.destroy();
  }
  await nodes.end();
  return seen;
}

const suite = new Suite({ limit: 7200, checks: false });
await suite.run(async () => {
  const servers = [{ label: 'confab' }];
  if (options.peer) servers.push({ label: options['peer-name'], command: options.peer.split(' ').filter(Boolean) });
  const wanted = (name) => name.includes(options.only);
  const chosen = kFaults.filter(({ name, long }) => wanted(name) && (!long || options.long));
  if (chosen.length > 0) {
    console.log('| Fault | Server | Stood still, ms | Reconnects | Told after, ms | Joins meanwhile, ms | Back after, ms | Split | Listed, s | DeleteRoom, ms | Webhooks lost / twice |');
    console.log('|---|---|---|---|---|---|---|---|---|---|---|');
  }
  for (const fault of chosen) {
    for (const server of servers) {
      const row = await fault_row(suite, server, fault).catch((error) => ({ failed: error.message.split('\n')[0] }));
      console.log(`| ${[fault.name, server.label, ...(row.failed ? [`(${row.failed})`] : cells(row))].join(' | ')} |`);
      if (process.env.CONFAB_BENCH_DETAIL && row.webhooks) console.log(row.webhooks);
    }
  }
  if (!wanted('two nodes place one room at once')) return;
  for (const server of servers) {
    const { together, apart, refused, reasons } = await race(suite, server);
    console.log(`two nodes place one room at once, ${kRaces} times, ${server.label}: ${together} in one room, ${apart} apart, ${refused} refused or sent away ${[...reasons].join('; ')}`);
  }
});
