(WITH members AS MATERIALIZED (
    SELECT m.tenant_id, m.user_id FROM tenantry_memberships AS m
    WHERE (m.tenant_id, m.user_id) IN (
        SELECT k.c1, k.c2 FROM unnest($1::uuid[], $2::uuid[]) AS k(c1, c2)
        UNION ALL
        SELECT t.tenant_id, t.user_id FROM unnest($6::uuid[], $7::text[]) AS r(c6, c7)
        JOIN tenantry_assignments AS t ON t.tenant_id = r.c6 AND t.role = r.c7)
    ORDER BY m.tenant_id, m.user_id FOR NO KEY UPDATE OF m
), assigned AS MATERIALIZED (
    SELECT a.tenant_id, a.user_id, a.role FROM tenantry_assignments AS a
    WHERE (a.tenant_id, a.user_id, a.role) IN (
        SELECT k.c3, k.c4, k.c5 FROM unnest($3::uuid[], $4::uuid[], $5::text[]) AS k(c3, c4, c5)
        UNION ALL
        SELECT t.tenant_id, t.user_id, t.role FROM unnest($6::uuid[], $7::text[]) AS r(c6, c7)
        JOIN tenantry_assignments AS t ON t.tenant_id = r.c6 AND t.role = r.c7)
    ORDER BY a.tenant_id, a.user_id, a.role FOR NO KEY UPDATE OF a
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
FROM unnest($3::uuid[], $4::uuid[], $5::text[]) WITH ORDINALITY AS k(c3, c4, c5, n)
JOIN assigned AS a ON a.tenant_id = k.c3 AND a.user_id = k.c4 AND a.role = k.c5
UNION ALL
SELECT 7, r.n, count(*), NULL, NULL, NULL
FROM unnest($6::uuid[], $7::text[]) WITH ORDINALITY AS r(c6, c7, n)
JOIN assigned AS a ON a.tenant_id = r.c6 AND a.role = r.c7
JOIN members AS m ON m.tenant_id = a.tenant_id AND m.user_id = a.user_id
GROUP BY r.n
UNION ALL
SELECT 8, l.n, count(*), NULL, NULL, NULL
FROM unnest($8::uuid[], $9::text[], $10::uuid[]) WITH ORDINALITY AS l(c8, c9, c10, n)
JOIN assigned AS a ON a.tenant_id = l.c8 AND a.role = l.c9 AND a.user_id = l.c10
JOIN members AS m ON m.tenant_id = a.tenant_id AND m.user_id = a.user_id
GROUP BY l.n)
