// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Everything about RTCP: the walk over a compound and all kinds of packet that are read or written.
#pragma once

#include "wire/rtcp/rtcp_block.h"
#include "wire/rtcp/rtcp_feedback.h"
#include "wire/rtcp/rtcp_reports.h"
#include "wire/rtcp/rtcp_xr.h"
#include "wire/rtcp/transport_cc.h"
