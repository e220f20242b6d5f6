--[[
Notes that an agent has a session of this id.

KEYS[1]  agents that have such a session

ARGV[1]  agent
ARGV[2]  milliseconds to keep that

Returns  1 when it is new, else 0
]]

local added = redis.call("SADD", KEYS[1], ARGV[1])
redis.call("PEXPIRE", KEYS[1], ARGV[2])
return tostring(added)
