// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// permessage-deflate: offers, marks of frames (the same however the bytes are cut), messages.
// fuzz: modules runtime/net base
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "runtime/net/websocket/deflate_offer.h"
#include "runtime/net/websocket/frame_marks.h"
#include "runtime/net/websocket/inflater.h"

using namespace confab;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const BytesView input(data, size);
    const net::DeflateAgreement agreed = net::agree_on_deflate(as_text(input));
    CONFAB_CHECK(!agreed.may_send || !agreed.response.empty());

    net::FrameMarks whole, cut;
    whole.allow_compression();
    cut.allow_compression();
    Bytes at_once = to_vector(input), in_pieces = at_once;
    whole.pass(at_once);
    for (std::size_t i = 0, n = 1; i < in_pieces.size(); i += n, n = n % 7 + 1)
        cut.pass(BytesSpan(in_pieces).subspan(i, std::min(n, in_pieces.size() - i)));
    CONFAB_CHECK(at_once == in_pieces && whole.begun() == cut.begun());
    CONFAB_CHECK(whole.begun() <= (size + 1) / 2);

    static net::Inflater inflater;
    constexpr std::size_t kLimit = 100'000;
    const auto plain = inflater.inflate(as_text(input), kLimit);
    CONFAB_CHECK(!plain || plain->size() <= kLimit);
    return 0;
}
