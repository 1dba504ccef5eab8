// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Small files below confab.data_dir that nobody else may read, each exchanged as a whole: a crash
// leaves the file as it was, or as it is to be.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace confab::store {

enum class Sync : bool {
    kNo,   // the last moments before a power cut may be lost
    kYes,  // on the disk when this returns
};

// Makes `folder` if need be (its parent must be there). The error names the file and the remedy.
Result<void, std::string> make_private_folder(const std::string& folder);
Result<void, std::string> write_private_file(const std::string& folder, const std::string& name,
                                             std::string_view text, Sync sync);
// `limit` octets of it at most; empty where there is none.
std::string read_private_file(const std::string& path, std::size_t limit);

}  // namespace confab::store
