--[[
Reads what has changed in the registry since a process looked last, oldest first. Writes nothing.

KEYS[1]  state: epoch, seq
KEYS[2]  changes by seq: agent:<id>, flag:<id>, revoked:<jti>
KEYS[3]  agents by id, JSON
KEYS[4]  flags of agents that were disabled or enabled by id, JSON
KEYS[5]  revoked tokens by expires_ms

ARGV[1]  epoch as seen before; empty = nothing was seen
ARGV[2]  seq as seen before
ARGV[3]  how many changes to give at most
ARGV[4]  milliseconds that a revoked token is told of after it has expired

Returns  epoch, seq up to which this goes, lost (0 or 1), more (0 or 1), then for each change its kind, name and value
         (lost = what was seen before is not there any more, so this begins with everything that is left)

Codes    change: agent flag revoked
]]

local held = redis.call("HMGET", KEYS[1], "epoch", "seq")
local epoch, seq = held[1] or "", held[2] or "0"
local from, lost = integer(ARGV[2]), "0"
if ARGV[1] == "" then
  from = 0
elseif epoch ~= ARGV[1] or integer(seq) < from then
  from, lost = 0, "1"
end
if integer(seq) == from then
  return { epoch, seq, lost, "0" }
end

local most = integer(ARGV[3])
local least_expiry_ms = to_ms(clock_us()) - integer(ARGV[4])
local entries = redis.call("ZRANGEBYSCORE", KEYS[2], "(" .. digits(from), "+inf", "WITHSCORES", "LIMIT", 0, most)
local reply = { epoch, seq, lost, "0" }
if #entries == most * 2 then
  reply[2] = digits(tonumber(entries[#entries]))
  reply[4] = "1"
end

local function value_of(kind, name)
  if kind == "agent" then
    return redis.call("HGET", KEYS[3], name)
  elseif kind == "flag" then
    return redis.call("HGET", KEYS[4], name)
  elseif kind == "revoked" then
    local expires_ms = redis.call("ZSCORE", KEYS[5], name)
    return expires_ms and tonumber(expires_ms) > least_expiry_ms and digits(tonumber(expires_ms))
  end
  error("unknown change")
end

for n = 1, #entries, 2 do
  local kind, name = entries[n]:match("^(%l+):(.*)$")
  local value = value_of(kind, name)
  if value then
    table.insert(reply, kind)
    table.insert(reply, name)
    table.insert(reply, value)
  end
end
return reply
