//! Feeds [`tenantry_fuzz::scope`].
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| tenantry_fuzz::scope(text));
