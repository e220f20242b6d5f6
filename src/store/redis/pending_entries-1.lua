--[[
The entries of a list of pending approvals, those that expire first first. Drops those that have expired.

KEYS[1]  list of pending approvals by expires_ms

ARGV[1]  most entries

Returns  the entries
]]

redis.call("ZREMRANGEBYSCORE", KEYS[1], "-inf", digits(to_ms(clock_us())))
return redis.call("ZRANGE", KEYS[1], 0, digits(integer(ARGV[1]) - 1))
