-- Counting for settle: limits.ts, gcra.ts and budget.ts say the same in TypeScript. All times come from `now`, a table of
-- the server's clock in us and ms.

local day_ms = 86400000
local hour_ms = 3600000

local function number_at(text)
  return text and integer(text) or nil
end

-- What was told of a budget: the day (0 of a session), percent, limit and refused (0 or 1).
local function told_in(text)
  local day, percent, limit, refused = (text or ""):match("^(%d+):(%d+):(%d+):([01])$")
  if not day then
    return { day = 0, percent = 0, limit = 0, refused = false }
  end
  return { day = integer(day), percent = integer(percent), limit = integer(limit), refused = refused == "1" }
end

local function told_text(told)
  return table.concat({ digits(told.day), digits(told.percent), digits(told.limit), told.refused and "1" or "0" }, ":")
end

local nothing = { false, false }

-- The counters at key as they are. `set` is enforced or shadow; without a key of the session's it has spent nothing.
-- `expires_ms` is nil where there is no key yet.
local function counters_at(now, key, session_key, set, charge)
  local tool_field = "tat:" .. (charge.tool_rate and charge.tool_rate.tool or "")
  local state = redis.call("HMGET", key, "n", "tat_us", "day", "spent", "hour", "hour_spent", "hour_before", "warned",
    tool_field, "lost_ms")
  local ttl = redis.call("PTTL", key)
  local session = session_key and redis.call("HMGET", session_key, set, set .. "_warned") or nothing
  return {
    now = now,
    key = key,
    session_key = session_key,
    set = set,
    tool_field = tool_field,
    n = number_at(state[1]) or 0,
    tat = number_at(state[2]),
    tool_tat = number_at(state[9]),
    day = number_at(state[3]),
    spent = number_at(state[4]) or 0,
    hour = number_at(state[5]),
    hour_spent = number_at(state[6]) or 0,
    hour_before = number_at(state[7]) or 0,
    told = state[8],
    lost_ms = number_at(state[10]),
    session_spent = number_at(session[1]) or 0,
    session_told = session[2],
    expires_ms = ttl >= 0 and now.ms + ttl or nil,
    until_ms = now.ms + math.max(0, ttl),
    session_until_ms = now.ms + (session_key and math.max(0, redis.call("PTTL", session_key)) or 0),
  }
end

-- Counters that the caller knows to have been higher were lost; true when something was put back. `lost_ms` stays with
-- them, so that all who knew them hear of it, and not only the call that puts them back. What was known before the last
-- loss that the counters tell of was lost with it.
local function put_back(counters, floor)
  local told_ms, lost = counters.lost_ms or 0, false
  local function put(known_ms)
    lost = true
    if known_ms >= told_ms then
      counters.lost_ms = counters.now.ms
    end
  end
  if floor.until_ms > counters.now.ms and counters.n < floor.n then
    put(floor.lost_ms)
    counters.n = floor.n
    if floor.tat then
      counters.tat = math.max(counters.tat or 0, floor.tat)
    end
    if floor.day and (not counters.day or counters.day < floor.day) then
      counters.day, counters.spent = floor.day, floor.spent
    elseif floor.day and counters.day == floor.day then
      counters.spent = math.max(counters.spent, floor.spent)
    end
    counters.until_ms = math.max(counters.until_ms, floor.until_ms)
  end
  if floor.session_until_ms > counters.now.ms and counters.session_spent < floor.session_spent then
    put(floor.session_lost_ms)
    counters.session_changed = true
    counters.session_spent = floor.session_spent
    counters.session_until_ms = math.max(counters.session_until_ms, floor.session_until_ms)
    -- They hold `lost_ms`.
    counters.until_ms = math.max(counters.until_ms, counters.session_until_ms)
  end
  return lost
end

-- The arrival time to keep; or nil, and the microseconds after which the call would conform.
local function conform(now, rate, tat)
  local most = rate.interval * (rate.burst - 1)
  local held = math.max(0, (tat or 0) - now.us)
  -- No state of this rate: see gcra.ts.
  if held - most > 2 * rate.interval then
    held = most
  end
  if held > most then
    return nil, held - most
  end
  return now.us + held + rate.interval
end

local function refused_by(code, limit, retry_after_ms, spent)
  return { code = code, limit = limit, retry_after_ms = digits(retry_after_ms), spent = spent and digits(spent) or "" }
end

-- Weighs a charge against counters. Writes nothing; `after` is what to keep when it is charged.
local function weigh(counters, charge)
  local spends, now_ms = false, counters.now.ms
  -- What is not set in it is as it was: copying everything would take longer than the weighing.
  local after = setmetatable({}, { __index = counters })
  local rates = { { "rate", "tat" }, { "tool_rate", "tool_tat" } }
  for _, names in ipairs(rates) do
    local rate = charge[names[1]]
    if rate then
      local tat, retry_after_us = conform(counters.now, rate, counters[names[2]])
      if not tat then
        return refused_by("rate_exceeded", names[1], math.ceil(retry_after_us / 1000))
      end
      after[names[2]] = tat
      after.until_ms = math.max(after.until_ms, math.ceil(tat / 1000))
    end
  end

  local daily = charge.daily_budget
  if daily and daily.cost > 0 then
    spends = true
    local today = math.floor(now_ms / day_ms)
    if counters.day ~= today and counters.day ~= today + 1 then
      after.day, after.spent = today, 0
    end
    if after.spent + daily.cost > daily.limit then
      return refused_by("budget_exceeded", "daily_budget", (after.day + 1) * day_ms - now_ms, after.spent)
    end
    after.spent = after.spent + daily.cost
    local hour = math.floor(now_ms / hour_ms)
    if counters.hour ~= hour then
      after.hour_before = counters.hour == hour - 1 and counters.hour_spent or 0
      after.hour, after.hour_spent = hour, 0
    end
    after.hour_spent = after.hour_spent + daily.cost
    -- One day more than the budget's own: see the clock correction in `spend`.
    after.until_ms = math.max(after.until_ms, (after.day + 2) * day_ms)
  end

  local session = charge.session_budget
  if session and session.cost > 0 then
    spends = true
    if counters.session_spent + session.cost > session.limit then
      local left_ms = counters.session_spent > 0 and counters.session_until_ms - now_ms or 0
      return refused_by("budget_exceeded", "session_budget", left_ms > 0 and left_ms or session.ttl, counters.session_spent)
    end
    after.session_changed = true
    after.session_spent = counters.session_spent + session.cost
    after.session_until_ms = math.max(counters.session_until_ms, now_ms + session.ttl)
  end
  local takes = charge.rate ~= nil or charge.tool_rate ~= nil or spends
  return { code = "ok", limit = "", retry_after_ms = "", spent = "", after = takes and after or nil }
end

local function keep(counters)
  local fields = { "n", digits(counters.n) }
  local function add(field, value)
    if value then
      fields[#fields + 1] = field
      fields[#fields + 1] = digits(value)
    end
  end
  add("tat_us", counters.tat)
  add(counters.tool_field, counters.tool_tat)
  add("lost_ms", counters.lost_ms)
  if counters.day then
    add("day", counters.day)
    add("spent", counters.spent)
  end
  if counters.hour then
    add("hour", counters.hour)
    add("hour_spent", counters.hour_spent)
    add("hour_before", counters.hour_before)
  end
  redis.call("HSET", counters.key, unpack(fields))
  -- With a daily budget it ends with the day, and most calls leave that as it is.
  if not counters.expires_ms or counters.until_ms > counters.expires_ms then
    redis.call("PEXPIREAT", counters.key, digits(counters.until_ms))
    counters.expires_ms = counters.until_ms
  end
  if counters.session_changed then
    redis.call("HSET", counters.session_key, counters.set, digits(counters.session_spent))
    redis.call("PEXPIREAT", counters.session_key, digits(counters.session_until_ms))
  end
end

-- 80 or 100 percent of a budget, 0 for less. Nothing uses up a budget of nothing.
local function percent_of(spent, limit)
  if spent == 0 then
    return 0
  end
  return spent >= limit and 100 or spent >= limit * 0.8 and 80 or 0
end

-- Adds what nobody was told of a budget yet, and gives what was told by then; nil when there is nothing new. A higher limit
-- begins anew. warnings.ts says the same.
local function news_of(warnings, budget, told)
  local raised = budget.limit > told.limit
  local known = { day = told.day, percent = told.percent, limit = told.limit, refused = told.refused }
  if raised then
    known.percent, known.limit, known.refused = 0, budget.limit, false
  end
  local function tell(percent, refused)
    for _, text in ipairs({
      budget.name, budget.set == "shadow" and "shadow" or "enforce", digits(percent), refused and "1" or "0",
      digits(budget.spent), digits(budget.limit),
    }) do
      table.insert(warnings, text)
    end
  end
  local new = false
  local percent = percent_of(budget.spent, budget.limit)
  if percent > known.percent then
    known.percent, new = percent, true
    tell(percent, false)
  end
  if budget.refused and not known.refused then
    known.refused, new = true, true
    tell(100, true)
  end
  return new and known or nil
end

-- Tells once for each day, and for each session, that a budget is nearly or wholly used up, and that it refuses.
local function warn_of(warnings, counters, charge, result)
  local daily = charge.daily_budget
  if daily and daily.cost > 0 and counters.day then
    local told = told_in(counters.told)
    if told.day ~= counters.day then
      told = { day = counters.day, percent = 0, limit = 0, refused = false }
    end
    local budget = { name = "daily_budget", set = counters.set, spent = counters.spent, limit = daily.limit,
      refused = result.limit == "daily_budget" }
    local known = news_of(warnings, budget, told)
    if known then
      redis.call("HSET", counters.key, "warned", told_text(known))
      redis.call("PEXPIREAT", counters.key, digits(math.max(counters.until_ms, (counters.day + 2) * day_ms)))
    end
  end
  local session = charge.session_budget
  if session and session.cost > 0 then
    local budget = { name = "session_budget", set = counters.set, spent = counters.session_spent, limit = session.limit,
      refused = result.limit == "session_budget" }
    local known = news_of(warnings, budget, told_in(counters.session_told))
    if known then
      redis.call("HSET", counters.session_key, counters.set .. "_warned", told_text(known))
      if counters.session_until_ms <= counters.now.ms then
        redis.call("PEXPIREAT", counters.session_key, digits(counters.now.ms + session.ttl))
      end
    end
  end
end
