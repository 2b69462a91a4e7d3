<?php // The matrix's program for PHP, for its built-in server and for FastCGI.
$sizes = ['good' => 612, 'nodes' => 612, 'files' => 612, 'big' => 3000000];
$first = explode('/', parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH))[1];
$body = str_repeat('x', $sizes[$first] ?? 5);
switch ($first) {
    case 'post':
        $body = strlen(file_get_contents('php://input')) . "\n";
        break;
    case 'old':
        http_response_code(301);
        header('Location: /');
        break;
    case 'broken':
        http_response_code(500);
        break;
    case 'nap':
        usleep(21000);
        break;
    default:
        if (!isset($sizes[$first]))
            http_response_code(404);
}
if ($first !== 'nodes')
    header('Content-Length: ' . strlen($body));
if ($_SERVER['REQUEST_METHOD'] !== 'HEAD')
    echo $body;
