// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Names with a time or chance in them (LKC-06): "demo-%t", "participant-%x".
#pragma once

#include <string>
#include <string_view>

#include "app/commands/host.h"

namespace confab::app::cli {

// %t 20260203040506 · %T RFC 3339 · %Y %m %d %H %M %S of UTC · %x six random octets as hex ·
// %U user · %h host · %p process · %% a percent sign. Everything else stays.
std::string expanded(std::string_view text, const Host& host);

// "2026-02-03T04:05:06Z"
std::string rfc3339(UnixTime time);

}  // namespace confab::app::cli
