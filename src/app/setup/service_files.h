// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The files of deploy/systemd as texts; the build makes service_files.cc of them.
#pragma once

#include <string_view>

namespace confab::setup {

extern const std::string_view kServiceUnit;    // confab.service
extern const std::string_view kServiceUser;    // confab.sysusers
extern const std::string_view kServiceSysctl;  // 60-confab.conf

}  // namespace confab::setup
