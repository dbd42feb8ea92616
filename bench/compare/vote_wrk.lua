-- wrk's requests: one vote each, every vote another voter. The argument tells one run from another.
local series, voter = 0, 0

function init(args)
  series = args[1]
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
end

function request()
  voter = voter + 1
  return wrk.format(nil, nil, nil,
    string.format('{"voter":"wrk-%s-%012d","choices":["option-%d"]}', series, voter, voter % 10))
end
