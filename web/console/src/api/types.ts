// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What /console/api answers. Times are milliseconds since 1970, shares 0 to 1, rates per second.

export type Role = 'operator' | 'viewer';

export interface Session {
  role: Role;
  name: string;
  expires_at: number;
}

export interface NodeRow {
  id: string;
  address: string;
  region: string;
  state: string;
  cpu: number;
  rooms: number;
  participants: number;
  tracks: number;
  started_at: number;
  self: boolean;
}

export interface WorkerRow {
  index: number;
  load: number;
  peers: number;
  packets_in_per_s: number;
  packets_out_per_s: number;
  bytes_in_per_s: number;
  bytes_out_per_s: number;
}

export interface Certificate {
  /** What it is shown to: http, turn. */
  use?: string;
  names: string[];
  not_after: number;
  source: string;
  state: string;
  detail: string;
}

export interface Joins {
  attempted: number;
  admitted: number;
  connected: number;
  /** Let in, and no media came to be; or they left before. */
  failed: number;
  canceled: number;
  refused: { reason: string; count: number }[];
}

export interface Overview {
  version: string;
  now: number;
  node_id: string;
  started_at: number;
  cluster: boolean;
  totals: { rooms: number; participants: number; tracks: number; bytes_in_per_s: number; bytes_out_per_s: number };
  nodes: NodeRow[];
  workers: WorkerRow[];
  joins: Joins;
  certificates: Certificate[];
  /** What is wrong with the history; empty: nothing. */
  history?: string;
}

export interface RoomRow {
  name: string;
  /** Whose it is, where it is not the operator's own. */
  tenant?: string;
  sid: string;
  participants: number;
  publishers: number;
  tracks: number;
  created_at: number;
  recording: boolean;
  metadata: string;
}

export interface Layer {
  quality: string;
  width: number;
  height: number;
  bitrate: number;
  fps: number;
}

export interface Track {
  sid: string;
  name: string;
  kind: string;
  source: string;
  mime_type: string;
  muted: boolean;
  simulcast: boolean;
  encrypted?: boolean;
  layers: Layer[];
  bytes_per_s: number;
  lost_fraction: number | null;
  subscribers: number | null;
}

/** ParticipantPermission as the server writes it: what is absent is false or empty. */
export type Permission = Record<string, boolean | string[] | undefined>;

export interface Client {
  sdk: string;
  version: string;
  os: string;
  os_version?: string;
  device?: string;
  browser: string;
  browser_version?: string;
  address: string;
}

export interface Participant {
  identity: string;
  sid: string;
  name: string;
  state: string;
  kind?: string;
  joined_at: number;
  metadata: string;
  attributes: Record<string, string>;
  permission: Permission;
  client: Client;
  path: string;
  /** Where the media comes from. */
  remote?: string;
  rtt_ms: number | null;
  quality: string;
  score: number | null;
  tracks: Track[];
  data_tracks?: { sid?: string; name?: string }[];
  bytes_in_per_s?: number;
  bytes_out_per_s?: number;
}

/** The room as ListRooms writes it (64-bit numbers are strings), and who is in it. */
export interface RoomDetail {
  tenant?: string;
  room: Record<string, unknown> & { sid: string; name: string; metadata?: string; active_recording?: boolean };
  participants: Participant[];
  data?: Record<string, number>;
}

export type Values = (number | null)[];

export interface History {
  from: number;
  to: number;
  step_ms: number;
  series: Record<string, Values | undefined>;
}

export interface PastSession {
  room: string;
  tenant?: string;
  room_sid: string;
  identity: string;
  sid: string;
  joined_at: number;
  left_at: number | null;
  reason: string;
  sdk: string;
  sdk_version?: string;
  os: string;
  browser: string;
  path: string;
  quality: string | number | null;
}

export interface EventRow {
  at: number;
  kind: string;
  text: string;
  room: string;
  tenant?: string;
  identity: string;
  who: string;
}

export interface Delivery {
  id: string;
  at: number;
  url: string;
  event: string;
  room: string;
  attempts: number;
  status: string;
  error: string;
}

export interface Option {
  name: string;
  value: unknown;
  default: boolean;
  source: string;
}
