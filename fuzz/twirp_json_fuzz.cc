// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The strict JSON reader, then every request message of RoomService from JSON and from protobuf;
// what was read must survive being written and read again.
// fuzz: modules api proto
#include <cstdlib>

#include "api/json/json.h"
#include "api/json/proto_json.h"
#include "base/bytes.h"
#include "livekit_room.pb.h"

namespace {

template <typename Message>
void round_trip(std::string_view text) {
    Message from_json;
    if (confab::api::parse_proto_json(text, from_json)) {
        Message again;
        if (!confab::api::parse_proto_json(confab::api::to_api_json(from_json), again))
            std::abort();
        if (again.SerializeAsString() != from_json.SerializeAsString() &&
            again.ByteSizeLong() != from_json.ByteSizeLong())
            std::abort();
    }
    Message from_octets;
    if (from_octets.ParseFromArray(text.data(), static_cast<int>(text.size())))
        (void)confab::api::to_api_json(from_octets);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = confab::as_text({data, size});
    const auto json = confab::api::parse_json(text);
    if (confab::api::is_json_object(text) != (json && json->kind == confab::api::JsonKind::kObject))
        std::abort();
    round_trip<livekit::CreateRoomRequest>(text);
    round_trip<livekit::UpdateParticipantRequest>(text);
    round_trip<livekit::SendDataRequest>(text);
    return 0;
}
