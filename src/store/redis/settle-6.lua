--[[
Settles one call: limits, and the opening or redeeming of an approval. Everything is checked before anything is
written, so a refused call takes nothing. limits.ts, gcra.ts and budget.ts say the same in TypeScript.

KEYS[1]  enforced counters of the agent: tat_us, day, spent
KEYS[2]  shadow counters of the agent: the same
KEYS[3]  result of this idempotency key
KEYS[4]  approval: to write for open, to consume for redeem
KEYS[5]  pending approval of the same question (open only): id, created_ms, expires_ms
KEYS[6]  ids of the agent's pending approvals by expires_ms (open only)

ARGV[1..4]   enforced: interval_us, burst, limit_micro, cost_micro; empty = no such limit
ARGV[5..8]   shadow: the same
ARGV[9]      1 when there is a shadow charge, else 0
ARGV[10]     none, open or redeem
ARGV[11]     fingerprint of the call
ARGV[12]     approval id to use for open
ARGV[13]     open: milliseconds until it expires
ARGV[14]     open: quorum
ARGV[15]     open: the draft, JSON
ARGV[16]     milliseconds to keep the result
ARGV[17]     milliseconds to keep an approval after it has expired
ARGV[18]     open: how many approvals of the agent may be pending

Returns  replayed (0 or 1),
         enforced code, retry_after_ms, spent_micro,
         shadow code (empty = no shadow charge), retry_after_ms, spent_micro,
         approval code, id, created_ms, expires_ms, retry_after_ms

Codes    limit: ok rate_exceeded budget_exceeded
         approval: none opened joined exceeded redeemed not_found mismatch not_approved expired consumed
         (joined = the same question was pending already, exceeded = too many are)
]]

local day_ms = 86400000

local settled = redis.call("GET", KEYS[3])
if settled then
  local reply = cjson.decode(settled)
  reply[1] = "1"
  return reply
end

local now_us = clock_us()
local now_ms = to_ms(now_us)
local kind = ARGV[10]

local function refused(code, retry_after_ms, spent)
  return { code = code, retry_after_ms = digits(retry_after_ms), spent = spent or "", fields = {} }
end

-- Weighs the charge that starts at ARGV[first] against the counters at key. Writes nothing.
local function weigh(key, first)
  local interval, burst, limit, cost = ARGV[first], ARGV[first + 1], ARGV[first + 2], ARGV[first + 3]
  local state = redis.call("HMGET", key, "tat_us", "day", "spent")
  local tat = state[1] and integer(state[1]) or 0
  local day = state[2] and integer(state[2])
  local fields = {}

  if interval ~= "" then
    local horizon = integer(interval) * integer(burst)
    local next_tat = math.max(now_us, math.min(tat, now_us + horizon)) + integer(interval)
    local retry_after_us = next_tat - horizon - now_us
    if retry_after_us > 0 then
      return refused("rate_exceeded", math.ceil(retry_after_us / 1000))
    end
    tat = next_tat
    fields = { "tat_us", digits(tat) }
  end

  if limit ~= "" and integer(cost) > 0 then
    local today = math.floor(now_ms / day_ms)
    local spent = 0
    if day == today or day == today + 1 then
      spent = integer(state[3])
    else
      day = today
    end
    if spent + integer(cost) > integer(limit) then
      return refused("budget_exceeded", (day + 1) * day_ms - now_ms, digits(spent))
    end
    for _, field in ipairs({ "day", digits(day), "spent", digits(spent + integer(cost)) }) do
      table.insert(fields, field)
    end
  end

  local forgettable_ms = math.max(math.ceil(tat / 1000), day and (day + 2) * day_ms or 0)
  return { code = "ok", retry_after_ms = "", spent = "", key = key, fields = fields, until_ms = forgettable_ms }
end

-- True when there was something to charge.
local function charge(weighed)
  if #weighed.fields == 0 then
    return false
  end
  redis.call("HSET", weighed.key, unpack(weighed.fields))
  redis.call("PEXPIREAT", weighed.key, digits(weighed.until_ms))
  return true
end

local function open()
  local known = redis.call("HMGET", KEYS[5], "id", "created_ms", "expires_ms")
  if known[1] and integer(known[3]) > now_ms then
    return { "joined", known[1], known[2], known[3], "" }
  end
  if redis.call("ZCOUNT", KEYS[6], "(" .. digits(now_ms), "+inf") >= integer(ARGV[18]) then
    local first = redis.call("ZRANGEBYSCORE", KEYS[6], "(" .. digits(now_ms), "+inf", "WITHSCORES", "LIMIT", 0, 1)
    return { "exceeded", "", "", "", digits(integer(first[2]) - now_ms) }
  end
  if redis.call("EXISTS", KEYS[4]) == 1 then
    error("the approval id is taken")
  end
  local id, created_ms = ARGV[12], digits(now_ms)
  local expires_ms = digits(now_ms + integer(ARGV[13]))
  redis.call("DEL", KEYS[5])
  redis.call("HSET", KEYS[5], "id", id, "created_ms", created_ms, "expires_ms", expires_ms)
  redis.call("PEXPIREAT", KEYS[5], expires_ms)
  redis.call("HSET", KEYS[4], "status", "pending", "fingerprint", ARGV[11], "quorum", ARGV[14], "answers", "0",
    "created_ms", created_ms, "expires_ms", expires_ms, "draft", ARGV[15])
  redis.call("PEXPIREAT", KEYS[4], digits(integer(expires_ms) + integer(ARGV[17])))
  redis.call("ZREMRANGEBYSCORE", KEYS[6], "-inf", digits(now_ms))
  redis.call("ZADD", KEYS[6], expires_ms, id)
  redis.call("PEXPIREAT", KEYS[6], redis.call("ZRANGE", KEYS[6], -1, -1, "WITHSCORES")[2])
  return { "opened", id, created_ms, expires_ms, "" }
end

local function redeem()
  local head = redis.call("HMGET", KEYS[4], "status", "fingerprint", "expires_ms")
  if not head[1] then
    return { "not_found", "", "", "", "" }
  end
  if head[2] ~= ARGV[11] then
    return { "mismatch", "", "", "", "" }
  end
  local status = status_at(head[1], integer(head[3]), now_ms)
  if status == "expired" or status == "consumed" then
    return { status, "", "", "", "" }
  end
  if status ~= "approved" then
    return { "not_approved", "", "", "", "" }
  end
  redis.call("HSET", KEYS[4], "status", "consumed")
  return { "redeemed", "", "", "", "" }
end

local enforced = weigh(KEYS[1], 1)
local shadow = ARGV[9] == "1" and weigh(KEYS[2], 5) or nil

local approval = { "none", "", "", "", "" }
if enforced.code == "ok" and kind == "open" then
  approval = open()
elseif enforced.code == "ok" and kind == "redeem" then
  approval = redeem()
end

local changed = approval[1] == "opened" or approval[1] == "redeemed"
if kind == "none" or approval[1] == "redeemed" then
  changed = charge(enforced) or changed
  if shadow then
    changed = charge(shadow) or changed
  end
end

local reply = {
  "0",
  enforced.code, enforced.retry_after_ms, enforced.spent,
  shadow and shadow.code or "", shadow and shadow.retry_after_ms or "", shadow and shadow.spent or "",
  approval[1], approval[2], approval[3], approval[4], approval[5],
}
if changed then
  redis.call("SET", KEYS[3], cjson.encode(reply), "PX", ARGV[16])
end
return reply
