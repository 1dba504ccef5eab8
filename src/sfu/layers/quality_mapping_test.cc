// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// 02 SUB-02.
#include "sfu/layers/quality_mapping.h"

#include <doctest/doctest.h>

#include <vector>

namespace confab::sfu {

TEST_CASE("quality_for_size: smallest layer that fills the tile [SUB-02]") {
    const std::vector<wire::FrameSize> layers{{320, 180}, {640, 360}, {1280, 720}};
    const auto quality = [&](std::uint32_t w, std::uint32_t h) {
        return quality_for_size(w, h, layers, {});
    };
    CHECK(quality(200, 112) == 0);
    CHECK(quality(356, 200) == 0);  // 0.9 · 200 = 180
    CHECK(quality(358, 201) == 1);
    CHECK(quality(640, 400) == 1);
    CHECK(quality(800, 401) == 2);
    CHECK(quality(4000, 3000) == 2);
    CHECK(quality_for_size(100, 100, {}, {}) == 2);
    // Two layers of one size: the better of them.
    const std::vector<wire::FrameSize> same{{320, 180}, {1280, 720}, {1280, 720}};
    CHECK(quality_for_size(1000, 500, same, {}) == 2);
    // Portrait and nothing declared: by width.
    const std::vector<wire::FrameSize> portrait{{180, 320}, {360, 640}, {720, 1280}};
    CHECK(quality_for_size(200, 1000, {}, portrait) == 0);
    CHECK(quality_for_size(200, 1000, portrait, {}) == 2);
}

TEST_CASE("quality_for_size: layers without a size are passed over [SUB-02]") {
    using Sizes = std::vector<wire::FrameSize>;
    const Sizes middle_unknown{{320, 180}, {}, {1280, 720}};
    CHECK(quality_for_size(200, 150, middle_unknown, {}) == 0);
    CHECK(quality_for_size(500, 300, middle_unknown, {}) == 2);
    const Sizes lowest_unknown{{}, {640, 360}, {1280, 720}};
    CHECK(quality_for_size(10, 0, lowest_unknown, {}) == 1);
    // Declared ones count before those seen, also where only one is known.
    const Sizes seen{{160, 90}, {320, 180}, {640, 360}};
    CHECK(quality_for_size(300, 180, Sizes{{1280, 720}}, seen) == 0);
    CHECK(quality_for_size(300, 180, Sizes{{}, {}, {}}, seen) == 1);
    // Two layers, and a fourth that has no place.
    CHECK(quality_for_size(2000, 2000, Sizes{{320, 180}, {640, 360}}, {}) == 1);
    CHECK(quality_for_size(2000, 2000, Sizes{{1, 1}, {2, 2}, {3, 3}, {4000, 4000}}, {}) == 2);
    // Two of one size where the second is the last.
    CHECK(quality_for_size(300, 180, Sizes{{640, 360}, {640, 360}}, {}) == 1);
    CHECK(quality_for_size(300, 180, Sizes{{1, 1}, {2, 2}, {640, 360}, {640, 360}}, {}) == 2);
}

}  // namespace confab::sfu
