-- The load of the yardstick: the same body each time. Prints what happened as one line of JSON.

local function content(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

local threads = {}

wrk.method = "POST"
wrk.body = content("lead.json")
wrk.headers["Content-Type"] = "application/json"

function setup(thread)
  threads[#threads + 1] = thread
end

function done(summary, latency)
  local used_up = false
  for _, thread in ipairs(threads) do
    used_up = used_up or thread:get("used_up") == true
  end
  io.write(string.format(
    '\n{"answers":%d,"refused":%d,"broken":%d,"timeouts":%d,"seconds":%.6f,"p50_ms":%.3f,"p99_ms":%.3f,"used_up":%s}\n',
    summary.requests, summary.errors.status,
    summary.errors.connect + summary.errors.read + summary.errors.write, summary.errors.timeout,
    summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, tostring(used_up)))
end
