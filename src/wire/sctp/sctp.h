// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// All SCTP codecs: packets and checksum, data and acknowledgement chunks, INIT, RE-CONFIG
// (RFC 9260, RFC 3758, RFC 6525). Stateless; the association is in rtc/sctp.
#pragma once

#include "wire/sctp/sctp_chunks.h"
#include "wire/sctp/sctp_crc32c.h"
#include "wire/sctp/sctp_init.h"
#include "wire/sctp/sctp_packet.h"
#include "wire/sctp/sctp_reconfig.h"
