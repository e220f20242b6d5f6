--[[
Revokes a token, and forgets some that have expired: more than one for each that comes, so that what is kept does not
grow beyond what is needed.

KEYS[1]  state: epoch, seq
KEYS[2]  changes by seq
KEYS[3]  revoked tokens by expires_ms

ARGV[1]  jti
ARGV[2]  when the token expires, in milliseconds since the epoch
ARGV[3]  milliseconds that it is kept after that
ARGV[4]  epoch of a registry that has none yet

Returns  1 when that was a change, else 0
]]

local jti, expires_ms = ARGV[1], integer(ARGV[2])
local ended_ms = to_ms(clock_us()) - integer(ARGV[3])

for _, ended in ipairs(redis.call("ZRANGEBYSCORE", KEYS[3], "-inf", digits(ended_ms), "LIMIT", 0, 100)) do
  redis.call("ZREM", KEYS[3], ended)
  redis.call("ZREM", KEYS[2], "revoked:" .. ended)
end

local held = redis.call("ZSCORE", KEYS[3], jti)
if expires_ms <= ended_ms or (held and tonumber(held) >= expires_ms) then
  return "0"
end
redis.call("ZADD", KEYS[3], digits(expires_ms), jti)
note_change(KEYS[1], KEYS[2], "revoked:" .. jti, ARGV[4])
return "1"
