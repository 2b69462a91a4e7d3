%% The matrix's program for Erlang's own httpd: a module of its chain, and how it is started.
-module(matrix_httpd).
-export([start/2, do/1]).
-include_lib("inets/include/httpd.hrl").

start(Port, Folder) ->
    {ok, _} = application:ensure_all_started(inets),
    {ok, _} = inets:start(httpd, [{port, Port}, {bind_address, {127, 0, 0, 1}}, {server_name, "matrix"},
                                  {server_root, Folder}, {document_root, Folder}, {modules, [?MODULE]},
                                  {max_keep_alive_request, 1000000}]).

do(#mod{method = Method, request_uri = Target, entity_body = Body}) ->
    [Path | _] = string:split(Target, "?"),
    {Code, Fields, Text} = answer(hd(string:split(tl(Path), "/")), Body),
    Size = {content_length, integer_to_list(length(Text))},
    Sent = case Method of "HEAD" -> ""; _ -> Text end,
    {proceed, [{response, {response, [{code, Code}, Size | Fields], Sent}}]}.

answer("post", Body) -> {200, [], integer_to_list(length(Body))};
answer("old", _) -> {301, [{location, "/"}], "moved"};
answer("broken", _) -> {500, [], "broken"};
answer("nap", _) -> timer:sleep(21), {200, [], "slept"};
answer("big", _) -> {200, [], lists:duplicate(3000000, $x)};
answer(First, _) when First == "good"; First == "nodes"; First == "files" -> {200, [], lists:duplicate(612, $x)};
answer(_, _) -> {404, [], "none"}.
