// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include <doctest/doctest.h>

#include <limits>

#include "base/rng.h"
#include "config/yaml/value.h"

namespace confab::config {

TEST_CASE("parse_duration: reads Go durations and refuses numbers without unit [CFG-06]") {
    const std::pair<std::string_view, std::int64_t> good[] = {
        {"0s", 0},           {"500ms", 500'000},       {"2s", 2'000'000},     {"1m30s", 90'000'000},
        {"1.5s", 1'500'000}, {"7.5s", 7'500'000},      {"-2s", -2'000'000},   {".5s", 500'000},
        {"1us", 1},          {"1h", 3'600'000'000},    {"+1s", 1'000'000},    {"1.s", 1'000'000},
        {"1500ns", 1},       {"2m0.25s", 120'250'000}, {"10\xC2\xB5s", 10},   {"10\xCE\xBCs", 10},
        {"1s1s", 2'000'000}, {"1s1h", 3'601'000'000},  {"-1h1m", -3660000000}};
    for (const auto& [text, us] : good) {
        CAPTURE(text);
        const auto value = parse_duration(text);
        REQUIRE(value);
        CHECK(value->us() == us);
    }
    for (const std::string_view bad :
         {"",       "0",    "5",    "s",   "1",    "1x",      "1s2",  "1.2.3s", "--1s",
          "1 s",    ".s",   "-",    "+",   "+-1s", "1S",      "1min", "1d",     "\xC2\xB5s",
          "1\xC2s", "1e3s", "0x1s", " 1s", "1s ",  "1_000ms", "s1"}) {
        CAPTURE(bad);
        CHECK(!parse_duration(bad));
    }
}

TEST_CASE("parse_duration: to the last nanosecond of 64 bits and no further [CFG-06]") {
    constexpr std::int64_t kMaxMicros = std::numeric_limits<std::int64_t>::max() / 1000;
    for (const std::string_view greatest : {"9223372036854775807ns", "9223372036.854775807s",
                                            "9223372036s854775807ns", "2562047h47m16.854775807s"}) {
        CAPTURE(greatest);
        const auto value = parse_duration(greatest);
        REQUIRE(value);
        CHECK(value->us() == kMaxMicros);
    }
    CHECK(parse_duration("2562047h")->us() == 2'562'047 * std::int64_t{3'600'000'000});
    for (const std::string_view beyond :
         {"9223372036854775808ns",   // the digits
          "18446744073709551617ns",  // … back at 1 in 64 bits
          "9223372036.854775808s",   // the fraction
          "2562048h", "5124096h",    // the product; the second one is small again in 64 bits
          "9223372036s854775808ns",  // the sum
          "9223372036s9223372036s9223372036s", "2562047h2840s", "2562047.9h", "99999999999h",
          "2562047h9000000000000s"})
        CHECK_MESSAGE(!parse_duration(beyond), beyond);
    // Digits that are too small to count are read over, however many.
    const std::string zeros(40, '0');
    CHECK(parse_duration("1." + zeros + "9h")->us() == 3'600'000'000);
    CHECK(parse_duration("0.0000005" + zeros + "s")->us() == 0);
    CHECK(parse_duration("0.000001" + zeros + "s")->us() == 1);
    CHECK(parse_duration(zeros + "1s")->us() == 1'000'000);
}

TEST_CASE("format_duration: is read back as the same value [CFG-06]") {
    const std::pair<std::int64_t, std::string_view> rows[] = {{0, "0s"},
                                                              {1, "1us"},
                                                              {999, "999us"},
                                                              {1'000, "1ms"},
                                                              {500'000, "500ms"},
                                                              {999'999, "999.999ms"},
                                                              {1'000'000, "1s"},
                                                              {90'000'000, "1m30s"},
                                                              {3'600'000'000, "1h"},
                                                              {3'661'001'001, "1h1m1.001001s"},
                                                              {-1'500'000, "-1.5s"}};
    for (const auto& [us, text] : rows) {
        CHECK(format_duration(Duration::micros(us)) == text);
        CHECK(parse_duration(text)->us() == us);
    }
    Rng rng(7);
    for (int i = 0; i < 500; ++i) {
        const Duration d = Duration::micros(static_cast<std::int64_t>(rng.below(1ULL << 50)));
        CHECK(parse_duration(format_duration(d)) == d);
        CHECK(parse_duration(format_duration(-d)) == -d);
    }
}

}  // namespace confab::config
