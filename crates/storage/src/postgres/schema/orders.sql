-- Orders by who placed them, for roles that go by that; where it isn't told, nobody is stored.
CREATE INDEX tenantry_order_sides_by_placer ON tenantry.tenantry_order_sides
    (tenant_id, (NULLIF(placed_by, '00000000-0000-0000-0000-000000000000'::uuid)), created_at, order_id);
