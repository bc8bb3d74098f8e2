(WITH members AS MATERIALIZED (
    SELECT m.tenant_id, m.user_id FROM tenantry_memberships AS m
    WHERE (m.tenant_id, m.user_id) IN (
        SELECT k.c1, k.c2 FROM unnest($1::uuid[], $2::uuid[]) AS k(c1, c2)
        UNION ALL
        SELECT t.tenant_id, t.assignee_id FROM unnest($9::uuid[], $10::text[]) AS r(c9, c10)
        JOIN tenantry_assignments AS t ON t.tenant_id = r.c9 AND t.role = r.c10
            AND t.assignee_kind = 'user' AND t.on_type = '')
    ORDER BY m.tenant_id, m.user_id FOR NO KEY UPDATE OF m
), assigned AS MATERIALIZED (
    SELECT a.tenant_id, a.assignee_kind, a.assignee_id, a.role, a.on_type, a.on_id FROM tenantry_assignments AS a
    WHERE (a.tenant_id, a.assignee_kind, a.assignee_id, a.role, a.on_type, a.on_id) IN (
        SELECT k.c3, k.c4, k.c5, k.c6, k.c7, k.c8
        FROM unnest($3::uuid[], $4::text[], $5::uuid[], $6::text[], $7::text[], $8::text[])
            AS k(c3, c4, c5, c6, c7, c8)
        UNION ALL
        SELECT t.tenant_id, t.assignee_kind, t.assignee_id, t.role, t.on_type, t.on_id
        FROM unnest($9::uuid[], $10::text[]) AS r(c9, c10)
        JOIN tenantry_assignments AS t ON t.tenant_id = r.c9 AND t.role = r.c10
            AND t.assignee_kind = 'user' AND t.on_type = '')
    ORDER BY a.tenant_id, a.assignee_kind, a.assignee_id, a.role, a.on_type, a.on_id FOR NO KEY UPDATE OF a
), held AS (
    SELECT a.tenant_id, a.role, a.assignee_id FROM assigned AS a
    JOIN members AS m ON m.tenant_id = a.tenant_id AND m.user_id = a.assignee_id
    WHERE a.assignee_kind = 'user' AND a.on_type = ''
)
SELECT 5 AS s, 0::int8 AS n, count(*) AS a, NULL::int8 AS b, NULL::bytea AS c, NULL::bytea AS d FROM members
UNION ALL
SELECT 6, 0, count(*), NULL, NULL, NULL FROM assigned
UNION ALL
SELECT 5, k.n, 1, NULL, NULL, NULL
FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS k(c1, c2, n)
JOIN members AS m ON m.tenant_id = k.c1 AND m.user_id = k.c2
UNION ALL
SELECT 6, k.n, 1, NULL, NULL, NULL
FROM unnest($3::uuid[], $4::text[], $5::uuid[], $6::text[], $7::text[], $8::text[])
    WITH ORDINALITY AS k(c3, c4, c5, c6, c7, c8, n)
JOIN assigned AS a ON a.tenant_id = k.c3 AND a.assignee_kind = k.c4 AND a.assignee_id = k.c5 AND a.role = k.c6
    AND a.on_type = k.c7 AND a.on_id = k.c8
UNION ALL
SELECT 7, r.n, count(*), NULL, NULL, NULL
FROM unnest($9::uuid[], $10::text[]) WITH ORDINALITY AS r(c9, c10, n)
JOIN held AS h ON h.tenant_id = r.c9 AND h.role = r.c10
GROUP BY r.n
UNION ALL
SELECT 8, l.n, count(*), NULL, NULL, NULL
FROM unnest($11::uuid[], $12::text[], $13::uuid[]) WITH ORDINALITY AS l(c11, c12, c13, n)
JOIN held AS h ON h.tenant_id = l.c11 AND h.role = l.c12 AND h.assignee_id = l.c13
GROUP BY l.n)
