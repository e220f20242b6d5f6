--[[
Settles one call: limits, and the opening or redeeming of an approval. Everything is checked before anything is
written, so a refused call takes nothing. limits.ts, gcra.ts and budget.ts say the same in TypeScript.

KEYS[1]  enforced counters of the agent: tat_us, day, spent
KEYS[2]  shadow counters of the agent: the same
KEYS[3]  result of this idempotency key
KEYS[4]  approval: to write for open, to consume for redeem
KEYS[5]  pending approval of the same question (open only): id, created_ms, expires_ms
KEYS[6]  ids of the agent's pending approvals by expires_ms (open only)
KEYS[7]  session of the call
KEYS[8]  the agent's open session; the same key for a call that binds none
KEYS[9]  tools of the agent
KEYS[10] what the agent did wrong outside of any session: of calls that bind none

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
ARGV[19]     what the session is to remember, JSON; empty = nothing
ARGV[20]     milliseconds to remember the agent's tools

Returns  replayed (0 or 1),
         enforced code, retry_after_ms, spent_micro,
         shadow code (empty = no shadow charge), retry_after_ms, spent_micro,
         approval code, id, created_ms, expires_ms, retry_after_ms,
         now_ms, fields and values of the session before the call (none when nothing was remembered of it, when
         nothing is to be remembered, and of a settled key), those of KEYS[10] likewise

Codes    limit: ok rate_exceeded budget_exceeded
         approval: none opened joined exceeded redeemed not_found mismatch not_approved expired consumed
         (joined = the same question was pending already, exceeded = too many are)
]]

local day_ms = 86400000

local settled = redis.call("GET", KEYS[3])
if settled then
  local reply = cjson.decode(settled)
  reply[1] = "1"
  table.insert(reply, digits(to_ms(clock_us())))
  table.insert(reply, {})
  table.insert(reply, {})
  return reply
end

local now_us = clock_us()
local now_ms = to_ms(now_us)
local kind = ARGV[10]
-- Read before anything is written: what cannot be read must leave nothing behind.
local seen_call = ARGV[19] ~= "" and cjson.decode(ARGV[19]) or nil

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

-- What limits and approvals refuse is a refusal with this reason.
local refusals = {
  rate_exceeded = "rate_exceeded",
  budget_exceeded = "budget_exceeded",
  exceeded = "approvals_exceeded",
  not_found = "override_invalid",
  mismatch = "override_invalid",
  not_approved = "override_invalid",
  expired = "override_expired",
  consumed = "override_used",
}

-- What comes of calling too often is no sign of trying doors.
local limits = { rate_exceeded = true, budget_exceeded = true, approvals_exceeded = true }

-- Counts the anomalies in, newest last, and keeps some of them whole.
local function remember_anomalies(key, reasons, detail)
  if #reasons == 0 then
    return
  end
  redis.call("HINCRBY", key, "anomalies", #reasons)
  local text = redis.call("HGET", key, "recent")
  local recent = text and cjson.decode(text) or {}
  for _, reason in ipairs(reasons) do
    table.insert(recent, { digits(now_ms), reason, detail })
  end
  while #recent > 20 do
    table.remove(recent, 1)
  end
  redis.call("HSET", key, "recent", cjson.encode(recent))
end

local function remember_outside(key, outside)
  local known = redis.call("HMGET", key, "outside_ms", "outside_integrity", "outside_anomalies")
  redis.call("HSET", key,
    "outside_ms", digits(math.max(outside.at, integer(known[1] or "0"))),
    "outside_integrity", digits(math.max(outside.integrity, integer(known[2] or "0"))),
    "outside_anomalies", digits(math.max(outside.anomalies, integer(known[3] or "0"))))
end

-- What is bad about a call, or says what data the session has had access to.
local function remember_worse(key, seen, bad)
  redis.call("HSETNX", key, "started_ms", digits(now_ms))
  redis.call("HSET", key, "last_ms", digits(now_ms))
  for _, name in ipairs(bad.classification) do
    redis.call("HSET", key, "c:" .. name, "1")
  end
  for _, indicator in ipairs(bad.indicators) do
    redis.call("HINCRBY", key, "i:" .. indicator, 1)
  end
  remember_anomalies(key, bad.reasons, seen.detail)
  if seen.outside then
    remember_outside(key, seen.outside)
  end
  redis.call("PEXPIRE", key, digits(seen.ttl))
end

-- True when this refusal completes a burst; then the count begins again.
local function is_burst(key, burst)
  local text = redis.call("HGET", key, "refusals")
  local times = {}
  for time in string.gmatch(text or "", "%d+") do
    table.insert(times, time)
  end
  table.insert(times, digits(now_ms))
  while #times > burst.refusals do
    table.remove(times, 1)
  end
  local complete = #times == burst.refusals and now_ms - integer(times[1]) <= burst.within
  redis.call("HSET", key, "refusals", complete and "" or table.concat(times, ","))
  return complete
end

local function append_all(list, more)
  for _, one in ipairs(more) do
    table.insert(list, one)
  end
end

local function distinct(list)
  local seen, kept = {}, {}
  for _, one in ipairs(list) do
    if not seen[one] then
      seen[one] = true
      table.insert(kept, one)
    end
  end
  return kept
end

local function remember(seen)
  local outcome, refusal = seen.outcome, seen.refusal
  local refused_by = refusals[enforced.code] or refusals[approval[1]]
  if outcome ~= "refused" and refused_by then
    outcome, refusal = "refused", refused_by
  end
  local passed = outcome == "passed"
  local bad = { classification = {}, indicators = seen.indicators, reasons = {} }
  append_all(bad.classification, seen.tags)
  if passed then
    append_all(bad.classification, seen.classification)
  end
  if seen.outside then
    append_all(bad.classification, seen.outside.classification)
  end
  if outcome == "refused" and not limits[refusal] and is_burst(KEYS[7], seen.burst) then
    table.insert(bad.indicators, "denied_burst")
  end
  bad.indicators = distinct(bad.indicators)
  append_all(bad.reasons, bad.indicators)
  if passed and seen.tool and is_new_tool(KEYS[9], seen.tool, seen.learning, now_ms) then
    table.insert(bad.reasons, "new_tool")
  end
  if outcome == "refused" then
    table.insert(bad.reasons, refusal)
  end
  bad.reasons = distinct(bad.reasons)

  remember_worse(KEYS[7], seen, bad)
  redis.call("HSET", KEYS[7], "known", seen.known)
  redis.call("HINCRBY", KEYS[7], "calls", 1)
  if passed then
    redis.call("HINCRBY", KEYS[7], "passed", 1)
    redis.call("HSETNX", KEYS[9], "first_ms", digits(now_ms))
    if seen.tool then
      redis.call("HSET", KEYS[7], "t:" .. seen.tool, "1")
      redis.call("HSET", KEYS[9], "t:" .. seen.tool, "1")
    end
    redis.call("PEXPIRE", KEYS[9], ARGV[20])
  elseif outcome == "refused" then
    redis.call("HINCRBY", KEYS[7], "refused", 1)
  end
  if KEYS[8] ~= KEYS[7] and (#bad.classification > 0 or #bad.reasons > 0 or seen.outside) then
    remember_worse(KEYS[8], seen, bad)
  elseif KEYS[8] == KEYS[7] and (#bad.classification > 0 or #bad.indicators > 0 or seen.outside) then
    remember_worse(KEYS[10], seen, { classification = bad.classification, indicators = bad.indicators, reasons = bad.indicators })
  elseif KEYS[8] ~= KEYS[7] then
    -- It is not to forget before the sessions do of which it knows.
    redis.call("PEXPIRE", KEYS[8], digits(seen.ttl))
  end
end

table.insert(reply, digits(now_ms))
if seen_call then
  table.insert(reply, session_of(KEYS[7]))
  table.insert(reply, session_of(KEYS[10]))
  remember(seen_call)
else
  table.insert(reply, {})
  table.insert(reply, {})
end
return reply
