// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/serve/network/external_ip.h"

#include <doctest/doctest.h>

namespace confab::app {
namespace {

constexpr wire::StunTransactionId kId{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
constexpr wire::StunTransactionId kOther{};

Bytes response(wire::StunClass message_class, wire::StunAttr type, const SocketAddress& address) {
    Bytes buffer(64);
    wire::StunBuilder builder(buffer, message_class, wire::StunMethod::kBinding, kId);
    if (type == wire::StunAttr::kXorMappedAddress)
        builder.xor_address(type, address);
    else
        builder.address(type, address);
    return to_vector(builder.finish());
}

}  // namespace

TEST_CASE("External address: asked for and read out of the answer only [CFG-04]") {
    const Bytes request = binding_request(kId);
    CHECK(request.size() == wire::kStunHeaderSize);
    const auto parsed = wire::StunMessage::parse(request);
    REQUIRE(parsed);
    CHECK(parsed->is(wire::StunClass::kRequest, wire::StunMethod::kBinding));
    CHECK(parsed->transaction_id() == kId);

    using Class = wire::StunClass;
    using Attr = wire::StunAttr;
    const SocketAddress seen{IpAddress::v4(0xCB007107), 4711};  // 203.0.113.7
    for (const Attr type : {Attr::kXorMappedAddress, Attr::kMappedAddress}) {
        const Bytes answer = response(Class::kSuccess, type, seen);
        REQUIRE(mapped_address(answer, kId));
        CHECK(mapped_address(answer, kId)->to_string() == "203.0.113.7:4711");
        CHECK_FALSE(mapped_address(answer, kOther));
        for (std::size_t size = 0; size < answer.size(); ++size)
            CHECK_FALSE(mapped_address(BytesView(answer).first(size), kId));
    }
    CHECK_FALSE(mapped_address(response(Class::kError, Attr::kXorMappedAddress, seen), kId));
    CHECK_FALSE(mapped_address(request, kId));
    const SocketAddress v6{*IpAddress::parse("2001:db8::1"), 1};
    CHECK_FALSE(mapped_address(response(Class::kSuccess, Attr::kXorMappedAddress, v6), kId));
}

}  // namespace confab::app
