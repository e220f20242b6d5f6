--[[
Adds a pending approval to a list, and drops those that have expired. The list lives as long as its last entry.

KEYS[1]  list of pending approvals by expires_ms

ARGV[1]  expires_ms
ARGV[2]  the entry

Returns  1 when the entry is new, else 0
]]

local added = redis.call("ZADD", KEYS[1], ARGV[1], ARGV[2])
redis.call("ZREMRANGEBYSCORE", KEYS[1], "-inf", digits(to_ms(clock_us())))
local last = redis.call("ZRANGE", KEYS[1], -1, -1, "WITHSCORES")[2]
if last then
  redis.call("PEXPIREAT", KEYS[1], last)
end
return tostring(added)
