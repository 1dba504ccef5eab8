// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/serve/file_watch.h"

#include <sys/stat.h>

#include <utility>

namespace confab::app {

std::vector<FileWatch::Stamp> FileWatch::look() const {
    std::vector<Stamp> stamps;
    stamps.reserve(files_.size());
    for (const std::string& file : files_) {
        Stamp& stamp = stamps.emplace_back();
        struct stat status{};
        if (::stat(file.c_str(), &status) != 0) continue;
        stamp = {status.st_dev, status.st_ino, status.st_size,
                 status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec};
    }
    return stamps;
}

void FileWatch::begin(std::vector<std::string> files) {
    files_ = std::move(files);
    known_ = look();
    last_ = known_;
}

bool FileWatch::changed() {
    const std::vector<Stamp> before = std::exchange(last_, look());
    if (last_ != before || last_ == known_) return false;
    known_ = last_;
    return true;
}

}  // namespace confab::app
