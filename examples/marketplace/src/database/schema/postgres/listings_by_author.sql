-- Who wrote a listing: nobody that is known for those that were there before.
ALTER TABLE listings ADD COLUMN author uuid;

SELECT tenantry.protect('listings', history => true);
