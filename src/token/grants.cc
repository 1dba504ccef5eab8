// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Small values: names of kinds and sources, secrets.
#include "token/grants.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"

namespace confab::token {
namespace {

using Info = livekit::ParticipantInfo;

constexpr std::array<std::pair<Info::Kind, std::string_view>, 7> kKinds{{
    {Info::STANDARD, "standard"},
    {Info::INGRESS, "ingress"},
    {Info::EGRESS, "egress"},
    {Info::SIP, "sip"},
    {Info::AGENT, "agent"},
    {Info::CONNECTOR, "connector"},
    {Info::BRIDGE, "bridge"},
}};

bool is_upload_secret(const std::string& type) {
    return type == "livekit.S3Upload" || type == "livekit.GCPUpload" ||
           type == "livekit.AzureBlobUpload" || type == "livekit.AliOSSUpload" ||
           type == "livekit.StorageConfig";
}

}  // namespace

std::string_view to_text(Info::Kind kind) {
    for (const auto& [value, name] : kKinds)
        if (value == kind) return name;
    return "standard";
}
Info::Kind parse_kind(std::string_view text) {
    for (const auto& [value, name] : kKinds)
        if (equals_ignore_case(text, name)) return value;
    return Info::STANDARD;
}

std::string to_text(livekit::TrackSource source) {
    return to_lower(livekit::TrackSource_Name(source));
}
livekit::TrackSource parse_track_source(std::string_view text) {
    for (const livekit::TrackSource source :
         {livekit::CAMERA, livekit::MICROPHONE, livekit::SCREEN_SHARE, livekit::SCREEN_SHARE_AUDIO})
        if (equals_ignore_case(text, livekit::TrackSource_Name(source))) return source;
    return livekit::UNKNOWN;
}

void strip_upload_secrets(google::protobuf::Message& message) {
    const auto* reflection = message.GetReflection();
    std::vector<const google::protobuf::FieldDescriptor*> fields;
    reflection->ListFields(message, &fields);
    for (const auto* field : fields) {
        if (field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE) continue;
        if (is_upload_secret(field->message_type()->full_name())) {
            reflection->ClearField(&message, field);
        } else if (!field->is_repeated()) {
            strip_upload_secrets(*reflection->MutableMessage(&message, field));
        } else if (!field->is_map()) {
            for (int i = 0; i < reflection->FieldSize(message, field); ++i)
                strip_upload_secrets(*reflection->MutableRepeatedMessage(&message, field, i));
        }
    }
}

}  // namespace confab::token
