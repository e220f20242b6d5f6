--[[
Reads the counters of an agent.

KEYS[1]  enforced counters
KEYS[2]  shadow counters
KEYS[3]  what one session has spent
KEYS[4]  ids of the agent's pending approvals by expires_ms

Returns  now_ms, fields and values of KEYS[1], of KEYS[2] and of KEYS[3], approvals that are pending
]]

local now_ms = digits(to_ms(clock_us()))
return {
  now_ms,
  redis.call("HGETALL", KEYS[1]),
  redis.call("HGETALL", KEYS[2]),
  redis.call("HGETALL", KEYS[3]),
  digits(redis.call("ZCOUNT", KEYS[4], "(" .. now_ms, "+inf")),
}
