// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// An imagined server for the console: as many rooms as wanted, a past, events, deliveries.

const kNames = ['ada', 'grace', 'barbara', 'alan', 'edsger', 'radia', 'vint', 'katherine', 'donald', 'margaret'];
const kQualities = ['excellent', 'excellent', 'good', 'poor', 'lost'];
const kPaths = ['udp', 'udp', 'udp', 'tcp', 'turn'];
const kDay = 86_400_000;
const kHour = 3_600_000;

export const kTenant = 'acme & sons';

// Names that break what is careless with them.
export const kOddRooms = ['a/b?c#d', '100%', 'über "quoted" <b>', 'very-long-'.repeat(11)];

const layers_of = (index) => [
  { quality: 'low', width: 320, height: 180, bitrate: 160_000, fps: 15 },
  { quality: 'medium', width: 640, height: 360, bitrate: 450_000, fps: 30 },
  { quality: 'high', width: 1280, height: 720, bitrate: index % 3 === 0 ? 0 : 1_700_000, fps: index % 3 === 0 ? 0 : 30 },
];

function tracks_of(room, index) {
  const base = { muted: false, name: '', encrypted: false, subscribers: index === 1 ? null : 4 };
  return [
    { ...base, sid: `TR_A${room}_${index}`, kind: 'audio', source: 'microphone', mime_type: 'audio/opus', simulcast: false, layers: [], bytes_per_s: 4000, lost_fraction: 0 },
    {
      ...base, sid: `TR_V${room}_${index}`, kind: 'video', source: 'camera', mime_type: 'video/VP8', simulcast: true, layers: layers_of(index),
      bytes_per_s: 280_000, lost_fraction: index === 3 ? 0.034 : 0.001,
    },
  ];
}

function person_of(room, index, now) {
  const name = kNames[(room + index) % kNames.length];
  return {
    identity: `${name}-${index}`, sid: `PA_${room}_${index}`, name: name[0].toUpperCase() + name.slice(1), state: 'active', kind: index === 4 ? 'agent' : 'standard',
    joined_at: now - (index + 1) * 240_000, metadata: index === 0 ? '{"role":"host"}' : '', attributes: index === 0 ? { seat: '1' } : {},
    permission: { can_subscribe: true, can_publish: true, can_publish_data: true },
    client: { sdk: 'js', version: '2.23.0', os: 'Linux', os_version: '', device: '', browser: 'Chromium', browser_version: '140', address: '192.0.2.7' },
    path: kPaths[(room + index) % kPaths.length], remote: '192.0.2.7:51312', rtt_ms: index === 1 ? null : 18 + ((room * 7 + index * 13) % 140),
    quality: kQualities[(room + index) % kQualities.length], score: index === 1 ? null : 4.4 - ((room + index) % kQualities.length) * 0.8,
    tracks: tracks_of(room, index), bytes_in_per_s: 284_000, bytes_out_per_s: 1_136_000,
  };
}

// Rooms by name, each {row, people}.
export function make_rooms(count, people, now = Date.now()) {
  const rooms = new Map();
  for (let index = 0; index < count; ++index) {
    const name = kOddRooms[index - 3] ?? `room-${String(index).padStart(4, '0')}`;
    rooms.set(name, {
      tenant: index === 8 ? kTenant : undefined, sid: `RM_${index}`, created_at: now - index * 61_000 - 5 * 60_000, recording: index % 17 === 4,
      metadata: index % 5 === 0 ? `{"team":${index}}` : '',
      people: Array.from({ length: people }, (_, at) => person_of(index, at, now)),
    });
  }
  return rooms;
}

export function row_of([name, { tenant, sid, created_at, recording, metadata, people }]) {
  const tracks = people.reduce((sum, one) => sum + one.tracks.length, 0);
  return { name, tenant, sid, participants: people.length, publishers: people.length, tracks, created_at, recording, metadata };
}

export function detail_of([name, { tenant, sid, created_at, recording, metadata, people }]) {
  return {
    tenant,
    room: {
      sid, name, empty_timeout: 300, departure_timeout: 20, max_participants: 50, creation_time: String(Math.floor(created_at / 1000)),
      creation_time_ms: String(created_at), enabled_codecs: [{ mime: 'audio/opus' }, { mime: 'video/VP8' }, { mime: 'video/H264' }],
      metadata, num_participants: people.length, num_publishers: people.length, active_recording: recording,
    },
    participants: people,
    data: { bytes_in_per_s: 320, bytes_out_per_s: 1280, messages_in_per_s: 2.5, messages_out_per_s: 10 },
  };
}

// A working day, with a restart in it of which nothing is known.
export function history_of(from, to, points) {
  const step_ms = Math.max(1000, Math.ceil((to - from) / points / 1000) * 1000);
  const steps = Math.floor((to - from) / step_ms) + 1;
  const unknown = (index) => index > steps * 0.4 && index < steps * 0.43;
  const day = (index) => Math.max(0, Math.sin(((from + index * step_ms) % kDay) / kDay * Math.PI)) ** 2;
  const wave = (index) => day(index) * (1 + 0.08 * Math.sin(index / 3));
  const series = (scale, digits = 0) => Array.from({ length: steps }, (_, index) =>
    (unknown(index) ? null : Number((wave(index) * scale).toFixed(digits))));
  const quality = Array.from({ length: steps }, (_, index) => (unknown(index) ? null : 4.5 - 0.5 * day(index) + 0.1 * Math.sin(index / 2)));
  return {
    from, to, step_ms,
    series: {
      participants: series(9500), rooms: series(1900), joins: series(120), refused: series(6), bytes_in: series(3.2e8), bytes_out: series(1.1e9), cpu: series(0.55, 3),
      quality,
    },
  };
}

export function make_sessions(count, now = Date.now()) {
  const reasons = ['CLIENT_INITIATED', 'CLIENT_INITIATED', 'PARTICIPANT_REMOVED', 'ROOM_DELETED', 'CONNECTION_TIMEOUT'];
  return Array.from({ length: count }, (_, index) => ({
    room: `room-${String(index % 40).padStart(4, '0')}`, room_sid: `RM_${index % 40}`, identity: `${kNames[index % kNames.length]}-${index % 5}`, sid: `PA_${index}`,
    joined_at: now - (index + 1) * 90_000, left_at: index < 5 ? null : now - index * 60_000, reason: index < 5 ? '' : reasons[index % reasons.length],
    sdk: 'js', sdk_version: '2.23.0', os: 'Linux', browser: 'Firefox 140', path: kPaths[index % kPaths.length], quality: index < 5 ? null : 4.4 - (index % 5) * 0.6,
  }));
}

export function make_events(count, now = Date.now()) {
  const kinds = [
    ['participant_joined', 'joined'], ['participant_left', 'left: client initiated'], ['room_started', 'began'], ['join_refused', 'token expired'],
    ['action', 'RoomService/RemoveParticipant'],
  ];
  return Array.from({ length: count }, (_, index) => {
    const [kind, text] = kinds[index % kinds.length];
    return { at: now - index * 7000, kind, text, room: `room-000${index % 3}`, identity: index % 5 === 2 ? '' : `${kNames[index % kNames.length]}-1`, who: kind === 'action' ? 'testkey' : '' };
  });
}

export function make_deliveries(count, now = Date.now()) {
  const states = ['delivered', 'delivered', 'delivered', 'waiting', 'failed'];
  return Array.from({ length: count }, (_, index) => {
    const status = states[index % states.length];
    return {
      id: `EV_${index}`, at: now - index * 20_000, url: 'https://app.example/livekit/webhook', event: ['participant_joined', 'room_started', 'track_published'][index % 3],
      room: 'room-0001', attempts: status === 'delivered' ? 1 : 4, status, error: status === 'failed' ? 'status 500' : '',
    };
  });
}

export const kOptions = [
  { name: 'port', value: '7880', default: true, source: 'default' },
  { name: 'keys', value: '(set)', default: false, source: 'set' },
  { name: 'rtc.udp_port', value: '7882', default: false, source: 'set' },
  { name: 'rtc.use_external_ip', value: 'true', default: false, source: 'set' },
  { name: 'room.empty_timeout', value: '300', default: true, source: 'default' },
  { name: 'webhook.urls', value: '["https://app.example/livekit/webhook"]', default: false, source: 'set' },
  { name: 'confab.console_password', value: '(set)', default: false, source: 'set' },
];

export function overview_of(rooms, now = Date.now()) {
  const people = [...rooms.values()].reduce((sum, room) => sum + room.people.length, 0);
  const node = (id, region, cpu, self) => ({
    id, address: '192.0.2.10', region, state: 'SERVING', cpu, rooms: Math.floor(rooms.size / 2), participants: Math.floor(people / 2), tracks: people, started_at: now - 3 * kDay, self,
  });
  const worker = (index, load) => ({
    index, load, peers: Math.floor(people / 4), packets_in_per_s: 18_400, packets_out_per_s: 71_200, bytes_in_per_s: 2.1e7, bytes_out_per_s: 8.3e7,
  });
  return {
    version: '0.9.0', now, node_id: 'ND_1', started_at: now - 3 * kDay - 2 * kHour, cluster: true,
    totals: { rooms: rooms.size, participants: people, tracks: people * 2, bytes_in_per_s: 4.2e7, bytes_out_per_s: 1.66e8 },
    nodes: [node('ND_1', 'eu-west', 0.42, true), node('ND_2', 'eu-north', 0.93, false)],
    workers: [worker(0, 0.41), worker(1, 0.74)],
    joins: {
      attempted: 20_412, admitted: 20_017, connected: 19_877, failed: 140, canceled: 0,
      refused: [{ reason: 'token expired', count: 311 }, { reason: 'room is full', count: 84 }],
    },
    certificates: [
      { use: 'http', names: ['meet.example', 'turn.example'], not_after: now + 61 * kDay, source: 'acme', state: 'valid', detail: '' },
      { use: 'turn', names: ['old.example'], not_after: now + 5.5 * kDay, source: 'files', state: 'expires soon', detail: 'put a newer one into /etc/confab/old.pem' },
    ],
  };
}
