// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/serve/file_watch.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

namespace confab::app {
namespace {

namespace fs = std::filesystem;

// A folder that goes with the test.
class Folder {
  public:
    Folder() {
        std::string name = (fs::temp_directory_path() / "confab-watch-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path_ = name;
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() { fs::remove_all(path_); }
    std::string at(const std::string& name) const { return (path_ / name).string(); }

  private:
    fs::path path_;
};

void write(const std::string& file, std::string_view text) {
    std::ofstream(file) << text;
}

}  // namespace

TEST_CASE("FileWatch: a change is told once, and only when it has settled") {
    const Folder folder;
    const std::string file = folder.at("confab.yaml");
    write(file, "one");
    FileWatch watch;
    watch.begin({file});
    CHECK_FALSE(watch.changed());
    write(file, "longer");
    CHECK_FALSE(watch.changed());  // may be half written
    write(file, "longer still");
    CHECK_FALSE(watch.changed());
    CHECK(watch.changed());
    CHECK_FALSE(watch.changed());
}

TEST_CASE("FileWatch: of the same length, by its time") {
    const Folder folder;
    const std::string file = folder.at("keys.yaml");
    write(file, "one");
    FileWatch watch;
    watch.begin({file});
    write(file, "two");
    fs::last_write_time(file, fs::last_write_time(file) + std::chrono::seconds(1));
    CHECK_FALSE(watch.changed());
    CHECK(watch.changed());
}

TEST_CASE("FileWatch: files that are exchanged, come and go") {
    const Folder folder;
    const std::string file = folder.at("confab.yaml");
    FileWatch watch;
    watch.begin({folder.at("other"), file});
    write(file, "one");
    CHECK_FALSE(watch.changed());
    CHECK(watch.changed());

    // As Kubernetes does: the name is a link into a folder, and the folder changes.
    fs::create_directory(folder.at("v1"));
    fs::create_directory(folder.at("v2"));
    write(folder.at("v1/keys"), "a");
    write(folder.at("v2/keys"), "a");
    fs::create_directory_symlink("v1", folder.at("data"));
    watch.begin({folder.at("data/keys")});
    fs::create_directory_symlink("v2", folder.at("next"));
    fs::rename(folder.at("next"), folder.at("data"));
    CHECK_FALSE(watch.changed());
    CHECK(watch.changed());

    fs::remove(folder.at("v2/keys"));
    CHECK_FALSE(watch.changed());
    CHECK(watch.changed());
    CHECK_FALSE(watch.changed());
}

TEST_CASE("FileWatch: what changes and changes back was nothing") {
    const Folder folder;
    const std::string file = folder.at("confab.yaml");
    write(file, "one");
    FileWatch watch;
    watch.begin({file});
    fs::rename(file, folder.at("aside"));
    CHECK_FALSE(watch.changed());
    fs::rename(folder.at("aside"), file);
    CHECK_FALSE(watch.changed());
    CHECK_FALSE(watch.changed());
}

}  // namespace confab::app
