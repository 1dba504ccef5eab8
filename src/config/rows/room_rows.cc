// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Settings: rooms and limits.
#include <array>

#include "config/rows/rows.h"

namespace confab::config {
namespace {

using C = Config;

constexpr auto kRows = std::to_array<Option>({
    used(
        "room.auto_create", [](C& c) -> Slot { return &c.room.auto_create; },
        "Joining creates a missing room")
        .reloaded(),
    used(
        "room.enabled_codecs", [](C& c) -> Slot { return &c.room.enabled_codecs; },
        "Codecs participants may use")
        .reloaded(),
    used(
        "room.max_participants", [](C& c) -> Slot { return &c.room.max_participants; },
        "Participants per room; 0 for any number")
        .reloaded(),
    used(
        "room.empty_timeout", [](C& c) -> Slot { return &c.room.empty_timeout; },
        "Seconds a room waits for its first participant")
        .reloaded(),
    used(
        "room.departure_timeout", [](C& c) -> Slot { return &c.room.departure_timeout; },
        "Seconds a room stays after the last participant left")
        .reloaded(),
    used(
        "room.enable_remote_unmute", [](C& c) -> Slot { return &c.room.enable_remote_unmute; },
        "The API may unmute tracks")
        .reloaded(),
    used(
        "room.playout_delay.enabled", [](C& c) -> Slot { return &c.room.playout_delay.enabled; },
        "Tell receivers how long to buffer")
        .reloaded(),
    used(
        "room.playout_delay.min", [](C& c) -> Slot { return &c.room.playout_delay.min; },
        "Shortest buffer in milliseconds")
        .reloaded(),
    used(
        "room.playout_delay.max", [](C& c) -> Slot { return &c.room.playout_delay.max; },
        "Longest buffer in milliseconds; 0 for 10 seconds where there is a shortest one")
        .reloaded(),
    used(
        "room.sync_streams", [](C& c) -> Slot { return &c.room.sync_streams; },
        "Group audio and video of a participant for lip sync")
        .reloaded(),
    used(
        "room.create_room_timeout", [](C& c) -> Slot { return &c.room.create_room_timeout; },
        "Longest wait for a room to start")
        .later(),
    used(
        "room.create_room_attempts", [](C& c) -> Slot { return &c.room.create_room_attempts; },
        "Attempts to start a room")
        .later(),
    used(
        "room.enable_full_room_in_webhooks",
        [](C& c) -> Slot { return &c.room.enable_full_room_in_webhooks; },
        "Every webhook carries the whole room"),
    used(
        "room.update_batch_target_size",
        [](C& c) -> Slot { return &c.room.update_batch_target_size; },
        "Bytes per participant update message; 0 for one message"),
    used(
        "room.room_configurations", [](C& c) -> Slot { return &c.room.room_configurations; },
        "Presets by name, for tokens and CreateRoom")
        .reloaded(),
    used(
        "room.max_metadata_size", [](C& c) -> Slot { return &c.limit.max_metadata_size; },
        "Bytes of metadata")
        .replaced_by("limit.max_metadata_size"),
    used(
        "room.max_room_name_length", [](C& c) -> Slot { return &c.limit.max_room_name_length; },
        "Bytes of a room name")
        .replaced_by("limit.max_room_name_length"),
    used(
        "room.max_participant_identity_length",
        [](C& c) -> Slot { return &c.limit.max_participant_identity_length; },
        "Bytes of an identity")
        .replaced_by("limit.max_participant_identity_length"),
    used(
        "limit.num_tracks", [](C& c) -> Slot { return &c.limit.num_tracks; },
        "Tracks of the whole node; 0 or less for no limit")
        .reloaded(),
    used(
        "limit.bytes_per_sec", [](C& c) -> Slot { return &c.limit.bytes_per_sec; },
        "Bytes per second of the whole node; 0 or less for no limit")
        .reloaded(),
    used(
        "limit.subscription_limit_video",
        [](C& c) -> Slot { return &c.limit.subscription_limit_video; },
        "Video tracks a participant may receive; 0 for no limit")
        .reloaded(),
    used(
        "limit.subscription_limit_audio",
        [](C& c) -> Slot { return &c.limit.subscription_limit_audio; },
        "Audio tracks a participant may receive; 0 for no limit")
        .reloaded(),
    used(
        "limit.max_metadata_size", [](C& c) -> Slot { return &c.limit.max_metadata_size; },
        "Bytes of room and participant metadata; 0 for no limit")
        .reloaded(),
    used(
        "limit.max_attributes_size", [](C& c) -> Slot { return &c.limit.max_attributes_size; },
        "Bytes of all attributes of a participant; 0 for no limit")
        .reloaded(),
    used(
        "limit.max_room_name_length", [](C& c) -> Slot { return &c.limit.max_room_name_length; },
        "Bytes of a room name; 0 for no limit")
        .reloaded(),
    used(
        "limit.max_participant_identity_length",
        [](C& c) -> Slot { return &c.limit.max_participant_identity_length; },
        "Bytes of an identity; 0 for no limit")
        .reloaded(),
    used(
        "limit.max_participant_name_length",
        [](C& c) -> Slot { return &c.limit.max_participant_name_length; },
        "Bytes of a participant name; 0 for no limit")
        .reloaded(),
    used(
        "limit.max_data_blob_key_length",
        [](C& c) -> Slot { return &c.limit.max_data_blob_key_length; },
        "Bytes of the key of a blob; 0 for no limit")
        .reloaded(),
    used(
        "limit.max_data_blobs_size", [](C& c) -> Slot { return &c.limit.max_data_blobs_size; },
        "Bytes of all blobs of a participant, keys included; at most 16 MiB, 0 for that")
        .reloaded(),
    used(
        "limit.max_data_track_custom_encoding_length",
        [](C& c) -> Slot { return &c.limit.max_data_track_custom_encoding_length; },
        "Bytes of the encoding name of a data track; 0 for no limit")
        .reloaded(),
    used(
        "limit.signal_message_size_limit",
        [](C& c) -> Slot { return &c.limit.signal_message_size_limit; },
        "Bytes of one signal message; 0 for no limit"),
    used(
        "limit.agent_signal_message_size_limit",
        [](C& c) -> Slot { return &c.limit.agent_signal_message_size_limit; },
        "Bytes of one message of an agent worker; 0 for no limit"),
    used(
        "limit.max_api_request_body_size",
        [](C& c) -> Slot { return &c.limit.max_api_request_body_size; },
        "Bytes of one API request; 0 for the most there is, 64 MiB"),
});

}  // namespace

std::span<const Option> room_rows() {
    return kRows;
}

}  // namespace confab::config
