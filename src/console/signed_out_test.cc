// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "console/signed_out.h"

#include <doctest/doctest.h>

namespace confab::console {
namespace {

constexpr UnixTime kNow = UnixTime::seconds(1'700'000'000);

UnixTime in(std::int64_t seconds) {
    return kNow + Duration::seconds(seconds);
}

}  // namespace

TEST_CASE("SignedOut: who signed out is known until the session would have ended") {
    SignedOut all;
    all.add("a", in(10), kNow);
    CHECK(all.contains("a"));
    CHECK_FALSE(all.contains("b"));
    all.add("b", in(20), in(9));
    CHECK(all.contains("a"));
    all.add("c", in(30), in(10));
    CHECK_FALSE(all.contains("a"));
    CHECK(all.size() == 2);
    all.add("late", in(10), in(10));
    all.add("", in(90), in(10));
    all.add(std::string(SignedOut::kMaxId + 1, 'x'), in(90), in(10));
    CHECK(all.size() == 2);
}

TEST_CASE("SignedOut: it is as it was once it was a text; what is over is not") {
    SignedOut all;
    all.add("a", in(10), kNow);
    all.add(std::string(SignedOut::kMaxId, 'b'), in(20), kNow);
    const std::string text = all.text();
    CHECK(text == "a 1700000010\n" + std::string(SignedOut::kMaxId, 'b') + " 1700000020\n");
    CHECK(SignedOut::parse(text, kNow).text() == text);
    CHECK(SignedOut::parse(text, in(10)).size() == 1);
    CHECK(SignedOut::parse(text, in(20)).size() == 0);
}

TEST_CASE("SignedOut: of a damaged text what can be read counts") {
    const std::string long_id(SignedOut::kMaxId + 1, 'x');
    const SignedOut all = SignedOut::parse(
        "\n\n \nid\nid \n 1700000010\nid x\nid -1\nid 1700000010 \nid 99999999999999999999\n" +
            long_id + " 1700000010\ngood 1700000010\ncut 17000000",
        kNow);
    CHECK(all.text() == "good 1700000010\n");
    CHECK(SignedOut::parse(std::string(SignedOut::kMaxText, '\0'), kNow).size() == 0);
}

TEST_CASE("SignedOut: of more than there is place for, those that would end first are forgotten") {
    SignedOut all;
    const auto id = [](std::size_t i) { return "id-" + std::to_string(i); };
    for (std::size_t i = 0; i <= SignedOut::kMax; ++i)
        all.add(id(i), in(static_cast<std::int64_t>(100 + i)), kNow);
    CHECK(all.size() == SignedOut::kMax);
    CHECK_FALSE(all.contains(id(0)));
    CHECK(all.contains(id(1)));
    all.add(id(SignedOut::kMax), in(1'000'000), kNow);  // is there already
    CHECK(all.contains(id(1)));
    const std::string text = all.text() + "one-more 1800000000\n";
    CHECK(text.size() < SignedOut::kMaxText);
    CHECK(SignedOut::parse(text, kNow).size() == SignedOut::kMax);
}

}  // namespace confab::console
