// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The strict JSON reader, then every request message of RoomService from JSON and from protobuf;
// what was read must survive being written and read again.
// fuzz: modules json proto
#include <cstdlib>

#include "base/bytes.h"
#include "json/json.h"
#include "livekit_room.pb.h"
#include "proto/proto_json.h"

namespace {

template <typename Message>
void round_trip(std::string_view text) {
    Message from_json;
    if (confab::proto::parse_json(text, from_json)) {
        Message again;
        if (!confab::proto::parse_json(confab::proto::to_api_json(from_json), again)) std::abort();
        if (again.SerializeAsString() != from_json.SerializeAsString() &&
            again.ByteSizeLong() != from_json.ByteSizeLong())
            std::abort();
    }
    Message from_octets;
    if (from_octets.ParseFromArray(text.data(), static_cast<int>(text.size())))
        (void)confab::proto::to_api_json(from_octets);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = confab::as_text({data, size});
    const auto json = confab::json::parse(text);
    if (confab::json::is_object(text) != (json && json->kind == confab::json::Kind::kObject))
        std::abort();
    round_trip<livekit::CreateRoomRequest>(text);
    round_trip<livekit::UpdateParticipantRequest>(text);
    round_trip<livekit::SendDataRequest>(text);
    return 0;
}
