// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Header extension blocks: the first two bytes are the profile. Elements that were read are
// written again and read to the same values. [IMM-7]
// fuzz: modules base wire
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/check.h"
#include "wire/rtp/rtp_extensions.h"

namespace {

using namespace confab;
using namespace confab::wire;

bool same(BytesView a, BytesView b) {
    return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}

void read_values(BytesView data) {
    (void)read_audio_level(data);
    (void)read_abs_send_time(data);
    (void)read_transport_sequence(data);
    (void)read_abs_capture_time(data);
    (void)read_playout_delay(data);
    (void)read_mid(data);
    (void)read_rid(data);
}

void run(BytesView input) {
    if (input.size() < 2) return;
    ExtensionReader reader(load_be16(input.data()), input.subspan(2));
    ExtensionWriter writer;
    ExtensionElement kept[ExtensionWriter::kMaxElements];
    std::size_t count = 0;
    while (const auto element = reader.next()) {
        CONFAB_CHECK(element->id != 0);
        read_values(element->data);
        if (count == ExtensionWriter::kMaxElements) continue;
        kept[count++] = *element;
        writer.add(element->id, element->data);
    }
    if (count == 0) return;
    Bytes buffer(writer.size());
    ByteWriter out(buffer);
    CONFAB_CHECK(writer.write(out) && out.size() == buffer.size());
    ExtensionReader again(load_be16(buffer.data()), BytesView(buffer).subspan(4));
    for (std::size_t i = 0; i < count; ++i) {
        const auto element = again.next();
        CONFAB_CHECK(element && element->id == kept[i].id && same(element->data, kept[i].data));
    }
    CONFAB_CHECK(!again.next());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    run(confab::BytesView(data, size));
    return 0;
}
