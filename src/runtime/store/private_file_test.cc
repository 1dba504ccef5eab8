// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/store/private_file.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "runtime/store/history/history_testing.h"

namespace confab::store {

TEST_CASE("Private files: read as written, for nobody else, exchanged as a whole") {
    const HistoryFolder folder;
    const std::string inner = folder.path + "/data";
    CHECK(read_private_file(inner + "/f", 100).empty());
    REQUIRE(make_private_folder(inner));
    REQUIRE(make_private_folder(inner));  // it is there
    for (const Sync sync : {Sync::kNo, Sync::kYes}) {
        REQUIRE(write_private_file(inner, "f", "a longer text", sync));
        CHECK(read_private_file(inner + "/f", 100) == "a longer text");
        CHECK(read_private_file(inner + "/f", 4) == "a lo");
        REQUIRE(write_private_file(inner, "f", "short", sync));
        CHECK(read_private_file(inner + "/f", 100) == "short");
    }
    struct stat about{};
    REQUIRE(::stat((inner + "/f").c_str(), &about) == 0);
    CHECK((about.st_mode & 0777U) == 0600);
    CHECK_FALSE(std::filesystem::exists(inner + "/f.new"));
}

TEST_CASE("Private files: what an earlier attempt left is in nobody's way; no link is followed") {
    const HistoryFolder folder;
    std::ofstream(folder.path + "/elsewhere") << "kept";
    std::filesystem::create_symlink(folder.path + "/elsewhere", folder.path + "/f.new");
    REQUIRE(write_private_file(folder.path, "f", "text", Sync::kNo));
    CHECK(read_private_file(folder.path + "/elsewhere", 100) == "kept");
    CHECK(read_private_file(folder.path + "/f", 100) == "text");
}

TEST_CASE("Private files: the error names the file and the remedy") {
    const auto written = write_private_file("/nowhere/at/all", "f", "text", Sync::kNo);
    REQUIRE_FALSE(written);
    CHECK(written.error() ==
          "/nowhere/at/all/f: No such file or directory; let the user of this server write to "
          "confab.data_dir");
    CHECK_FALSE(make_private_folder("/nowhere/at/all"));
}

}  // namespace confab::store
