-- Remembering for settle: what a session keeps of a call.

-- Counts the anomalies in, newest last, and keeps some of them whole.
local function remember_anomalies(now_ms, key, reasons, detail)
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
local function remember_worse(now_ms, key, seen, bad)
  redis.call("HSETNX", key, "started_ms", digits(now_ms))
  redis.call("HSET", key, "last_ms", digits(now_ms))
  for _, name in ipairs(bad.classification) do
    redis.call("HSET", key, "c:" .. name, "1")
  end
  for _, indicator in ipairs(bad.indicators) do
    redis.call("HINCRBY", key, "i:" .. indicator, 1)
  end
  remember_anomalies(now_ms, key, bad.reasons, seen.detail)
  if seen.outside then
    remember_outside(key, seen.outside)
  end
  redis.call("PEXPIRE", key, digits(seen.ttl))
end

-- True when this refusal completes a burst; then the count begins again.
local function is_burst(now_ms, key, burst)
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

