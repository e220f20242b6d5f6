-- Put in front of scripts that read or write sessions. A session is a hash: started_ms, last_ms, calls, passed, refused,
-- anomalies, known (JSON), recent (JSON: [[ms, reason, detail], ...]), refusals (ms,ms,...), c:<classification>, t:<tool>,
-- i:<indicator>, and of attestations outside_ms, outside_integrity (place in the list of integrities), outside_anomalies.
-- The tools of an agent are a hash: first_ms, t:<tool>. sessions.ts says the same in TypeScript.

-- When the agent was first seen, and whether it has used the tool.
local function tools_of(key, tool)
  return redis.call("HMGET", key, "first_ms", "t:" .. tool)
end

-- True when the agent is known for long enough and has never used the tool.
local function is_new_tool(known, learning_ms, now_ms)
  return known[1] ~= false and now_ms - integer(known[1]) > learning_ms and not known[2]
end

local function session_of(key)
  return redis.call("HGETALL", key)
end
