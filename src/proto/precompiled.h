// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The second precompiled header: the first one with the protocol, for the modules that speak it
// (room, api, runtime/control, app). No interface either.
#pragma once

#include "base/precompiled.h"
#include "livekit_models.pb.h"
#include "livekit_room.pb.h"
#include "livekit_rtc.pb.h"
#include "livekit_webhook.pb.h"
