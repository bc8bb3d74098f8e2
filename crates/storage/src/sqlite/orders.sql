-- Orders by who placed them, for roles that go by that; where it isn't told, nobody is stored.
CREATE INDEX tenantry_order_sides_by_placer ON tenantry_order_sides
    (tenant_id, NULLIF(placed_by, x'00000000000000000000000000000000'), created_at, order_id);
