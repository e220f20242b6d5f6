--[[
Adds an approval to a list, and drops what is too old for it.

KEYS[1]  list of approvals by created_ms

ARGV[1]  created_ms
ARGV[2]  the entry
ARGV[3]  milliseconds to keep an entry, and the list after the last one

Returns  1 when the entry is new, else 0
]]

local added = redis.call("ZADD", KEYS[1], ARGV[1], ARGV[2])
redis.call("ZREMRANGEBYSCORE", KEYS[1], "-inf", digits(integer(ARGV[1]) - integer(ARGV[3])))
redis.call("PEXPIRE", KEYS[1], ARGV[3])
return tostring(added)
