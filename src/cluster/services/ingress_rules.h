// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What an ingress may be (04 ING-05, ING-07), with the texts that SDK users know.
#pragma once

#include <optional>
#include <string>

#include "livekit_ingress.pb.h"

namespace confab::cluster::services {

// Why an ingress cannot be as it is; enable_transcoding is filled in.
std::optional<std::string> ingress_fault(const livekit::IngressInfo& info);

}  // namespace confab::cluster::services
