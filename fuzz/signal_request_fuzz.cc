// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Frames of the signal socket: binary protobuf and text protobuf JSON (01 CON-42).
// fuzz: modules proto
#include <cstdlib>

#include "base/bytes.h"
#include "livekit_rtc.pb.h"
#include "proto/proto_json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    livekit::SignalRequest request;
    if (request.ParseFromArray(data, static_cast<int>(size))) {
        livekit::SignalRequest again;
        if (!again.ParseFromString(request.SerializeAsString())) std::abort();
        (void)confab::proto::to_camel_json(request);
    }
    livekit::SignalRequest text;
    if (confab::proto::parse_json(confab::as_text({data, size}), text)) {
        livekit::SignalRequest again;
        if (!confab::proto::parse_json(confab::proto::to_camel_json(text), again)) std::abort();
    }
    return 0;
}
