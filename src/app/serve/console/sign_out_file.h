// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The file below the data folder by which a session of the console that was signed out stays so
// after a restart.
#pragma once

#include <string>
#include <utility>

#include "console/signed_out.h"

namespace confab::app {

class SignOutFile {
  public:
    static constexpr const char* kFileName = "console-signed-out";

    // `folder` empty: there is none, and nothing is kept.
    explicit SignOutFile(std::string folder) : folder_(std::move(folder)) {}
    console::SignedOut read(UnixTime now) const;
    // What fails is told in the log.
    void write(const std::string& text) const;

  private:
    std::string folder_;
};

}  // namespace confab::app
