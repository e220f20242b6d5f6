--[[
Settles one call: limits, and the opening or redeeming of an approval. Everything is checked before anything is
written, so a refused call takes nothing. limits.ts, gcra.ts and budget.ts say the same in TypeScript.

KEYS[1]  enforced counters of the agent: n (charges so far), tat_us, day, spent, hour, hour_spent, hour_before, warned,
         lost_ms when some were lost, and tat:<tool> of each tool with a rate of its own
KEYS[2]  shadow counters of the agent: the same
KEYS[3]  result of this idempotency key
KEYS[4]  approval: to write for open, to consume for redeem
KEYS[5]  pending approval of the same question (open only): id, created_ms, expires_ms
KEYS[6]  ids of the agent's pending approvals by expires_ms (open only)
KEYS[7]  session of the call
KEYS[8]  the agent's open session; the same key for a call that binds none
KEYS[9]  tools of the agent
KEYS[10] what the agent did wrong outside of any session: of calls that bind none
KEYS[11] what the session has spent: enforced, shadow, enforced_warned, shadow_warned

ARGV[1]  the call, JSON, each part of it may be absent but the last two:
           enforced and shadow: rate {interval, burst}, tool_rate {tool, interval, burst}, daily_budget {limit, cost},
             session_budget {limit, cost, ttl}
           known, what the caller knows of the enforced counters: n, tat, day, spent, until_ms, lost_ms, session_spent,
             session_until_ms, session_lost_ms
           seen, what the session is to remember
           keep, milliseconds to keep the result; tools, milliseconds to remember the agent's tools
ARGV[2]  none, open or redeem; there is nothing behind none
ARGV[3]  fingerprint of the call
ARGV[4]  approval id to use for open
ARGV[5]  open: milliseconds until it expires
ARGV[6]  open: quorum
ARGV[7]  open: the draft, JSON
ARGV[8]  open: milliseconds to keep an approval after it has expired
ARGV[9]  open: how many approvals of the agent may be pending

Returns  two texts of JSON, since text of many parts is read faster in one piece. What is kept at KEYS[3]:
         "0",
         enforced code, limit, retry_after_ms, spent_micro,
         shadow code (empty = no shadow charge), limit, retry_after_ms, spent_micro,
         approval code, id, created_ms, expires_ms, retry_after_ms
         and what is told once, false for nothing:
         replayed (0 or 1), now_ms,
         enforced counters (none of a settled key): n, tat_us, tat_us of the tool, day, spent, spent of the session, when
         the counters and those of the session are forgotten, and when some were lost (empty = never),
         warnings, six texts each: limit, enforce or shadow, percent, refused (0 or 1), spent, limit in micro-units,
         fields and values of the session before the call (none when nothing was remembered of it, when
         nothing is to be remembered, and of a settled key), those of KEYS[10] likewise

Codes    limit: ok rate_exceeded budget_exceeded
         approval: none opened joined exceeded redeemed not_found mismatch not_approved expired consumed
         (joined = the same question was pending already, exceeded = too many are)
]]

local now_us = clock_us()
local now_ms = to_ms(now_us)
local now = { us = now_us, ms = now_ms }

local settled = redis.call("GET", KEYS[3])
if settled then
  return { settled, cjson.encode({ "1", digits(now_ms), false, false, false, false }) }
end

local kind = ARGV[2]
-- Read before anything is written: what cannot be read must leave nothing behind. Behind plain-6 it has been.
local call = type(ARGV[1]) == "table" and ARGV[1] or cjson.decode(ARGV[1])
local enforced_charge, shadow_charge, known, seen_call = call.enforced or {}, call.shadow, call.known, call.seen

local function open()
  local known = redis.call("HMGET", KEYS[5], "id", "created_ms", "expires_ms")
  if known[1] and integer(known[3]) > now_ms then
    return { "joined", known[1], known[2], known[3], "" }
  end
  if redis.call("ZCOUNT", KEYS[6], "(" .. digits(now_ms), "+inf") >= integer(ARGV[9]) then
    local first = redis.call("ZRANGEBYSCORE", KEYS[6], "(" .. digits(now_ms), "+inf", "WITHSCORES", "LIMIT", 0, 1)
    return { "exceeded", "", "", "", digits(integer(first[2]) - now_ms) }
  end
  if redis.call("EXISTS", KEYS[4]) == 1 then
    error("the approval id is taken")
  end
  local id, created_ms = ARGV[4], digits(now_ms)
  local expires_ms = digits(now_ms + integer(ARGV[5]))
  -- The first write must be one that a full server refuses: after any other it takes all that follow.
  redis.call("HSET", KEYS[4], "status", "pending", "fingerprint", ARGV[3], "quorum", ARGV[6], "answers", "0",
    "created_ms", created_ms, "expires_ms", expires_ms, "draft", ARGV[7])
  redis.call("PEXPIREAT", KEYS[4], digits(integer(expires_ms) + integer(ARGV[8])))
  redis.call("DEL", KEYS[5])
  redis.call("HSET", KEYS[5], "id", id, "created_ms", created_ms, "expires_ms", expires_ms)
  redis.call("PEXPIREAT", KEYS[5], expires_ms)
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
  if head[2] ~= ARGV[3] then
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

local spends_session = enforced_charge.session_budget or shadow_charge and shadow_charge.session_budget
  or known and known.session_until_ms > now_ms
local budget_key = spends_session and KEYS[11] or nil
local counters = counters_at(now, KEYS[1], budget_key, "enforced", enforced_charge)
if known and put_back(counters, known) then
  keep(counters)
end
local shadow_counters = shadow_charge and counters_at(now, KEYS[2], budget_key, "shadow", shadow_charge) or nil
local enforced = weigh(counters, enforced_charge)
local shadow = shadow_charge and weigh(shadow_counters, shadow_charge) or nil

local approval = { "none", "", "", "", "" }
if enforced.code == "ok" and kind == "open" then
  approval = open()
elseif enforced.code == "ok" and kind == "redeem" then
  approval = redeem()
end

local changed = approval[1] == "opened" or approval[1] == "redeemed"
local charges = kind == "none" or approval[1] == "redeemed"

local warnings = {}
-- Charges what was weighed, where it is to be charged; gives the counters as they are then.
local function settle(before, charge, weighed)
  local left = before
  if charges and weighed.after then
    left = weighed.after
    left.n = before.n + 1
    keep(left)
    changed = true
  end
  local today = math.floor(now_ms / day_ms)
  if left.day == nil or left.day < today then
    -- What was spent on another day says nothing of this one.
    left.day, left.spent = today, 0
  end
  if charges or weighed.code ~= "ok" then
    warn_of(warnings, left, charge, weighed)
  end
  return left
end

local after = settle(counters, enforced_charge, enforced)
if shadow then
  settle(shadow_counters, shadow_charge, shadow)
end

local result = cjson.encode({
  "0",
  enforced.code, enforced.limit, enforced.retry_after_ms, enforced.spent,
  shadow and shadow.code or "", shadow and shadow.limit or "", shadow and shadow.retry_after_ms or "",
  shadow and shadow.spent or "",
  approval[1], approval[2], approval[3], approval[4], approval[5],
})
if changed then
  redis.call("SET", KEYS[3], result, "PX", digits(call.keep))
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

local function remember(seen, own, unbound)
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
  if outcome == "refused" and not limits[refusal] and is_burst(now_ms, own, seen.burst) then
    table.insert(bad.indicators, "denied_burst")
  end
  bad.indicators = distinct(bad.indicators)
  append_all(bad.reasons, bad.indicators)
  local tools = passed and tools_of(KEYS[9], seen.tool or "")
  if passed and seen.tool and is_new_tool(tools, seen.learning, now_ms) then
    table.insert(bad.reasons, "new_tool")
  end
  if outcome == "refused" then
    table.insert(bad.reasons, refusal)
  end
  bad.reasons = distinct(bad.reasons)

  remember_worse(now_ms, own, seen, bad)
  put(own, "known", seen.known)
  count(own, "calls", 1)
  if passed then
    count(own, "passed", 1)
    if seen.tool then
      put(own, "t:" .. seen.tool, "1")
    end
  elseif outcome == "refused" then
    count(own, "refused", 1)
  end
  close(own, seen.ttl)
  if passed then
    if not tools[1] then
      redis.call("HSET", KEYS[9], "first_ms", digits(now_ms))
    end
    if seen.tool and not tools[2] then
      redis.call("HSET", KEYS[9], "t:" .. seen.tool, "1")
    end
  end
  redis.call("PEXPIRE", KEYS[9], digits(call.tools))

  local is_open = KEYS[8] == KEYS[7]
  local is_bad = #bad.classification > 0 or seen.outside
  if is_open and (is_bad or #bad.indicators > 0) then
    bad.reasons = bad.indicators
    remember_worse(now_ms, unbound, seen, bad)
    close(unbound, seen.ttl)
  elseif not is_open and (is_bad or #bad.reasons > 0) then
    local open_session = opened(KEYS[8], session_of(KEYS[8]))
    remember_worse(now_ms, open_session, seen, bad)
    close(open_session, seen.ttl)
  elseif not is_open then
    -- It is not to forget before the sessions do of which it knows.
    redis.call("PEXPIRE", KEYS[8], digits(seen.ttl))
  end
end

local function text_of(number)
  return number and digits(number) or ""
end

-- An empty list and an empty object are the same in Lua, and not in JSON.
local function list_of(texts)
  return #texts > 0 and texts
end

local own, unbound = {}, {}
if seen_call then
  own, unbound = session_of(KEYS[7]), session_of(KEYS[10])
  remember(seen_call, opened(KEYS[7], own), opened(KEYS[10], unbound))
end
return { result, cjson.encode({
  "0", digits(now_ms),
  {
    digits(after.n), text_of(after.tat), text_of(after.tool_tat), digits(after.day), digits(after.spent),
    digits(after.session_spent), digits(after.n > 0 and after.until_ms or 0),
    digits(after.session_spent > 0 and after.session_until_ms or 0), text_of(after.lost_ms),
  },
  list_of(warnings), list_of(own), list_of(unbound),
}) }
