// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/nodes/script/scripts.h"

namespace confab::cluster::nodes {

const std::string_view kDropIfScript = R"(
if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] then return redis.call('HDEL', KEYS[1], ARGV[1]) end
return 0)";

const std::string_view kClaimScript = R"(
local held = redis.call('HGET', KEYS[1], ARGV[1])
if held and held ~= ARGV[2] then return {held, 0} end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local best, least, before
for i = 4, #ARGV, 2 do
  local recent = 0
  local rooms, at = string.match(redis.call('HGET', KEYS[2], ARGV[i]) or '', '^([%d.]+) (%d+)$')
  if rooms then recent = rooms * math.exp(math.min(0, at - now) / ARGV[3]) end
  local load = ARGV[i + 1] + recent
  if not best or load < least then best, least, before = ARGV[i], load, recent end
end
redis.call('HSET', KEYS[1], ARGV[1], best)
redis.call('HSET', KEYS[2], best, string.format('%.3f %.0f', before + 1, now))
redis.call('PEXPIRE', KEYS[2], ARGV[3] * 10)
return {best, 1})";

const std::string_view kHoldScript = R"(
local holders = {}
for i = 2, #ARGV do
  local held = redis.call('HGET', KEYS[1], ARGV[i])
  if not held then redis.call('HSET', KEYS[1], ARGV[i], ARGV[1]) end
  holders[#holders + 1] = held or ARGV[1]
end
return holders)";

const std::string_view kRenewScript = R"(
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 0)";

const std::string_view kScanScript = R"(
local known = {}
for i = 3, #ARGV do known[ARGV[i]] = true end
local page = redis.call('HSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])
local out = {page[1]}
for i = 1, #page[2], 2 do
  if not known[page[2][i + 1]] then
    out[#out + 1] = page[2][i]
    out[#out + 1] = page[2][i + 1]
  end
end
return out)";

const std::string_view kOrphanScript = R"(
local moved = {}
for i = 1, #ARGV, 2 do
  if redis.call('HGET', KEYS[1], ARGV[i]) == ARGV[i + 1] then
    redis.call('HDEL', KEYS[1], ARGV[i])
    redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1])
    moved[#moved + 1] = ARGV[i]
  end
end
return moved)";

}  // namespace confab::cluster::nodes
