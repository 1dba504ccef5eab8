// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Where our nodes say or write something else on Redis than livekit-server's, on purpose: {who} alone has lines
// like {line}, in the step {where} or anywhere. One that is no longer so fails run_traffic.
// docs/protocols/differences.md has them, too ("Between nodes").

const kTheirs = 'livekit-server';
const kOurs = 'confab';

export const kDifferences = [
  // A join to a room of the node itself passes no Redis.
  { who: kTheirs, where: 'Signal', line: /^Signal\|\(room's node\)\|STR Stream / },
  { who: kTheirs, where: 'subscribed', line: /^Signal\|\(room's node\)\|(STR|RES|CLAIM)$/ },
  // What a livekit.StartSession has no field for: others do not read it.
  { who: kOurs, where: 'Signal', line: /RelaySignalRequest\.1000$/ },
  // Which kinds of agents there are is asked at the start and when a worker comes, and kept; not for each room.
  { who: kTheirs, where: 'CreateRoom', line: /CheckEnabled/ },
  { who: kTheirs, where: 'CreateDispatch', line: /CheckEnabled/ },
  { who: kOurs, where: 'start', line: /CheckEnabled/ },
  { who: kOurs, where: 'agent worker', line: /CheckEnabled/ },
  // The kind is in the news of a worker, so that nobody has to ask; others read the Empty that they send.
  { who: kTheirs, where: 'agent worker', line: /WorkerRegistered\|REQ Empty \{\}$/ },
  { who: kOurs, where: 'agent worker', line: /WorkerRegistered\|REQ Empty \{1000\}$/ },
  // A job that is offered again says how it went before.
  { who: kTheirs, where: 'CreateDispatch', line: /JobRequest\|bot\|room\|REQ Request \{1 3 6 7 9\}$/ },
  { who: kOurs, where: 'CreateDispatch', line: /JobRequest\|bot\|room\|REQ Request \{1 3 6 7 8 9\}$/ },
  // An agent that goes after its job has ended: nothing is asked for again, and nobody listens for that job any more.
  { who: kTheirs, where: 'agent worker leaves', line: /JobTerminate/ },
  { who: kTheirs, where: 'subscribed', line: /^AgentInternal\|JobTerminate\|AJ\|/ },
  // A room that is deleted is not made first.
  { who: kTheirs, where: 'DeleteRoom', line: /^RoomManager\|/ },
  // Where a node is a client of a service it has the channels for answers from its first call on.
  { who: kTheirs, where: 'subscribed', line: /\|CLI\|(CLAIM|RES)$/ },
  // SIP under the name that newer services may use; jobs that ended, tokens that were revoked: ours.
  { who: kOurs, where: 'subscribed', line: /^(IOInfoSIP|ConfabAgents|Tokens)\|/ },
  // The step that gives a room to a node settles who makes it: there is no lock besides.
  { who: kTheirs, where: 'written', line: / room_lock:\(room\)/ },
  // Each goes when it is over; what is left goes with the room.
  { who: kOurs, where: 'written', line: /^HDEL agent_(dispatch|job):\(room\) A[DJ]$/ },
  { who: kTheirs, where: 'written', line: /^DEL agent_(dispatch|job):\(room\)$/ },
  // Participants go with their room, in one step.
  { who: kTheirs, where: 'written', line: /^HDEL room_participants:\(room\) silent$/ },
  // The limits that a node holds itself to (50001, 50002).
  { who: kTheirs, where: 'written', line: /^HSET nodes .* \{1 2 3 4 6\}$/ },
  { who: kOurs, where: 'written', line: /^HSET nodes .* \{1 2 3 4 6 50001 50002\}$/ },
  // What was given to whom lately; who clears up after dead nodes.
  { who: kOurs, where: 'written', line: / (\{room_node_map\}_recent|node_reconciler)/ },
];
