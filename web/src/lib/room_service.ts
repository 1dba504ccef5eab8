// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The server API that hosts use (Twirp with JSON): one room, by a token that administers it.

export class ServiceError extends Error {
  readonly status: number;

  constructor(status: number, detail: string) {
    super(detail);
    this.name = 'ServiceError';
    this.status = status;
  }
}

export interface Person {
  identity: string;
  name: string;
}

export interface Egress {
  id: string;
  active: boolean;
}

// TrackSource of the protocol; no sources: all of them.
const screens = new Set<unknown>(['SCREEN_SHARE', 'SCREEN_SHARE_AUDIO', 3, 4]);
const otherSources = ['CAMERA', 'MICROPHONE'];
/** A clock that is this much behind the server's revokes all the same. */
const aheadSeconds = 300;
const running = new Set(['EGRESS_STARTING', 'EGRESS_ACTIVE', 0, 1]);

const members = (value: unknown) => (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
const list = (value: unknown) => (Array.isArray(value) ? value.map(members) : []);
const text = (value: unknown) => (typeof value === 'string' ? value : '');

function base64(value: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(value)));
}

export class RoomService {
  readonly #base: string;
  readonly #room: string;
  readonly #token: string;

  /** `url`: where signalling goes (ws: or wss:). */
  constructor(url: string, room: string, token: string) {
    this.#base = `${url.replace(/^ws/, 'http').replace(/\/+$/, '')}/twirp/livekit.`;
    this.#room = room;
    this.#token = token;
  }

  async #call(method: string, body: object): Promise<Record<string, unknown>> {
    const answer = await fetch(this.#base + method, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${this.#token}` },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new ServiceError(answer.status, (await answer.text()).slice(0, 300));
    return members(await answer.json());
  }

  #roomCall(method: string, body: object = {}) {
    return this.#call(`RoomService/${method}`, { room: this.#room, ...body });
  }

  async people(): Promise<Person[]> {
    const { participants } = await this.#roomCall('ListParticipants');
    return list(participants)
      .filter(({ state }) => state !== 'DISCONNECTED' && state !== 3)
      .map((person) => ({ identity: text(person.identity), name: text(person.name) || text(person.identity) }));
  }

  /** For good: its tokens let it in no more. */
  async remove(identity: string): Promise<void> {
    const revoke = Math.floor(Date.now() / 1000) + aheadSeconds;
    await this.#roomCall('RemoveParticipant', { identity, revoke_token_ts: String(revoke) });
  }

  async mute(identity: string, trackSid: string): Promise<void> {
    await this.#roomCall('MutePublishedTrack', { identity, track_sid: trackSid, muted: true });
  }

  /** Takes the right to share for a moment, which ends what is shared; all other rights stay as they are. */
  async stopScreen(identity: string): Promise<void> {
    const permission = members((await this.#roomCall('GetParticipant', { identity })).permission);
    const sources = Array.isArray(permission.can_publish_sources) ? (permission.can_publish_sources as unknown[]) : [];
    // Somebody else is about it, and gives back what there was.
    if (sources.length > 0 && !sources.some((source) => screens.has(source))) return;
    const others = sources.length > 0 ? sources.filter((source) => !screens.has(source)) : otherSources;
    const without = { ...permission, can_publish: others.length > 0, can_publish_sources: others };
    await this.#roomCall('UpdateParticipant', { identity, permission: without });
    await this.#roomCall('UpdateParticipant', { identity, permission });
  }

  async lowerHand(identity: string): Promise<void> {
    await this.#roomCall('UpdateParticipant', { identity, attributes: { hand: '' } });
  }

  async note(metadata: object): Promise<void> {
    await this.#roomCall('UpdateRoomMetadata', { metadata: JSON.stringify(metadata) });
  }

  async tell(identity: string, topic: string, message: object): Promise<void> {
    const data = base64(JSON.stringify(message));
    await this.#roomCall('SendData', { data, kind: 'RELIABLE', destination_identities: [identity], topic });
  }

  /** Rejects where there is no egress, or no right to use it. */
  async recordings(): Promise<Egress[]> {
    const { items } = await this.#call('Egress/ListEgress', { room_name: this.#room, active: true });
    return list(items).map((item) => ({
      id: text(item.egress_id) || text(item.egressId),
      active: running.has((item.status ?? 0) as string | number),
    }));
  }

  async startRecording(): Promise<void> {
    await this.#call('Egress/StartRoomCompositeEgress', {
      room_name: this.#room,
      layout: 'grid',
      file_outputs: [{ filepath: '{room_name}-{time}.mp4' }],
    });
  }

  async stopRecording(id: string): Promise<void> {
    await this.#call('Egress/StopEgress', { egress_id: id });
  }
}
