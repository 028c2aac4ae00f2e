-- Posts the body in $BODY; prints one line for bench.py instead of wrk's table.
wrk.method = "POST"
wrk.body = os.getenv("BODY")
wrk.headers["content-type"] = "application/json"

function done(summary, latency)
  local errors = 0
  for _, count in pairs(summary.errors) do
    errors = errors + count
  end
  io.write(string.format(
    "\n%d %d %d %d %d\n",
    summary.requests, summary.duration, errors,
    latency:percentile(50), latency:percentile(99)
  ))
end
