// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/serve/console/sign_out_file.h"

#include <doctest/doctest.h>

#include <filesystem>

#include "runtime/store/history/history_testing.h"

namespace confab::app {
namespace {

constexpr UnixTime kNow = UnixTime::seconds(1'700'000'000);

}  // namespace

TEST_CASE("SignOutFile: what is written is read again, where there is a folder") {
    const store::HistoryFolder folder;
    const SignOutFile file(folder.path + "/data");
    CHECK(file.read(kNow).size() == 0);
    file.write("a 1700000010\nb 1700000020\n");
    CHECK(file.read(kNow).contains("a"));
    CHECK(file.read(kNow).contains("b"));
    file.write("b 1700000020\n");
    CHECK_FALSE(file.read(kNow).contains("a"));
    CHECK(std::filesystem::exists(folder.path + "/data/console-signed-out"));
    const SignOutFile none("");
    none.write("a 1700000010\n");
    CHECK(none.read(kNow).size() == 0);
    SignOutFile("/nowhere/at/all").write("a 1700000010\n");  // the log says so
}

}  // namespace confab::app
