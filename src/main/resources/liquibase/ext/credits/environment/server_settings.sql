WITH
problem (severity, line) AS (
    -- Function bodies hold an ellipsis and an arrow; SQL_ASCII takes any bytes.
    SELECT
        1,
        'database ' || current_database() || ' is encoded in ' || e.encoding || '; 021 needs UTF8, which has all signs of its'
            || ' functions; copy it into a database created with ENCODING ''UTF8'''
    FROM (SELECT current_setting('server_encoding') AS encoding) AS e
    WHERE e.encoding NOT IN ('UTF8', 'SQL_ASCII')

    UNION ALL
    -- With off, a backslash in a pattern of 021 would mean something else.
    SELECT
        2,
        'standard_conforming_strings is off for role ' || current_user || ' in database ' || current_database()
            || '; the functions of 021 need on; ALTER ROLE ' || quote_ident(current_user) || ' IN DATABASE '
            || quote_ident(current_database()) || ' SET standard_conforming_strings TO on'
    WHERE current_setting('standard_conforming_strings') = 'off'
)
SELECT p.line
FROM problem AS p
ORDER BY p.severity
LIMIT 1
