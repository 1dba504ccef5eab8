// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
// fuzz: modules wire

// Any bytes as a STUN message: every accessor, and a rebuild of what was read must read the same.
#include <cstdlib>

#include "wire/ice/stun.h"

using namespace confab;
using namespace confab::wire;

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

void rebuild(const StunMessage& message) {
    Bytes buffer(70'000);
    StunBuilder builder(buffer, message.message_class(), message.method(),
                        message.transaction_id());
    auto walk = message.attributes();
    while (const auto attribute = walk.next())
        builder.bytes(attribute->type, attribute->value);
    const auto again = StunMessage::parse(builder.finish());
    require(again.has_value());
    require(again->is(message.message_class(), message.method()));
    require(again->transaction_id() == message.transaction_id());
    for (const auto type : {StunAttr::kUsername, StunAttr::kRealm, StunAttr::kData})
        require(again->text(type) == message.text(type));
    require(again->xor_address(StunAttr::kXorMappedAddress) ==
            message.xor_address(StunAttr::kXorMappedAddress));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const BytesView input(data, size);
    const auto message = StunMessage::parse(input);
    if (!message) return 0;
    require(looks_like_stun(input));
    (void)message->u32(StunAttr::kPriority);
    (void)message->u64(StunAttr::kIceControlling);
    (void)message->address(StunAttr::kMappedAddress);
    (void)message->fingerprint();
    if (const auto error = message->error_code()) require(error->code >= 300 && error->code < 700);
    if (const auto integrity = message->integrity_input()) {
        require(integrity->mac.size() == kStunIntegritySize);
        require(integrity->body.size() + 24 + kStunHeaderSize <= size);
    }
    rebuild(*message);
    return 0;
}
