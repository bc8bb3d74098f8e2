//! Feeds [`tenantry_fuzz::import`].
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| tenantry_fuzz::import(text));
