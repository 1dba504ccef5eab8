// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Fields of exported state as bytes.
#include "base/state/writer.h"

#include <algorithm>

namespace confab {
namespace {

struct Length {
    std::array<std::uint8_t, 10> bytes{};
    std::size_t size = 0;
    BytesView view() const { return BytesView(bytes).first(size); }
};

Length length_of(std::size_t value) {
    Length length;
    do {
        const auto low = static_cast<std::uint8_t>(value & 0x7F);
        value >>= 7;
        length.bytes[length.size++] = static_cast<std::uint8_t>(low | (value != 0 ? 0x80 : 0));
    } while (value != 0);
    return length;
}

}  // namespace

void StateWriter::number(std::uint8_t tag, std::uint64_t value) {
    std::array<std::uint8_t, 8> whole{};
    store_be64(whole.data(), value);
    const auto first =
        std::find_if(whole.begin(), whole.end(), [](auto byte) { return byte != 0; });
    bytes(tag, BytesView(first, whole.end()));
}

void StateWriter::bytes(std::uint8_t tag, BytesView value) {
    const std::size_t at = begin(tag);
    out_.insert(out_.end(), value.begin(), value.end());
    end(at);
}

std::size_t StateWriter::begin(std::uint8_t tag) {
    out_.push_back(tag);
    return out_.size();
}

// The length goes in front of what was written since begin().
void StateWriter::end(std::size_t at) {
    const Length length = length_of(out_.size() - at);
    const BytesView view = length.view();
    out_.insert(out_.begin() + static_cast<std::ptrdiff_t>(at), view.begin(), view.end());
}

}  // namespace confab
