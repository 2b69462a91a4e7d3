# The matrix's program for Rack servers.
SIZES = { 'good' => 612, 'nodes' => 612, 'files' => 612, 'big' => 3_000_000 }.freeze

run(lambda do |env|
  first = env['PATH_INFO'].split('/')[1]
  status, headers, body = 200, { 'content-type' => 'text/plain' }, 'x' * SIZES.fetch(first, 5)
  case first
  when 'post' then body = "#{env['rack.input'].read.to_s.bytesize}\n"
  when 'old' then status, headers['location'] = 301, '/'
  when 'broken' then status = 500
  when 'nap' then sleep 0.02
  else status = 404 unless SIZES.key?(first)
  end
  headers['content-length'] = body.bytesize.to_s unless first == 'nodes'
  [status, headers, [body]]
end)
