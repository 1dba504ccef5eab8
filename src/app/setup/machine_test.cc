// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/setup/machine.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace confab::setup {
namespace {

namespace fs = std::filesystem;

// A folder of its own, gone afterwards.
struct Folder {
    std::string path;
    Folder() {
        std::string pattern = (fs::temp_directory_path() / "confab-setup-XXXXXX").string();
        REQUIRE(::mkdtemp(pattern.data()) != nullptr);
        path = pattern;
    }
    ~Folder() { fs::remove_all(path); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
};

std::string text_of(const std::string& path) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

unsigned mode_of(const std::string& path) {
    struct stat status{};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    return status.st_mode & 0777U;
}

TEST_CASE("write_files: with their modes, and folders on the way") {
    const Folder folder;
    const std::string secret = folder.path + "/etc/confab/confab.yaml";
    const std::string open = folder.path + "/etc/systemd/system/confab.service";
    REQUIRE(write_files({{secret, "keys", 0600, true}, {open, "unit"}}, false));
    CHECK(text_of(secret) == "keys");
    CHECK(mode_of(secret) == 0600);
    CHECK(text_of(open) == "unit");
    CHECK(mode_of(open) == 0644);
    CHECK_FALSE(fs::exists(secret + ".new"));
}

TEST_CASE("write_files: what is there stays without force, and nothing else is written then") {
    const Folder folder;
    const std::string first = folder.path + "/first";
    const std::string second = folder.path + "/second";
    REQUIRE(write_files({{second, "old"}}, false));
    const auto refused = write_files({{first, "new"}, {second, "new"}}, false);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().starts_with(second + " is there already; --force"));
    CHECK_FALSE(fs::exists(first));
    CHECK(text_of(second) == "old");
    REQUIRE(write_files({{first, "new"}, {second, "new"}}, true));
    CHECK(text_of(second) == "new");
}

TEST_CASE("write_files: an error leaves nothing half written") {
    const Folder folder;
    const std::string file = folder.path + "/file";
    REQUIRE(write_files({{file, ""}}, false));
    const auto failed = write_files({{folder.path + "/a", "a"}, {file + "/below", "b"}}, false);
    REQUIRE_FALSE(failed);
    CHECK_FALSE(fs::exists(folder.path + "/a"));
    CHECK_FALSE(fs::exists(folder.path + "/a.new"));
}

TEST_CASE("look_around: offline it asks nobody") {
    const Folder folder;
    const Found found = look_around(true, folder.path);
    CHECK_FALSE(found.external);
    CHECK_FALSE(found.has_systemd);
    CHECK(found.resolve("localhost").empty());
    CHECK_FALSE(found.interfaces.empty());
    CHECK_FALSE(has_package_unit(folder.path));
    fs::create_directories(folder.path + "/usr/lib/systemd/system");
    std::ofstream(folder.path + "/usr/lib/systemd/system/confab.service") << "unit";
    CHECK(has_package_unit(folder.path));
}

}  // namespace
}  // namespace confab::setup
