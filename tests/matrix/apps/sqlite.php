<?php // Fetches as many rows as the path says; SQLite is told so, and that there are no more.
$rows = (int) ltrim(parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH), '/r');
$database = new SQLite3(':memory:');
$found = $database->query("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $rows) SELECT i FROM n");
for ($n = 0; $found->fetchArray(SQLITE3_NUM); $n++)
    ;
$body = "$n\n";
header('Content-Length: ' . strlen($body));
echo $body;
