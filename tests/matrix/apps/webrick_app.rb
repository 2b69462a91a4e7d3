# The matrix's program for WEBrick: webrick_app.rb PORT
require 'webrick'

SIZES = { 'good' => 612, 'nodes' => 612, 'files' => 612, 'big' => 3_000_000 }.freeze

def answer(request, response)
  first = request.path.split('/')[1]
  response.body = 'x' * SIZES.fetch(first, 5)
  case first
  when 'post' then response.body = "#{request.body.to_s.bytesize}\n"
  when 'old' then response.status, response['Location'] = 301, '/'
  when 'broken' then response.status = 500
  when 'nap' then sleep 0.02
  when 'nodes' then response.chunked = true
  else response.status = 404 unless SIZES.key?(first)
  end
end

server = WEBrick::HTTPServer.new(BindAddress: '127.0.0.1', Port: ARGV[0].to_i, AccessLog: [],
                                 Logger: WEBrick::Log.new($stderr, WEBrick::Log::WARN))
server.mount_proc('/') { |request, response| answer(request, response) }
trap('TERM') { server.shutdown }
server.start
