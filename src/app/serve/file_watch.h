// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Whether one of a few files has changed, by looking at them from time to time. Looking, not
// inotify: files that are exchanged by renaming, as editors do, or by links to folders, as
// Kubernetes mounts do, and network file systems need no care of their own.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace confab::app {

class FileWatch {
  public:
    // Begins anew: what the files are now is what they are compared with.
    void begin(std::vector<std::string> files);
    // True once after each change, when the files have been the same for two looks: whoever writes
    // one slowly is left to finish. A missing file is a state like any other.
    bool changed();

  private:
    struct Stamp {
        std::uint64_t device = 0;
        std::uint64_t inode = 0;
        std::int64_t size = -1;  // no such file
        std::int64_t modified_ns = 0;
        bool operator==(const Stamp&) const = default;
    };
    std::vector<Stamp> look() const;

    std::vector<std::string> files_;
    std::vector<Stamp> known_;
    std::vector<Stamp> last_;
};

}  // namespace confab::app
